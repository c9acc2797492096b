"""Measure where maps lie beside patches that were planted, and write the table of docs/methods.md.

    python tools/placement.py         # ten minutes on two cores
    python tools/placement.py --dry   # print it, write nothing

The embedded network looks at pieces of photos, each also mirrored and turned so that a piece whose marks lie
beside its middle counts for nothing.  Three small networks that differ in nothing but their padding are
trained on drawn shapes, seeded.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "methods.md"
BEGIN, END = "<!-- measured by tools/placement.py -->", "<!-- end of what was measured -->"
PIECES = {
    "examples/chelsea.png": (120, 20, 360, 260),
    "examples/coffee.png": (150, 50, 450, 350),
    "examples/rocket.jpg": (200, 20, 440, 260),
    "tests/data/photos/flower.jpg": None,
}
SIDES = (48, 72)
CORE = 0.3
"""Of a map's maximum: what is weaker is no part of the blob whose middle is taken."""
PADDINGS = ("same", "one", "valid")
SHAPES = 4


@attrs.frozen
class Found:
    """How maps lie beside planted patches.

    Attributes:
        distance: mean distance in pixels between the middle of a map and that of its patch.
        offset: length of the mean of those vectors: what all maps are off together.
        count: number of maps.
    """

    distance: float
    offset: float
    count: int


# ---- what is planted


def pieces() -> list[np.ndarray]:
    """Return pieces of photos, (side, side, 3) float32 each."""
    from PIL import Image

    found = []
    for name, box in PIECES.items():
        with Image.open(ROOT / name) as photo:
            image = photo.convert("RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop(box or (left, top, left + side, top + side))
        found += [np.asarray(image.resize((n, n)), np.float32) for n in SIDES]
    return found


def shape(kind: int, side: int) -> np.ndarray:
    """Return a mask (side, side): a square, a disc, an upright cross or a slanting one."""
    y, x = np.abs(np.mgrid[:side, :side] - (side - 1) / 2)
    return np.asarray(
        (
            (y < side * 0.4) & (x < side * 0.4),
            y**2 + x**2 < (side * 0.45) ** 2,
            (y < side * 0.12) | (x < side * 0.12),
            np.abs(y - x) < side * 0.15,
        )[kind]
    )


def shapes(side: int = 20) -> list[np.ndarray]:
    """Return each shape in red on noise."""
    rng = np.random.default_rng(0)
    found = []
    for kind in range(SHAPES):
        patch = rng.normal(127, 8, (side, side, 3)).astype(np.float32)
        patch[shape(kind, side)] = (230, 40, 60)
        found.append(patch)
    return found


def planted(patches: Sequence[np.ndarray], size: int, places: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield pictures (N, size, size, 3) with one patch each, and its middle (N, 2) in pixels.

    Each patch comes in four orientations, at `places` x `places` places.  Behind it there is noise.
    """
    line = np.linspace(0.3 * size, 0.7 * size, places)
    for patch in patches:
        side = len(patch)
        turned = (patch, patch[::-1], patch[:, ::-1], patch[::-1, ::-1])
        corners = np.rint([(y - side / 2, x - side / 2) for y in line for x in line]).astype(int)
        pictures = np.repeat(ground(size)[None], len(turned) * len(corners), axis=0)
        corners = np.tile(corners, (len(turned), 1))
        for number, (picture, (top, left)) in enumerate(zip(pictures, corners, strict=True)):
            picture[top : top + side, left : left + side] = turned[number // places**2]
        yield pictures, corners + (side - 1) / 2


def ground(size: int) -> np.ndarray:
    """Return the noise that patches are planted on."""
    return 127 + np.random.default_rng(3).normal(0, 8, (size, size, 3))


# ---- what is measured


def measured(
    model: Any, layer: str, patches: Sequence[np.ndarray], scale: float, places: int
) -> dict[tuple[str, str], Found]:
    """Return (what, placement) -> how maps lie, for activations and for Grad-CAM.

    Args:
        model: looks at pictures of 0..255, minus 127, over `scale`.
        layer: whose maps are looked at.
        patches: what is planted.
        scale: see `model`.
        places: along each axis of the picture.
    """
    import keras

    import visioncam
    from visioncam_core.resize import PLACEMENTS

    size = int(model.input_shape[1])
    features = keras.Model(model.inputs, model.get_layer(layer).output)
    blank = np.zeros((1, size, size, 3), np.float32)
    looks = {
        name: visioncam.explain(model, blank, layer=layer, placement=name)[0].layer.placement
        for name in PLACEMENTS
    }
    off: dict[tuple[str, str], list[np.ndarray]] = {}
    quiet = features.predict((ground(size)[None] - 127) / scale, verbose=0)
    for pictures, middles in planted(patches, size, places):
        x = ((pictures - 127) / scale).astype(np.float32)
        change = np.square(features.predict(x, verbose=0) - quiet).sum(axis=-1)
        heat = np.stack([np.maximum(one.raw, 0) for one in visioncam.explain(model, x, layer=layer)])
        for what, maps in (("activations", change), ("Grad-CAM", heat)):
            for map_, middle in zip(maps, middles, strict=True):
                if map_.max() <= 0:
                    continue
                for name, placement in looks.items():
                    off.setdefault((what, name), []).append(centre(map_, size, placement) - middle)
    return {
        key: Found(
            float(np.linalg.norm(vectors, axis=1).mean()),
            float(np.linalg.norm(np.mean(vectors, axis=0))),
            len(vectors),
        )
        for key, vectors in off.items()
    }


def centre(map_: np.ndarray, size: int, placement: Any) -> np.ndarray:
    """Return the pixel (y, x) in the middle of what is strong in a map, drawn as `placement` says."""
    from visioncam_core.resize import resize

    drawn = resize(map_, (size, size), placement).astype(np.float64)
    drawn[drawn < CORE * drawn.max()] = 0
    return np.array([(drawn.sum(axis=1 - i) * np.arange(size)).sum() for i in (0, 1)]) / drawn.sum()


# ---- networks that are trained here


def network(
    padding: str,
    size: int,
    widths: Sequence[int] = (16, 32, 32, 48, 64),
    strides: Sequence[int] = (2, 2, 1, 2, 1),
) -> Any:
    """Return an untrained network: five convolutions, padded "same", by "one" or, "valid", not at all."""
    import keras
    from keras import layers as L  # noqa: N812  -- as everybody writes it

    inputs = x = keras.Input((size, size, 3))
    for width, stride in zip(widths, strides, strict=True):
        x = L.ZeroPadding2D(1)(x) if padding == "one" else x
        x = L.Conv2D(width, 3, stride, "same" if padding == "same" else "valid")(x)
        x = L.ReLU()(L.BatchNormalization(momentum=0.9)(x))
    x = L.Activation("linear", name="last")(x)
    return keras.Model(inputs, L.Dense(SHAPES)(L.GlobalAveragePooling2D()(x)))


def drawings(count: int, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures of one shape each, in any colour and place, some beside a square; and which."""
    rng = np.random.default_rng(seed)
    pictures = rng.normal(127, 12, (count, size, size, 3)).astype(np.float32)
    kinds = rng.integers(0, SHAPES, count)
    for picture, kind in zip(pictures, kinds, strict=True):
        side = int(rng.integers(16, 26))
        top, left = rng.integers(0, size - side, 2)
        picture[top : top + side, left : left + side][shape(kind, side)] = rng.uniform(0, 255, 3)
        if rng.uniform() < 0.5:
            top, left = rng.integers(0, size - 6, 2)
            picture[top : top + 6, left : left + 6] = rng.uniform(0, 255, 3)
    return (pictures - 127) / 64, kinds


def trained(padding: str, size: int = 96, count: int = 3000, epochs: int = 8, **keywords: Any) -> Any:
    """Return a network trained to tell the shapes apart; the same in each run of one machine."""
    import keras

    keras.utils.set_random_seed(0)
    model = network(padding, size, **keywords)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    model.fit(*drawings(count, size, 0), epochs=epochs, batch_size=64, verbose=0)
    return model


# ---- the page


def lines() -> Iterator[str]:
    """Yield the rows of the table as they are measured."""
    import visioncam

    embedded = visioncam.demo.load()
    yield from _rows("embedded EfficientNet-Lite0", measured(embedded, "top_activation", pieces(), 128.0, 4))
    for padding in PADDINGS:
        model = trained(padding)
        accuracy = model.evaluate(*drawings(500, 96, 1), verbose=0)[1]
        name = {"same": "SAME", "one": "padding of one", "valid": "VALID"}[padding]
        yield from _rows(f"{name} ({accuracy:.0%} right)", measured(model, "last", shapes(), 64.0, 5))


def _rows(name: str, found: dict[tuple[str, str], Found]) -> Iterator[str]:
    from visioncam_core.resize import PLACEMENTS

    for what in ("activations", "Grad-CAM"):
        cells = [found[what, placement] for placement in PLACEMENTS]
        told = " | ".join(f"{one.distance:.1f} ({one.offset:.1f})" for one in cells)
        yield f"| {name} | {what} | {told} | {cells[0].count} |"


def main(arguments: list[str]) -> None:
    """Measure, and write."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    table = [
        "| network | map | `stretched` | `receptive` | `effective` | maps |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for line in lines():
        print(line, flush=True)
        table.append(line)
    if "--dry" not in arguments:
        text = PAGE.read_text("utf-8")
        part = re.compile(f"({re.escape(BEGIN)}\n).*?({re.escape(END)})", re.DOTALL)
        assert part.search(text), f"{PAGE} has no place for the table"
        PAGE.write_text(part.sub(lambda at: "\n".join((at[1] + "\n".join(table), at[2])), text), "utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # the checkout, not an installed wheel
    main(sys.argv[1:])
