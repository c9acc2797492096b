"""`target="top5"`: the model's best classes, best first, named and with probabilities."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.targets import Body, images
from keras import layers, ops

import visioncam
from visioncam.targets import Ranked
from visioncam_core.engine.batches import COUNTERS

X = images()
NAMES = ["tabby", "tiger cat", "Egyptian cat", "crane", "cock"]
explain = visioncam.explain


@pytest.fixture(scope="module")
def body() -> Body:
    return Body()


@pytest.fixture(scope="module")
def model(body: Body) -> Any:
    return body.model(ops.softmax)


def test_one_image_gives_five_explanations_best_first(model: Any) -> None:
    stack = explain(model, X[0], "hirescam", target="top5", class_names=NAMES)
    answer = np.asarray(model(X[:1]))[0]
    assert [e.target.index for e in stack] == list(np.argsort(-answer))
    assert [e.target.name for e in stack] == [NAMES[i] for i in np.argsort(-answer)]
    assert [e.target.probability for e in stack] == pytest.approx(np.sort(answer)[::-1], rel=1e-5)
    for e in stack:
        alone = explain(model, X[0], "hirescam", target=e.target.index, class_names=NAMES)
        np.testing.assert_allclose(e.raw, alone.raw, atol=1e-6 * np.abs(alone.raw).max())
        assert e.target == alone.target
        assert e.score == pytest.approx(alone.score, rel=1e-6)
        assert e.predictions == stack[0].predictions


@pytest.mark.parametrize(("method", "backward", "masked"), [("hirescam", 5, 0), ("scorecam", 0, 8)])
def test_a_stack_takes_one_forward_pass(method: str, backward: int, masked: int, model: Any) -> None:
    explain(model, X[0], method, target="top5")  # whatever is asked of a model only once
    before = COUNTERS.snapshot()
    stack = explain(model, X[0], method, target="top5")
    spent = COUNTERS.snapshot() - before
    assert len(stack) == 5
    assert (spent["forward"] - masked, spent["backward"]) == (1, backward)


@pytest.mark.parametrize("weights", ["softmax", "probability"])
def test_masked_pictures_are_seen_once_for_every_class(weights: str, model: Any) -> None:
    stack = explain(model, X[0], "scorecam", target="top3", weights=weights)
    assert len({e.raw.tobytes() for e in stack}) == 3
    for e in stack:
        alone = explain(model, X[0], "scorecam", target=e.target.index, weights=weights)
        np.testing.assert_allclose(e.raw, alone.raw, atol=1e-5 * np.abs(alone.raw).max())


def test_a_batch_gives_a_stack_each(model: Any) -> None:
    stacks = explain(model, X, target="top3")
    assert [len(stack) for stack in stacks] == [3, 3]
    for stack, x in zip(stacks, X, strict=True):
        alone = explain(model, x, target="top3")
        assert [e.target.index for e in stack] == [e.target.index for e in alone]
        np.testing.assert_allclose(stack[2].raw, alone[2].raw, atol=1e-5 * np.abs(alone[2].raw).max())
    assert [len(stack) for stack in explain(model, X[:1], target="top2")] == [2]


def test_a_model_with_fewer_classes_gives_as_many_as_it_has(body: Body) -> None:
    three = explain(body.model(ops.softmax, 3), X[0], target="top5")
    assert sorted(e.target.index for e in three) == [0, 1, 2]
    both = explain(body.model(ops.sigmoid, 1), X[0], "hirescam", target="top5")
    assert sorted(e.target.name for e in both) == ["negative", "positive"]
    assert both[0].target.probability >= 0.5
    assert np.array_equal(both[0].raw, -both[1].raw)


def test_a_class_of_that_name_is_that_class(model: Any) -> None:
    names = ["a", "b", "top5", "c", "d"]
    assert explain(model, X[0], target="top5", class_names=names).target.index == 2


def test_an_output_without_a_list_of_classes_has_no_best_ones(body: Body) -> None:
    dense = keras.Model(body.input, layers.Conv2D(3, 1)(layers.Conv2D(4, 3, padding="same")(body.input)))
    for other, words in ((body.model(count=1), "a single value"), (dense, "for every position")):
        with pytest.raises(visioncam.VisionCamError, match=words):
            explain(other, X[0], target="top5")


def test_ranked_asks_for_one_of_them_in_every_picture(model: Any) -> None:
    answers = np.asarray(model(X))
    for rank in range(5):
        found = explain(model, X, target=Ranked(rank))
        assert [e.target.index for e in found] == list(np.argsort(-answers)[:, rank])
    mixed = explain(model, X, target=[Ranked(1), 0])
    assert mixed[0].target.index == np.argsort(-answers)[0, 1]
    for method in ("scorecam", "ablationcam", "smoothgradcamplusplus"):
        second = explain(model, X[0], method, target=Ranked(1))
        same = explain(model, X[0], method, target=second.target.index)
        np.testing.assert_allclose(second.raw, same.raw, atol=1e-6 * np.abs(same.raw).max())


def test_pictures_are_read_once(model: Any) -> None:
    """A dataset that shuffles anew each time would give each rank another picture."""
    many = np.stack([X[0] * (i + 1) / 8 for i in range(8)])
    shuffled = tf.data.Dataset.from_tensor_slices(many).shuffle(8, seed=0).batch(3)
    for stack in explain(model, shuffled, target="top2"):
        assert np.array_equal(stack[0].picture, stack[1].picture)


def test_two_pictures_in_one_model(body: Body) -> None:
    a, b = layers.Input((12, 12, 3)), layers.Input((12, 12, 3))
    pooled = [
        layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name=n)(x)) for n, x in (("ca", a), ("cb", b))
    ]
    two = keras.Model([a, b], layers.Dense(3, activation="softmax")(layers.Concatenate()(pooled)))
    stack = explain(two, [X[0], X[1]], target="top5", layer="cb")
    assert len(stack) == 3
    assert all(np.array_equal(e.picture, X[1]) for e in stack)
