"""Measure exported files beside plain ones, and write the table of docs/deploying.md.

    python tools/deploying.py            # every network; a few minutes
    python tools/deploying.py ResNet     # networks whose name has this word; writes nothing

Each file is run on one thread, one picture at a time, in turns with the model that the framework exports.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
warnings.simplefilter("ignore")

import keras  # noqa: E402 - after the variables above
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers as L  # noqa: E402, N812

import visioncam  # noqa: E402

PAGE = ROOT / "docs" / "deploying.md"
BEGIN, END = "<!-- from here: deploying -->\n", "<!-- to here: deploying -->"
HEAD = "| Network, layer | Format | Plain | With map | Size | Time | Map |\n" + "| --- " * 7 + "|\n"
ROUNDS = 60
Run = Callable[[np.ndarray], Any]


def resnet() -> Any:
    """Return a small ResNet."""
    inputs = keras.Input((128, 128, 3))
    x = L.MaxPooling2D(3, 2, "same")(
        L.ReLU()(L.BatchNormalization()(L.Conv2D(32, 7, 2, padding="same")(inputs)))
    )
    for name, channels, stride in (("stage1", 32, 1), ("stage2", 64, 2), ("stage3", 128, 2)):
        y = L.ReLU()(L.BatchNormalization()(L.Conv2D(channels, 3, stride, padding="same", use_bias=False)(x)))
        y = L.BatchNormalization()(L.Conv2D(channels, 3, padding="same", use_bias=False)(y))
        same = stride == 1 and x.shape[-1] == channels
        x = x if same else L.BatchNormalization()(L.Conv2D(channels, 1, stride, use_bias=False)(x))
        x = L.ReLU(name=name)(L.Add()([x, y]))
    return keras.Model(inputs, L.Dense(100, activation="softmax")(L.GlobalAveragePooling2D()(x)))


class ClassToken(L.Layer):
    """A token before all others, and a place for each."""

    def build(self, shape: Any) -> None:
        """Make both."""
        self.token = self.add_weight(shape=(1, 1, shape[-1]), initializer="normal")
        self.places = self.add_weight(shape=(1, shape[1] + 1, shape[-1]), initializer="normal")

    def call(self, x: Any) -> Any:
        """Return the tokens with it."""
        token = keras.ops.tile(self.token, (keras.ops.shape(x)[0], 1, 1))
        return keras.ops.concatenate([token, x], 1) + self.places


def vit() -> Any:
    """Return a vision transformer of six blocks as wide as ViT-Tiny's."""
    inputs = keras.Input((96, 96, 3))
    x = ClassToken()(L.Reshape((36, 192))(L.Conv2D(192, 16, 16)(inputs)))
    for i in range(6):
        y = L.LayerNormalization(epsilon=1e-6)(x)
        x = L.Add()([x, L.MultiHeadAttention(3, 64)(y, y)])
        y = L.LayerNormalization(epsilon=1e-6)(x)
        x = L.Add(name=f"block{i}")([x, L.Dense(192)(L.Dense(768, activation="gelu")(y))])
    x = L.LayerNormalization(epsilon=1e-6)(x)[:, 0]
    return keras.Model(inputs, L.Dense(100, activation="softmax")(x))


def mobilenet() -> Any:
    """Return MobileNetV2."""
    return keras.applications.MobileNetV2(input_shape=(96, 96, 3), weights=None, classes=100)


def randomised(make: Callable[[], Any]) -> Any:
    """Return a network whose weights, biases and statistics are all random."""
    keras.utils.set_random_seed(1)
    model, random = make(), np.random.default_rng(1)
    for weight in model.weights:
        if len(weight.shape) == 1 and "token" not in weight.path:
            low, high = (0.7, 1.4) if weight.path.endswith(("gamma", "variance")) else (-0.2, 0.2)
            weight.assign(random.uniform(low, high, weight.shape))
    return model


NETWORKS: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "EfficientNet-Lite0, embedded": (visioncam.demo.load, ("auto", "block5c_add")),
    "small ResNet, 128 pixels": (lambda: randomised(resnet), ("auto", "stage2")),
    "MobileNetV2, 96 pixels": (lambda: randomised(mobilenet), ("auto", "block_12_add")),
    "ViT-Tiny, 6 blocks": (lambda: randomised(vit), ("auto",)),
}


def tflite(path: Path) -> Run:
    """Return what runs a TFLite file on one thread."""
    runner = tf.lite.Interpreter(os.fspath(path), num_threads=1).get_signature_runner()
    (name,) = runner.get_input_details()
    return lambda x: runner(**{name: x})


def onnx(path: Path) -> Run:
    """Return what runs an ONNX file on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})


def savedmodel(path: Path) -> Run:
    """Return what runs a SavedModel."""
    serve = tf.saved_model.load(path).signatures["serving_default"]
    (name,) = serve.structured_input_signature[1]
    return lambda x: serve(**{name: tf.constant(x)})


RUNNERS = {"tflite": tflite, "onnx": onnx, "savedmodel": savedmodel}


def plain(model: Any, form: str, folder: Path) -> Path:
    """Write the model alone, as its framework does it."""
    path = folder / f"plain.{form}"
    if form == "onnx":
        import tf2onnx

        tf2onnx.convert.from_keras(model, opset=17, output_path=path)
    else:
        saved = folder / "plain.savedmodel"
        model.export(saved, verbose=False)
        if form == "tflite":
            path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(os.fspath(saved)).convert())
    return path


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of a folder's files."""
    return sum(one.stat().st_size for one in ([path] if path.is_file() else path.rglob("*")) if one.is_file())


def times(runs: list[Run], x: np.ndarray) -> list[float]:
    """Return the milliseconds below which a quarter of the runs of each are, measured in turns."""
    found: list[list[float]] = [[] for _ in runs]
    for i in range(ROUNDS + 3):
        for run, each in zip(runs, found, strict=True):
            start = time.perf_counter()
            run(x)
            if i >= 3:
                each.append(1000 * (time.perf_counter() - start))
    return [float(np.quantile(one, 0.25)) for one in found]


def rows(name: str, forms: tuple[str, ...] = tuple(RUNNERS)) -> Iterator[str]:
    """Yield the lines of the table for one network."""
    make, layers = NETWORKS[name]
    model = make()
    x = np.random.default_rng(0).normal(size=(1, *model.input_shape[1:])).astype(np.float32)
    for form in forms:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            alone = plain(model, form, folder)
            try:
                runs = [RUNNERS[form](alone)]
            except Exception:  # tf2onnx leaves in it what ONNX does not have, as `Erfc`
                runs = []
            for layer in layers:
                found = visioncam.export(model, folder / f"{layer}.{form}", layer=layer)
                *before, after = times([*runs, RUNNERS[form](found.path)], x)
                size = size_of(alone)
                cells = ["does not run", "–", "–"]
                if before:
                    cells = [f"{size / 1e6:.2f} MB, {before[0]:.1f} ms", f"×{found.size / size:.2f}"]
                    cells.append(f"×{after / before[0]:.2f}")
                yield (
                    f"| {name}, `{found.layer}` | {form} | {cells[0]} | {found.size / 1e6:.2f} MB, "
                    f"{after:.1f} ms | {cells[1]} | {cells[2]} | {found.error:.0e} |"
                )


def main() -> None:
    """Measure, print, and write the page unless a word was given."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    lines = []
    for name in [one for one in NETWORKS if word in one]:
        for line in rows(name):
            print(line, flush=True)
            lines.append(line)
    if word:
        return
    where = f"{platform.system()} {platform.machine()}, one thread, TensorFlow {tf.__version__}."
    table = f"{BEGIN}\n{HEAD}" + "\n".join(lines) + f"\n\nMeasured on {where}\n{END}"
    text = PAGE.read_text("utf-8")
    new = re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: table, text, flags=re.DOTALL)
    PAGE.write_text(new, "utf-8")


if __name__ == "__main__":
    main()
