"""Out of memory: the batch is halved and stays so; a picture that never fits is told."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from helpers.batch import COUNT, make_pictures
from PIL import Image

import visioncam
from visioncam.batch.jsonl import read_lines
from visioncam_core import ops
from visioncam_core.errors import OutputError

pytest_plugins = ("helpers.batch_fixtures",)


@attrs.frozen
class Hungry:
    """Grad-CAM with room for a few pictures only; beyond that it raises what TensorFlow or Python raise."""

    room: int = 3
    whitest: float = 9.0
    seen: list[int] = attrs.field(factory=list, eq=False, repr=False)
    message: str = "OOM when allocating tensor"
    own: bool = False  # Python's or NumPy's error, not TensorFlow's
    needs = frozenset({"activations", "gradients"})

    def __call__(self, evidence: Any) -> Any:
        import tensorflow as tf

        count = len(evidence.activations)
        self.seen.append(count)
        if count > self.room or np.asarray(evidence.activations).mean((1, 2, 3)).max() > self.whitest:
            if self.own:
                raise MemoryError(self.message)
            raise tf.errors.ResourceExhaustedError(None, None, self.message)
        weights = np.asarray(evidence.gradients).mean((1, 2), keepdims=True)
        return ops.sum_channels(np.asarray(evidence.activations) * weights)


@pytest.mark.parametrize("own", [False, True])
def test_the_batch_is_halved_once_and_every_picture_is_done_once(
    model: Any, pictures: Path, tmp_path: Path, own: bool
) -> None:
    method = Hungry(own=own)
    summary = visioncam.explain_dataset(model, pictures, tmp_path, method, save_as="npz")
    assert (summary.done, summary.failures) == (COUNT, 0)
    assert method.seen[:3] == [8, 4, 2]
    assert set(method.seen[2:]) == {2}
    found, _ = read_lines(tmp_path / "manifest.jsonl")
    assert len({line["key"] for line in found}) == len(found) == COUNT
    assert {line["batch"] for line in found} == {2}


def test_the_size_that_works_is_remembered_by_the_next_run(
    model: Any, pictures: Path, tmp_path: Path
) -> None:
    method = Hungry()

    def interrupt(event: dict[str, Any]) -> None:
        if event["event"] == "done":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        visioncam.explain_dataset(model, pictures, tmp_path, method, save_as="npz", progress=interrupt)
    method.seen.clear()
    summary = visioncam.explain_dataset(model, pictures, tmp_path, method, save_as="npz")
    assert set(method.seen) == {2}
    assert "batches of 2, because memory ran out earlier" in summary.notes


def test_a_picture_that_never_fits_is_told_and_the_run_goes_on(model: Any, tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "in", 10)
    Image.new("RGB", (20, 30), "white").save(folder / "0004.png")
    import keras

    features = keras.Model(model.input, model.get_layer("features").output)
    ordinary = float(np.mean(features(np.full((1, 16, 16, 3), 128, np.float32))))
    white = float(np.mean(features(np.full((1, 16, 16, 3), 255, np.float32))))
    method = Hungry(room=8, whitest=(ordinary + white) / 2)
    summary = visioncam.explain_dataset(model, folder, tmp_path / "out", method)
    assert (summary.done, summary.failures) == (9, 1)
    errors, _ = read_lines(tmp_path / "out" / "errors.jsonl")
    assert [line["key"] for line in errors] == ["0004.png"]
    assert "OOM when allocating" in errors[0]["message"]


def test_a_full_disk_that_tensorflow_calls_exhausted_is_not_tried_again(
    model: Any, pictures: Path, tmp_path: Path
) -> None:
    method = Hungry(room=0, message="/data: No space left on device")
    summary = visioncam.explain_dataset(model, pictures, tmp_path, method)
    assert method.seen == [8]
    assert summary.stopped.startswith("no space left")


def test_what_counts_as_memory() -> None:
    from visioncam.batch.entry import out_of_memory

    full = OutputError("cannot write")
    full.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    wrapped = RuntimeError("failed")
    wrapped.__cause__ = MemoryError()
    assert out_of_memory(wrapped)
    assert not out_of_memory(full)
    assert not out_of_memory(ValueError("memory"))
