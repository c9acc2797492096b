"""Watching a training: it is not disturbed, the maps follow the weights, and nothing piles up."""

from __future__ import annotations

import csv
import gc
import io
import tracemalloc
import weakref
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import visioncam
from visioncam.callbacks import ExplanationMonitor, Look, overlap
from visioncam.callbacks.event_file import EventFile
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import ImageError, OptionError, OptionTypeError, TargetError


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    """Pictures with a bright square left (class 0) or right (class 1)."""
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 0.3, (48, 12, 16, 1)).astype(np.float32)
    y = np.arange(48) % 2
    for i, label in enumerate(y):
        row = rng.integers(0, 8)
        x[i, row : row + 4, 10 * label : 10 * label + 4] += 0.7
    return x, y


def small(**more: Any) -> keras.Model:
    """A small network; dropout and shuffling draw from the global generator while it trains."""
    keras.utils.set_random_seed(11)
    model = keras.Sequential(
        [
            keras.Input((12, 16, 1)),
            keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="conv"),
            keras.layers.Dropout(0.2),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", **more)
    return model


class Kept:
    """A sink that remembers nothing but numbers and weak references."""

    def __init__(self) -> None:
        self.looks: list[tuple[int, float | None]] = []
        self.alive: list[weakref.ref[Any]] = []
        self.traces: list[int] = []
        self.bytes: list[int] = []
        self.closed = 0

    def write(self, look: Look) -> None:
        self.looks.append((look.epoch, look.scalars.get("overlap_previous")))
        self.alive.append(weakref.ref(look.explanations[0]))
        self.traces.append(COUNTERS.snapshot()["traces"] + COUNTERS.snapshot()["cuts"])
        if look.epoch == 10:
            tracemalloc.start()
        if look.epoch in (11, 50):
            gc.collect()
            self.bytes.append(tracemalloc.get_traced_memory()[0])

    def close(self) -> None:
        self.closed += 1


def fit(model: keras.Model, data: tuple[np.ndarray, np.ndarray], epochs: int, *monitors: Any) -> None:
    model.fit(*data, batch_size=16, epochs=epochs, callbacks=list(monitors), verbose=0)


def test_training_comes_out_the_same(data: tuple[np.ndarray, np.ndarray]) -> None:
    alone, watched = small(), small()
    keras.utils.set_random_seed(5)
    fit(alone, data, 3)
    keras.utils.set_random_seed(5)
    monitor = ExplanationMonitor(data[0][:2], [0, 1], sinks=[Kept()], method="smoothgradcamplusplus", n=2)
    fit(watched, data, 3, monitor)
    pairs = zip(alone.get_weights(), watched.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert len(alone.optimizer.variables) == len(watched.optimizer.variables)


def test_fifty_epochs_trace_once_and_keep_nothing(data: tuple[np.ndarray, np.ndarray]) -> None:
    kept = Kept()
    monitor = ExplanationMonitor(data[0][:3], [0, 1, 0], sinks=[kept])
    fit(small(), data, 50, monitor)
    tracemalloc.stop()
    assert [epoch for epoch, _ in kept.looks] == list(range(51))
    assert len(set(kept.traces[1:])) == 1  # the second look compares the trace with the model: one cut more
    assert kept.closed == 1
    gc.collect()
    assert not any(reference() is not None for reference in kept.alive)
    early, late = kept.bytes
    assert (
        late - early < 150_000
    )  # the heat maps alone of these 39 looks are 90 kB; Keras, Python and the last placements keep some 60


def test_maps_follow_the_weights(data: tuple[np.ndarray, np.ndarray]) -> None:
    maps: list[np.ndarray] = []

    class Maps(Kept):
        def write(self, look: Look) -> None:
            maps.append(look.explanations[1].heatmap.copy())

    model = small()
    monitor = ExplanationMonitor(data[0][:2], [0, 1], sinks=[Maps()])
    fit(model, data, 4, monitor)
    assert np.abs(maps[-1] - maps[0]).max() > 0.05
    now = visioncam.explain(model, data[0][:2], target=[0, 1])
    assert isinstance(now, list)
    np.testing.assert_allclose(maps[-1], now[1].heatmap, atol=1e-6)
    curve = monitor.curves["overlap_first"]
    assert list(curve) == [1, 2, 3, 4]
    assert curve[4] < 0.99
    model.optimizer.learning_rate = 0.0  # nothing learned, nothing moved
    fit(model, data, 1, monitor)
    assert monitor.curves["overlap_previous"][1] == pytest.approx(1.0)


def test_folder_and_tensorboard(data: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    import tensorflow as tf
    from tensorflow.compat.v1.train import summary_iterator

    model = small()
    probe = (data[0][:2, ..., 0] * 255).astype(np.uint8)  # a list of pictures, not of model inputs
    for start, end in ((0, 3), (3, 4)):
        monitor = ExplanationMonitor(
            list(probe), [0, 1], every=2, folder=tmp_path / "maps", tensorboard=tmp_path / "logs"
        )
        model.fit(*data, epochs=end, initial_epoch=start, callbacks=[monitor], verbose=0, batch_size=16)
    names = sorted(path.name for path in (tmp_path / "maps").iterdir())
    epochs = (0, 2, 3, 4)
    assert names == [*(f"epoch_{n:04d}_picture_{i:02d}.png" for n in epochs for i in (0, 1)), "overlap.csv"]
    with open(tmp_path / "maps" / "overlap.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["epoch"]), int(row["picture"])) for row in rows] == [
        (n, i) for n in epochs for i in (0, 1)
    ]
    assert rows[0]["overlap_previous"] == ""
    assert 0 <= float(rows[2]["overlap_previous"]) <= 1
    events = [event for file in (tmp_path / "logs").iterdir() for event in summary_iterator(str(file))]
    found = {(value.tag, event.step): value for event in events for value in event.summary.value}
    assert {("visioncam/picture_01", n) for n in epochs} <= set(found)
    assert {("visioncam/overlap_previous", 2), ("visioncam/overlap_first", 4)} <= set(found)
    picture = found["visioncam/picture_01", 2]
    assert picture.metadata.plugin_data.plugin_name == "images"
    width, height, png = tf.make_ndarray(picture.tensor)
    with Image.open(io.BytesIO(png)) as drawn, Image.open(tmp_path / "maps" / names[3]) as saved:
        assert drawn.size == (int(width), int(height))
        np.testing.assert_array_equal(drawn, saved)


def test_event_files_are_those_that_tensorflow_writes(tmp_path: Path) -> None:
    """Record by record, but for the time: TensorFlow's reader checks every checksum, too."""
    import tensorflow as tf
    from tensorflow.compat.v1 import SummaryMetadata
    from tensorflow.compat.v1.train import summary_iterator

    png = bytes(range(256)) * 3
    ours = EventFile(tmp_path / "ours")
    ours.image("a/picture", 3, png, (20, 300, 3), "what it is: é")
    ours.scalar("a/curve", 1 << 40, 0.1, "")
    ours.close()

    def about(plugin: str, kind: int, text: str) -> Any:
        named = SummaryMetadata.PluginData(plugin_name=plugin)
        return SummaryMetadata(plugin_data=named, data_class=kind, summary_description=text)

    writer = tf.summary.create_file_writer(str(tmp_path / "theirs"))
    with writer.as_default():
        values = tf.constant([b"300", b"20", png])
        tf.summary.write("a/picture", values, 3, about("images", 3, "what it is: é"))
        tf.summary.write("a/curve", tf.constant(0.1), 1 << 40, about("scalars", 1, ""))
    writer.close()

    def records(folder: str) -> list[tuple[Any, ...]]:
        (path,) = (tmp_path / folder).iterdir()
        assert path.name.startswith("events.out.tfevents.")
        events = list(summary_iterator(str(path)))
        assert events.pop(0).file_version == "brain.Event:2"
        values = [(event.step, event.summary.value[0]) for event in events]
        array = tf.make_ndarray
        return [(step, one.tag, one.metadata, array(one.tensor).tolist()) for step, one in values]

    assert records("ours") == records("theirs")


def test_a_full_disk_does_not_stop_training(data: tuple[np.ndarray, np.ndarray]) -> None:
    class Full(Kept):
        def write(self, look: Look) -> None:
            super().write(look)
            if look.epoch == 1:
                raise OSError("no space left on device")

    kept = Full()
    monitor = ExplanationMonitor(data[0][:1], sinks=[kept])
    with pytest.warns(UserWarning, match="no maps for epoch 1; training continues: OSError: no space left"):
        fit(small(), data, 2, monitor)
    assert [epoch for epoch, _ in kept.looks] == [0, 1, 2]


def test_what_cannot_work_is_said_before_the_first_step(data: tuple[np.ndarray, np.ndarray]) -> None:
    model = small()
    before = [weight.copy() for weight in model.get_weights()]
    with pytest.raises(TargetError, match="7"):
        fit(model, data, 1, ExplanationMonitor(data[0][:1], 7, sinks=[Kept()]))
    with pytest.raises(OptionError, match="top2"):
        fit(model, data, 1, ExplanationMonitor(data[0][:1], "top2", sinks=[Kept()]))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    with pytest.raises(OptionError, match="nowhere to go"):
        ExplanationMonitor(data[0][:1])
    for every, kind in ((0, OptionError), (1.5, OptionTypeError), (True, OptionTypeError)):
        with pytest.raises(kind, match="every must be a whole number"):
            ExplanationMonitor(data[0][:1], every=every, sinks=[Kept()])  # type: ignore[arg-type]


def test_overlap_in_closed_form() -> None:
    a, b = np.array([[1.0, 3.0], [0.0, 0.0]]), np.array([[3.0, 1.0], [0.0, 0.0]])
    assert overlap(a, b) == pytest.approx(0.5)  # min of (¼, ¾) and (¾, ¼)
    assert overlap(a, 7 * a) == pytest.approx(1.0)
    assert overlap(a, -a) == pytest.approx(1.0)
    assert overlap(a, a[::-1]) == 0.0
    blank = np.zeros((2, 2))
    assert (overlap(blank, blank), overlap(a, blank)) == (1.0, 0.0)
    with pytest.raises(ImageError, match=r"\(2, 2\) and \(3,\)"):
        overlap(a, np.ones(3))
