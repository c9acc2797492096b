"""Model input: what is taken as it is, and that it is taken whole, once and unharmed."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.targets import Body, images
from keras import layers, ops

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.images.reader import Reader
from visioncam_engines.tensorflow.inputs import model_inputs

X = images(3)
explain = visioncam.explain


@pytest.fixture(scope="module")
def model() -> Any:
    return Body().model(ops.softmax)


@pytest.fixture(scope="module")
def wanted(model: Any) -> np.ndarray:
    return explain(model, X[0], target=1).raw


def padded(x: np.ndarray) -> np.ndarray:
    wide = np.zeros((24, 24, 3), x.dtype)
    wide[::2, ::2] = x
    return wide[::2, ::2]


def locked(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.setflags(write=False)
    return x


FORMS = {
    "float64": lambda x: x.astype(np.float64),
    "not contiguous": padded,
    "negative strides": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "column major": np.asfortranarray,
    "big-endian": lambda x: x.astype(">f4"),
    "read-only": locked,
    "tensor": tf.constant,
    "variable": tf.Variable,
    "keras variable": keras.Variable,
    "unmasked": lambda x: np.ma.array(x),
    "dictionary": lambda x: {"any name": x},
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_values_give_the_same_map_in_any_form(form: str, model: Any, wanted: np.ndarray) -> None:
    given: Any = FORMS[form](X[0].copy())
    values = next(iter(given.values())) if isinstance(given, dict) else given
    before = np.array(values)
    e = explain(model, given, target=1)
    np.testing.assert_allclose(e.raw, wanted, atol=1e-5 * np.abs(wanted).max())
    assert np.array_equal(np.array(values), before)
    assert e.heatmap.shape == (12, 12)


@pytest.mark.parametrize("dtype", ["float16", "int32", "uint16", "int64"])
def test_other_numbers_are_their_float32(dtype: str, model: Any) -> None:
    given = np.round(X[0] * 60).astype(dtype)
    same = explain(model, given.astype(np.float32), target=1).raw
    assert np.array_equal(explain(model, given, target=1).raw, same)


def test_batches_and_lists_give_lists_in_order(model: Any) -> None:
    for given in (X, list(X), tuple(X), tf.constant(X), X.tolist()):
        found = explain(model, given, target=1)
        assert isinstance(found, list)
        for e, x in zip(found, X, strict=True):
            single = explain(model, x, target=1).raw
            np.testing.assert_allclose(e.raw, single, atol=1e-5 * np.abs(single).max())
    assert isinstance(explain(model, X[:1]), list)
    assert isinstance(explain(model, [X[0]]), list)


def test_pictures_and_model_input_may_be_mixed_in_a_list(model: Any) -> None:
    picture = (X[0] * 255).astype(np.uint8)
    found = explain(model, [picture, X[0]], preprocess="unit", target=1)
    np.testing.assert_allclose(found[0].raw, found[1].raw, atol=0.02 * np.abs(found[1].raw).max())
    assert [e.provenance["geometry"] for e in found] == ["resize", "model input as passed"]


def test_datasets_give_every_image_and_leave_labels_out(model: Any) -> None:
    singles = tf.data.Dataset.from_tensor_slices(X)
    labelled = tf.data.Dataset.from_tensor_slices((X, np.arange(3)))
    for dataset in (singles, singles.batch(2), labelled, labelled.batch(2), singles.batch(2).prefetch(1)):
        found = explain(model, dataset, target=[0, 1, 2])
        assert [e.target.index for e in found] == [0, 1, 2]
        assert all(np.array_equal(e.picture, x) for e, x in zip(found, X, strict=True))
    pictures = tf.data.Dataset.from_tensor_slices((X * 255).astype(np.uint8))
    assert explain(model, pictures)[0].picture.dtype == np.uint8


@pytest.mark.parametrize(
    ("shape", "data_format"), [((9, 11, 1), "channels_last"), ((1, 9, 11), "channels_first")]
)
def test_a_grey_picture_needs_no_channel_axis(shape: Any, data_format: str) -> None:
    """The model is only asked what it takes: a CPU does not run every channels-first convolution."""
    i = layers.Input(shape)
    inputs = model_inputs(keras.Model(i, layers.Conv2D(4, 3, data_format=data_format)(i)))
    flat = np.random.default_rng(0).random((9, 11), dtype=np.float32)
    (item,), single = Reader(inputs, lambda batch: batch, "resize").read(flat)
    assert single
    assert item.space(2) == (9, 11)
    assert np.array_equal(item.flat[0], flat.reshape(1, *shape))


def test_an_infinite_pixel_is_told_before_the_model_runs(model: Any) -> None:
    bad = X.copy()
    bad[2, 0, 0, 0] = np.inf
    before = COUNTERS.snapshot()
    with pytest.raises(visioncam.VisionCamError, match=r"image 2 of 3: .* the first at \(0, 0, 0\)"):
        explain(model, bad)
    assert COUNTERS.snapshot() == before


def test_a_uint8_tensor_is_a_picture_like_its_array(model: Any) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    wanted = visioncam.explain(model, picture, preprocess="unit")
    for given in (tf.constant(picture), tf.Variable(picture)):
        e = visioncam.explain(model, given, preprocess="unit")
        assert e.heatmap.shape == (20, 30)
        np.testing.assert_array_equal(e.raw, wanted.raw)


@pytest.mark.parametrize("again", [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy])
def test_an_explanation_can_be_sent_to_another_process_and_draws_there(model: Any, again: Any) -> None:
    for one in (explain(model, X[0]), visioncam.compare(model, X[0], ["gradcam", "hirescam"])):
        sent = again(one)
        draw = "render" if hasattr(one, "render") else "sheet"
        np.testing.assert_array_equal(getattr(sent, draw)(), getattr(one, draw)())
