"""Loops, batches and first answers: what Python adds to the passes of the model."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.processes import asked
from benchmarks.rows import Row
from benchmarks.timing import interleaved

SMALL = "28×28 CNN"
PICTURES = 2000


def small_network() -> Any:
    """Return the network of Keras' own example for handwritten digits, without dropout."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    i = keras.Input((28, 28, 1))
    x = layers.MaxPooling2D()(layers.Conv2D(32, 3, activation="relu")(i))
    x = layers.MaxPooling2D()(layers.Conv2D(64, 3, activation="relu")(x))
    return keras.Model(i, layers.Dense(10, activation="softmax")(layers.Flatten()(x)))


def measured(rounds: int) -> Iterator[Row]:
    """Measure batches of 64, calls of one picture, and first answers."""
    import keras

    keras.utils.set_random_seed(0)
    mobile = keras.applications.MobileNetV2(weights=None, input_shape=(96, 96, 3), classifier_activation=None)
    weights, bias = mobile.layers[-1].get_weights()  # a trained network's logits are not 1e-9
    mobile.layers[-1].set_weights([weights * 1e10, bias])
    for name, model in ((SMALL, small_network()), ("MobileNetV2, 96 px", mobile)):
        yield from batches(name, model, rounds)
    yield from single_calls(rounds)
    yield from first_answers(max(3, rounds // 5))
    yield from commands(max(5, rounds // 3))
    yield from files(max(3, rounds // 5))


def compiled(model: Any) -> Any:
    """Return the compiled forward pass, from an array to an array."""
    import tensorflow as tf

    forward = tf.function(lambda x: model(x, training=False), reduce_retracing=True)
    return lambda x: forward(tf.convert_to_tensor(x)).numpy()


def batches(name: str, model: Any, rounds: int) -> Iterator[Row]:
    """Measure 64 pictures at once against their forward pass, and against the passes Grad-CAM needs."""
    import visioncam
    from visioncam_core.engine.batches import Budget

    x = np.random.default_rng(0).uniform(-1, 1, (64, *model.input_shape[1:])).astype(np.float32)
    ask, forward = visioncam.explainer(model, "gradcam", batch_size=64), compiled(model)
    view, choice = ask.layers(x)
    assert choice is not None
    passes, top = view.passes(choice, None, Budget(64)), np.full(64, -1, np.int32)
    times = interleaved(
        3 * rounds,
        F=lambda: forward(x),
        passes=lambda: passes.probe(ask.engine.tensors([x]), top),
        ours=lambda: ask(x),
    )
    python = median(a - b for a, b in zip(times.seconds["ours"], times.seconds["passes"], strict=True)) / 64
    yield Row("Python per picture, batch 64", name, 1e3 * python, 0.06, "ms")
    if name == SMALL:
        yield Row("GradCAM, batch 64", name, times.ratio("ours", "F"), 1.5)


def single_calls(rounds: int) -> Iterator[Row]:
    """Measure what a call of one picture takes beyond 1.3 forward passes."""
    import visioncam

    model = small_network()
    x = np.random.default_rng(0).uniform(-1, 1, (1, 28, 28, 1)).astype(np.float32)
    ask, forward = visioncam.explainer(model, "gradcam"), compiled(model)
    for held in (False, True):
        with ask if held else nullcontext():
            times = interleaved(20 * rounds, warm=20, F=lambda: forward(x), ours=lambda: ask(x))
        over = median(a - 1.3 * b for a, b in zip(times.seconds["ours"], times.seconds["F"], strict=True))
        note = f"{times.ratio('ours', 'F'):.2f} F of {1e3 * times.median('F'):.2f} ms"
        work = "one call beyond 1.3 F" + (", inside `with explainer:`" if held else "")
        yield Row(work, SMALL, 1e3 * over, 0.5, "ms", note=note)


def first_answers(rounds: int) -> Iterator[Row]:
    """Measure first explanations in processes of their own, and the command line's first picture."""
    import visioncam

    found = [asked("first_answer", "ResNet50") for _ in range(rounds)]
    for key, work, limit in (
        ("first", "first explanation over the first compiled forward pass", 1.1),
        ("second", "a second layer over the first compiled forward pass", 0.6),
    ):
        yield Row(work, "ResNet50", median(one[key] / one["forward"] for one in found), limit, "×")
    photo = Path(__file__).resolve().parents[1] / "examples" / "chelsea.png"
    ratios, seconds = [], []
    with TemporaryDirectory() as folder:
        path, words = str(Path(folder, "model.keras")), ["explain", str(photo), "-o", folder]
        visioncam.demo.load().save(path)
        for number in range(rounds + 1):
            base = timed("-m", "benchmarks.child", "bare_answer", path)
            ours = timed("-m", "visioncam", *words)
            if number:  # the first fills caches of files
                ratios.append(ours / base)
                seconds.append(ours)
    note = (
        f"{median(seconds):.1f} s; the same without VisionCam: TensorFlow, the model file, one compiled pass"
    )
    yield Row("visioncam explain, from shell to file", "embedded", median(ratios), 1.3, "×", note=note)


def commands(rounds: int) -> Iterator[Row]:
    """Measure commands that run no model."""
    for words in (("methods",), ("plugins",), ("layers", "--help")):
        times = [timed("-m", "visioncam", *words) for _ in range(rounds)]
        yield Row(f"visioncam {' '.join(words)}", "none", median(times), 0.35, "s")


def timed(*words: str) -> float:
    """Return the seconds that a Python process takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], capture_output=True, check=True)
    return time.perf_counter() - start


def files(rounds: int) -> Iterator[Row]:
    """Measure runs over small files, here and on two Ray actors, against decoding and `model.predict`."""
    import keras
    import tensorflow as tf
    from PIL import Image

    import visioncam
    from visioncam import distributed

    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2(weights=None, input_shape=(96, 96, 3))
    draw = np.random.default_rng(0)
    with TemporaryDirectory() as folder:
        photos = Path(folder, "photos")
        photos.mkdir()
        for number in range(PICTURES):
            coarse = Image.fromarray(draw.integers(0, 255, (6, 6, 3), np.uint8))
            coarse.resize((96, 96), Image.Resampling.BICUBIC).save(photos / f"{number:04}.jpg")
        paths = sorted(map(str, photos.iterdir()))

        def decoded(path: Any) -> Any:
            return tf.cast(tf.io.decode_jpeg(tf.io.read_file(path), 3), tf.float32) / 127.5 - 1

        def predict() -> None:
            data = tf.data.Dataset.from_tensor_slices(paths).map(decoded, tf.data.AUTOTUNE)
            model.predict(data.batch(32).prefetch(2), verbose=0)

        runs = iter(range(10**6))

        def ours() -> None:
            out = Path(folder, f"maps{next(runs)}")
            visioncam.explain_dataset(model, photos, out, save_as="npz", batch_size=32)

        def on_ray() -> None:
            out = Path(folder, f"maps{next(runs)}")
            distributed.explain(model, photos, out=out, save_as="npz", batch_size=32, actors=(2, 2))

        times = interleaved(rounds, warm=1, predict=predict, ours=ours, ray=on_ray)
        name = "MobileNetV2, 96 px"
        work = f"{PICTURES} small JPEGs to maps in files, pictures per second"
        unit = "of decoding and model.predict"
        yield Row(work, name, times.ratio("predict", "ours"), 0.9, unit, least=True)
        yield Row(f"{work}, Ray with two actors", name, times.ratio("predict", "ray"), 0.9, unit, least=True)
