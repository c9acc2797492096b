"""The engine's questions to a graph, on graphs small enough to answer by hand."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import helpers.networks.tokens  # noqa: F401  -- registers its kinds
import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks.kinds import KINDS
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_engines.tensorflow.graph.extract import carve
from visioncam_engines.tensorflow.tracing.batch_axis import rows_per_picture


def graph_of(function: Callable[..., Any], *shapes: tuple[int | None, ...]) -> Any:
    """Return a traced function of float32 inputs."""
    return tf.compat.v1.wrap_function(function, [tf.TensorSpec(shape) for shape in shapes])


def rows(function: Callable[[Any], Any], *shape: int | None) -> Any:
    """Return the rows a picture of what a function returns, for a batch of (*shape) values."""
    traced = graph_of(function, (None, *shape))
    return rows_per_picture(traced.graph, [traced.inputs[0]]).get(id(traced.outputs[0]), "free")


def windows(x: Any) -> Any:
    """Return 2x2 windows of an 4x6 grid, folded into the batch."""
    x = tf.reshape(x, (tf.shape(x)[0], 2, 2, 3, 2, 8))
    return tf.reshape(tf.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 4, 8))


def attention(x: Any) -> Any:
    return tf.einsum("bqk,bkc->bqc", tf.nn.softmax(tf.einsum("bqc,bkc->bqk", x, x)), x)


def unfolded(x: Any) -> Any:
    x = tf.reshape(attention(windows(x)), (-1, 2, 3, 2, 2, 8))
    return tf.reshape(tf.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 24, 8))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: tf.nn.relu(x) + 1.0, 1),
        (windows, 6),
        (lambda x: attention(windows(x)), 6),
        (lambda x: windows(x) * tf.reduce_mean(windows(x), axis=-1, keepdims=True), 6),
        (unfolded, 1),
        (lambda x: tf.tensordot(x, tf.ones((8, 5)), 1), 1),
        (lambda x: tf.reshape(x, (-1, 8)) @ tf.ones((8, 5)), 24),
        (lambda x: tf.reshape(x, (-1, 96)), Fraction(2)),
        (lambda x: tf.zeros(tf.shape(x)), "free"),
        (lambda x: tf.transpose(x, (1, 0, 2, 3)), None),
        (lambda x: tf.reduce_sum(windows(x), axis=0, keepdims=True), None),
        (lambda x: tf.einsum("bqc->qbc", windows(x)), None),
        (lambda x: tf.cumsum(windows(x)), None),
        (lambda x: tf.concat([windows(x), tf.reshape(x, (-1, 4, 8))[:6]], 0), None),
        (lambda x: windows(x) + tf.reshape(x, (-1, 24, 8))[:, :4], None),
    ],
)
def test_what_is_folded_into_the_batch_is_counted(function: Callable[[Any], Any], expected: Any) -> None:
    found = rows(function, 4, 6, 8)
    assert found == expected


@pytest.mark.parametrize("name", ["swin", "vit_class_token", "vit_keras_io", "vit_reshaped", "convnext"])
def test_token_models_need_no_pass_for_their_table(name: str) -> None:
    kind = KINDS[name]
    before = COUNTERS.snapshot()
    listing = visioncam.layers(kind.build())
    assert (COUNTERS.snapshot() - before)["shapes"] == 0
    assert listing.choice is not None
    assert listing.choice.grid == kind.grid


def test_windows_are_refused_by_what_the_graph_says() -> None:
    table = visioncam.layers(KINDS["swin"].build()).table
    (row,) = [row for row in table.rows if row.path == "stage1/attention"]
    assert "first axis is not the batch" in row.refused


def test_time_before_the_batch_is_measured() -> None:
    i = L.Input((4, 8, 8, 3))
    x = L.TimeDistributed(L.Conv2D(4, 3, padding="same"), name="frames")(i)
    model = keras.Model(i, L.Dense(2)(L.GlobalAveragePooling3D()(x)))
    before = COUNTERS.snapshot()
    listing = visioncam.layers(model)
    assert (COUNTERS.snapshot() - before)["shapes"] == 1
    assert [row.path for row in listing][-1:] == ["frames"]


def test_a_part_is_what_tensorflow_prunes() -> None:
    """Values between any two places of a graph with a variable, a branch and a constant."""
    weight = tf.Variable(np.random.default_rng(0).random((4, 3), np.float32))
    middle: list[Any] = []

    def body(x: Any) -> Any:
        middle.append(tf.nn.relu(x @ weight - 0.5))
        skip = tf.cond(tf.reduce_sum(x) > 0, lambda: x[:, :3], lambda: x[:, 1:])
        return middle[0] * skip + weight[0]

    traced = graph_of(body, (None, 4))
    values = tf.constant(np.random.default_rng(1).normal(size=(2, 4)), tf.float32)
    x, y = traced.inputs[0], traced.outputs[0]
    (out,) = carve(traced.graph, [x], [y])(values)
    np.testing.assert_array_equal(out, traced(values))
    tail = carve(traced.graph, [middle[0], x], [y, middle[0]])
    at = tf.ones((2, 3))
    for got, expected in zip(tail(at, values), traced.prune([middle[0], x], [y])(at, values), strict=False):
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(tail(at, values)[1], at)
    weight.assign_add(tf.ones((4, 3)))
    np.testing.assert_array_equal(carve(traced.graph, [x], [y])(values)[0], traced(values))


def test_a_part_keeps_assertions_and_ignores_what_it_does_not_need() -> None:
    def body(x: Any, unused: Any) -> Any:
        with tf.control_dependencies([tf.debugging.assert_positive(x)]):
            return tf.identity(x) * 2.0

    traced = graph_of(body, (None,), (None,))
    part = carve(traced.graph, list(traced.inputs), list(traced.outputs))
    np.testing.assert_array_equal(part(tf.ones(2), tf.zeros(7))[0], [2.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError):
        part(tf.constant([-1.0]), tf.zeros(1))
