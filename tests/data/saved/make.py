"""Make the files of this folder: `python make.py FOLDER`, with VisionCam 1.0.0.dev0 (commit d0615c4).

They are kept so that files of then stay readable.  Do not make them again with a later VisionCam: add new
ones.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers as L  # noqa: N812  -- as everybody writes it
from PIL import Image

import visioncam

TIME = 1_767_225_600 * 10**9
"""When the pictures were last changed; the tests set it again, as a run compares it."""
TARGETS = {"one": 1, "two": 2, "three": 0}


def filled(model: Any, seed: int) -> Any:
    """Return the model with weights that depend on the seed alone."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        fan = max(1, int(np.prod(weight.shape[:-1])))
        weight.assign(rng.normal(0.05, 1.5 / fan**0.5, weight.shape).astype(np.float32))
    return model


def picture_model() -> Any:
    """Return a network for pictures of 16 by 20 pixels with three classes."""
    inputs = keras.Input((16, 20, 3), name="picture")
    x = L.Rescaling(1 / 255, name="rescaling")(inputs)
    x = L.Conv2D(6, 3, padding="same", activation="relu", name="early")(x)
    x = L.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="late")(x)
    x = L.GlobalAveragePooling2D(name="pool")(x)
    return filled(keras.Model(inputs, L.Dense(3, activation="softmax", name="probs")(x), name="small"), 1)


def axes_model(shape: tuple[int, ...], name: str) -> Any:
    """Return a network for signals or volumes."""
    rank = len(shape) - 1
    conv = {1: L.Conv1D, 3: L.Conv3D}[rank]
    pool = {1: L.GlobalAveragePooling1D, 3: L.GlobalAveragePooling3D}[rank]
    inputs = keras.Input(shape, name="values")
    x = conv(4, 3, strides=2, padding="same", activation="relu", name="conv")(inputs)
    return filled(keras.Model(inputs, L.Dense(2, name="out")(pool(name="pool")(x)), name=name), 2)


def pictures(folder: Path) -> None:
    """Write three small pictures, and a file that is none."""
    folder.mkdir()
    rows, columns = np.mgrid[0:24, 0:30]
    for number, name in enumerate(TARGETS):
        blob = np.exp(-((rows - 6 - 5 * number) ** 2 + (columns - 8 - 6 * number) ** 2) / 30)
        channels = [255 * blob, 255 * (1 - blob), 8 * rows + number]
        Image.fromarray(np.stack(channels, -1).astype(np.uint8)).save(folder / f"{name}.png")
    (folder / "broken.png").write_text("this is no picture\n")
    for path in folder.iterdir():
        os.utime(path, ns=(TIME, TIME))


def command(*words: str) -> None:
    """Run the program, and let it end with 0 or 3 (a picture failed)."""
    from visioncam.cli.app import app

    try:
        app.main(list(words))
    except SystemExit as end:
        if end.code not in (0, 3):
            raise


def explanations(model: Any) -> dict[str, Any]:
    """Return one explanation for each file."""
    late = {"layer": "late", "class_names": ["ash", "birch", "cedar"]}
    signal = np.sin(np.arange(40, dtype=np.float32) / 4)[:, None] + 1
    volume = np.random.default_rng(3).random((6, 8, 10, 1)).astype(np.float32)
    tall = np.asarray(Image.open("pictures/one.png").resize((40, 50)))
    return {
        "picture": visioncam.explain(model, "pictures/one.png", "gradcam", **late),
        "signed": visioncam.explain(
            model, "pictures/two.png", "scorecam", target=2, evidence="signed", weights="probability", **late
        ),
        "contrast": visioncam.explain(
            model, "pictures/three.png", "xgradcam", target=visioncam.targets.Contrast(0, 1), **late
        ),
        "fused": visioncam.explain(
            model, "pictures/two.png", "hirescam", layer=["early", "late"], fuse="max", geometry="letterbox"
        ),
        "tiled": visioncam.explain(model, tall, "ablationcam", target=1, geometry="tile"),
        "signal": visioncam.explain(axes_model((40, 1), "signal"), signal, "gradcam", target=0),
        "volume": visioncam.explain(axes_model((6, 8, 10, 1), "volume"), volume, "hirescam", target=1),
    }


def main() -> None:
    """Write everything into a new folder."""
    folder = Path(sys.argv[1])
    folder.mkdir()
    os.chdir(folder)
    pictures(Path("pictures"))
    model = picture_model()
    model.save("model.keras")
    Path("explanations").mkdir()
    for name, explanation in explanations(model).items():
        explanation.save(f"explanations/{name}.npz")
        explanation.save(f"explanations/{name}.png")
    words = ["batch", "pictures", "--model", "model.keras"]
    command(*words, "-o", "finished", "--method", "xgradcam", "--layer", "late", "--save-as", "npz,png,json")
    command(*words, "-o", "interrupted", "--class", "1", "--save-option", "raw_only=no", "--batch-size", "1")
    manifest = Path("interrupted/manifest.jsonl")
    first, second, *_ = manifest.read_bytes().splitlines(keepends=True)
    for name in json.loads(second)["files"]:
        Path("interrupted", name).unlink()
    for line in manifest.read_text().splitlines()[2:]:
        for name in json.loads(line)["files"]:
            Path("interrupted", name).unlink()
    manifest.write_bytes(first + second[: len(second) // 2])  # killed while it wrote the second line
    Path("interrupted/errors.jsonl").unlink(missing_ok=True)
    Path("interrupted/.tmp-0123456789abcdef.npz").write_bytes(b"half a file")


main()
