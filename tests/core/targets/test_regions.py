"""Targets of a dense output, on a small U-Net: masks, boxes, points, and what the model predicts itself."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from helpers.targets import METHODS, images
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops

import visioncam
from visioncam.targets import Contrast, Region

X = images(2, 16)
explain = visioncam.explain
NAMES = ["sky", "road", "car"]


def unet(classes: int, end: Any) -> Any:
    """Return a U-Net with `end` on its logits; the same weights each time."""
    keras.utils.set_random_seed(2)
    i = L.Input((16, 16, 3))
    a = L.Conv2D(6, 3, padding="same", activation="relu", name="e1")(i)
    b = L.Conv2D(8, 3, padding="same", activation="relu", name="bottleneck")(L.MaxPooling2D()(a))
    c = L.Concatenate()([a, L.UpSampling2D()(b)])
    c = L.Conv2D(6, 3, padding="same", activation="relu", name="d1")(c)
    draw = keras.initializers.RandomNormal(stddev=2.0, seed=0)
    return keras.Model(i, end(L.Conv2D(classes, 1, kernel_initializer=draw, name="logits")(c)))


@pytest.fixture(scope="module")
def model() -> Any:
    return unet(3, ops.softmax)


@pytest.fixture(scope="module")
def logits() -> np.ndarray:
    return np.asarray(unet(3, lambda x: x)(X))


@pytest.fixture(scope="module")
def single() -> Any:
    return unet(1, ops.sigmoid)


def box(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    mask = np.zeros((16, 16), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_the_net_predicts_every_class_somewhere(logits: np.ndarray) -> None:
    assert set(np.unique(logits[0].argmax(-1))) == {0, 1, 2}


def test_the_bottleneck_is_looked_at(model: Any) -> None:
    assert explain(model, X[0]).layer.path == "bottleneck"


@pytest.mark.parametrize("class_", [0, 1, 2])
def test_a_region_scores_the_mean_logit_there(class_: int, model: Any, logits: np.ndarray) -> None:
    values = logits[0, ..., class_]
    predicted = logits[0].argmax(-1) == class_
    wheres = {"predicted": predicted, "all": np.ones_like(predicted), (2, 3, 9, 12): box(2, 3, 9, 12)}
    for where, mask in wheres.items():
        e = explain(model, X[0], target=Region(class_, where))
        assert e.score == pytest.approx(values[mask].mean(), rel=1e-4)
        assert (e.score_kind, e.target.index) == ("logit", class_)
        again = explain(model, X[0], target=Region(class_, mask))
        np.testing.assert_allclose(again.raw, e.raw, atol=1e-6 * np.abs(e.raw).max())


def test_a_point_is_a_box_of_one_position(model: Any, logits: np.ndarray) -> None:
    everywhere = explain(model, X[0], "hirescam", target=Region(2, "all"), layer="d1").raw
    row, column = (int(n) for n in np.unravel_index(np.abs(everywhere).argmax(), everywhere.shape))
    e = explain(model, X[0], "hirescam", target=Region(2, (row, column)), layer="d1")
    assert e.score == pytest.approx(logits[0, row, column, 2], rel=1e-4)
    assert np.argwhere(e.raw).tolist() == [[row, column]]  # only a 1x1 convolution lies between
    assert e.raw.sum() == pytest.approx(e.score, rel=1e-4)  # and it has no bias
    same = explain(model, X[0], "hirescam", target=Region(2, (row, column, row + 1, column + 1)), layer="d1")
    assert np.array_equal(same.raw, e.raw)


def test_masks_may_be_numbers_or_tensors_and_are_not_changed(model: Any) -> None:
    import tensorflow as tf

    mask = box(2, 3, 9, 12)
    wanted = explain(model, X[0], target=Region(1, mask)).raw
    for same in (mask.astype(np.float32), mask.astype(np.uint8) * 255, tf.constant(mask), mask.tolist()):
        assert np.array_equal(explain(model, X[0], target=Region(1, same)).raw, wanted)
    assert np.array_equal(mask, box(2, 3, 9, 12))


def test_an_index_or_a_name_means_the_class_where_it_is_predicted(model: Any) -> None:
    wanted = explain(model, X[0], target=Region(1))
    for target in (1, "road", Region("road"), [1]):
        e = explain(model, X[0], target=target, class_names=NAMES)
        assert np.array_equal(e.raw, wanted.raw)
        assert (e.target.index, e.target.name) == (1, "road")
        assert e.target.label == "road: class 1 in a region"
    assert wanted.predictions == ()


def test_the_top_class_of_a_dense_output_is_the_most_frequent_one(model: Any, logits: np.ndarray) -> None:
    for e, values in zip(explain(model, X), logits, strict=True):
        top = int(np.bincount(values.argmax(-1).ravel()).argmax())
        assert e.target.index == top
        assert e.score == pytest.approx(values[values.argmax(-1) == top, top].mean(), rel=1e-4)


def test_what_is_predicted_is_frozen_on_the_clean_picture(model: Any) -> None:
    for method in METHODS:
        e = explain(model, X[0], method, target=Region(1))
        mask = np.asarray(model(X[:1]))[0].argmax(-1) == 1
        fixed = explain(model, X[0], method, target=Region(1, mask))
        np.testing.assert_allclose(e.raw, fixed.raw, atol=1e-6 * max(np.abs(e.raw).max(), 1e-9))


def test_a_class_that_is_predicted_nowhere_is_an_error_that_says_so(model: Any, logits: np.ndarray) -> None:
    never = unet(3, lambda x: ops.softmax(x - ops.convert_to_tensor([0.0, 0.0, 1e4])))
    with pytest.raises(
        visioncam.VisionCamError, match=r"predicts class 2 nowhere in this picture; pass where='all'"
    ):
        explain(never, X[0], target=2)
    e = explain(never, X[0], target=Region(2, "all"))
    assert e.score == pytest.approx(logits[0, ..., 2].mean() - 1e4, rel=1e-4)


@pytest.mark.parametrize("score", ["logit", "probability"])
def test_one_value_at_every_position(score: Any, single: Any) -> None:
    values = np.asarray(single(X))[0, ..., 0]
    values = values if score == "probability" else np.log(values / (1 - values))
    found = values > (0.5 if score == "probability" else 0)
    assert 0 < found.mean() < 1
    e = explain(single, X[0], score=score)
    assert e.score == pytest.approx(values[found].mean(), rel=1e-3)
    assert e.target.index == 0
    assert np.array_equal(explain(single, X[0], target=0, score=score).raw, e.raw)


def test_nothing_found_by_one_value_explains_its_mean(single: Any) -> None:
    empty = unet(1, lambda x: ops.sigmoid(x - 1e3))
    e = explain(empty, X[0], "hirescam")
    assert e.score < -900
    assert e.raw.any()
    with pytest.raises(visioncam.VisionCamError, match="nowhere in this picture"):
        explain(empty, X[0], target=0)


def test_positions_may_be_in_a_row_while_the_softmax_is_taken(model: Any) -> None:
    ends = {
        "a row": lambda x: L.Reshape((16, 16, 3))(L.Softmax()(L.Reshape((256, 3))(x))),
        "classes first": lambda x: L.Permute((2, 3, 1))(L.Softmax(axis=1)(L.Permute((3, 1, 2))(x))),
    }
    wanted = explain(model, X[0], target=Region(1, (2, 3, 9, 12)))
    for name, end in ends.items():
        e = explain(unet(3, end), X[0], target=Region(1, (2, 3, 9, 12)))
        assert (e.score_kind, e.layer.path) == ("logit", "bottleneck"), name
        assert e.score == pytest.approx(wanted.score, rel=1e-5)
        np.testing.assert_allclose(e.raw, wanted.raw, atol=1e-5 * np.abs(wanted.raw).max())


def test_a_contrast_of_a_dense_output_is_averaged_over_it(model: Any, logits: np.ndarray) -> None:
    e = explain(model, X[0], "hirescam", target=Contrast("sky", "car"), class_names=NAMES)
    assert e.score == pytest.approx((logits[0, ..., 0] - logits[0, ..., 2]).mean(), rel=1e-4)
    parts = [explain(model, X[0], "hirescam", target=Region(i, "all")).raw for i in (0, 2)]
    np.testing.assert_allclose(e.raw, parts[0] - parts[1], atol=1e-5 * np.abs(parts[0]).max())


def test_a_batch_of_regions(model: Any) -> None:
    asked = [Region(0, (0, 0, 8, 8)), Region(1, "all")]
    batch = explain(model, X, target=asked)
    for e, x, target in zip(batch, X, asked, strict=True):
        alone = explain(model, x, target=target)
        np.testing.assert_allclose(e.raw, alone.raw, atol=1e-5 * np.abs(alone.raw).max())
