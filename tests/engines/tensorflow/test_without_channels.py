"""Leaving a channel out where channels first meet is exactly what setting it to zero in the layer is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks.kinds import conv, gap
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam_core import ops
from visioncam_core.engine import cache
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import ModelError
from visioncam_core.pipeline.evidence import Evidence
from visioncam_engines.tensorflow.engine import TensorFlowEngine

X = np.random.default_rng(3).random((16, 16, 3), dtype=np.float32)


def normed(x: Any) -> Any:
    """Batch normalisation that moves zeros: what zeros become on the way matters."""
    return L.BatchNormalization(beta_initializer="ones", moving_mean_initializer="ones")(x)


TAILS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "pooled, dense": (lambda x: L.Dense(5)(gap(x)), "MatMul"),
    "largest, dropout, two dense": (
        lambda x: L.Dense(5)(L.Dense(7, "tanh")(L.Dropout(0.5)(L.GlobalMaxPooling2D()(x)))),
        "MatMul",
    ),
    "1×1": (lambda x: L.Dense(5)(gap(L.ReLU()(L.Conv2D(6, 1)(x)))), "Conv2D"),
    "moved zeros, strides": (
        lambda x: L.Dense(5)(gap(L.Conv2D(6, 3, strides=2, activation="relu")(normed(x)))),
        "Conv2D",
    ),
    "padded, pooled, depthwise": (
        lambda x: L.Dense(5)(
            gap(conv("c3", 6)(L.DepthwiseConv2D(3)(L.MaxPooling2D()(L.ZeroPadding2D()(x)))))
        ),
        "Conv2D",
    ),
    "grouped": (lambda x: L.Dense(5)(gap(L.Conv2D(8, 3, groups=2, activation="relu")(x))), ""),
    "dilated": (lambda x: L.Dense(5)(gap(L.Conv2D(8, 3, dilation_rate=2, activation="relu")(x))), ""),
    "flattened": (lambda x: L.Dense(5)(L.Flatten()(x)), ""),
    "two ways": (lambda x: L.Dense(5)(L.Concatenate()([gap(x), L.GlobalMaxPooling2D()(x)])), ""),
    "gated by itself": (lambda x: L.Dense(5)(gap(x * L.Dense(8, "sigmoid")(gap(x))[:, None, None])), ""),
}


def model_of(tail: Callable[[Any], Any]) -> keras.Model:
    keras.utils.set_random_seed(0)
    i = L.Input((16, 16, 3))
    return keras.Model(i, tail(conv("layer", bias_initializer="ones")(i)))


def both_ways(found: dict[str, Any]) -> Callable[[Evidence], Any]:
    """Return a method that asks for the scores without each channel in both ways."""

    def method(evidence: Evidence) -> Any:
        A = evidence.activations
        every = np.arange(A.shape[-1])
        found["quick"] = evidence.score_without(every)
        found["plain"] = evidence.score_activations(lambda ks: ops.without_channels(A, every[ks]), len(every))
        return A[..., 0]

    return method


@pytest.mark.parametrize("name", TAILS)
def test_the_scores_are_those_of_changed_activations(name: str) -> None:
    tail, operation = TAILS[name]
    model, found = model_of(tail), {}
    visioncam.explain(model, X, both_ways(found), layer="layer", target=1)
    np.testing.assert_allclose(found["quick"], found["plain"], atol=2e-5 * np.abs(found["plain"]).max())
    assert np.ptp(found["plain"]) > 0
    assert _operation(model) == operation


def _operation(model: Any) -> str:
    """Return the kind of operation where the layer's channels were found to meet, "" where nowhere."""
    (traced,) = cache._ENTRIES[model].traces
    (found,) = [value for key, value in traced.trace.cuts.items() if key[0] == "mixing"]
    return "" if found is None else str(found.op.type)


def test_a_skip_connection_is_repeated() -> None:
    i = L.Input((16, 16, 3))
    stem = conv("stem")(i)
    inner = L.Conv2D(8, 3, padding="same")(conv("layer", 6, bias_initializer="ones")(stem))
    model = keras.Model(i, L.Dense(5)(gap(L.ReLU()(L.Add()([stem, inner])))))
    found: dict[str, Any] = {}
    for picture in (X, np.stack([X, X[::-1]])):
        visioncam.explain(
            model, picture[:1] if picture.ndim == 4 else picture, both_ways(found), layer="layer"
        )
        np.testing.assert_allclose(found["quick"], found["plain"], rtol=1e-4)
    assert _operation(model) == "Conv2D"


class Greedy(L.Layer):
    """Runs out of memory when more than three rows come at once, without the ten seconds of TensorFlow's own.

    Where nothing can be allocated, TensorFlow waits so long for somebody to free it; it makes the same error
    of a `MemoryError`.
    """

    def call(self, x: Any) -> Any:
        def allocated(rows: Any) -> float:
            if rows > 3:
                raise MemoryError
            return 0.0

        nothing = tf.py_function(allocated, [tf.shape(x)[0]], tf.float32)  # the graph does not tell its size
        return x + tf.ensure_shape(nothing, ())


@pytest.mark.parametrize("method", ["scorecam", "ablationcam"])
def test_memory_that_runs_out_halves_the_batch_and_changes_no_map(method: str) -> None:
    """TensorFlow's own ResourceExhaustedError, from a model that cannot take four pictures."""
    i = L.Input((16, 16, 3))
    x = conv("layer", 12, bias_initializer="ones")(i)
    dense = L.Dense(5)
    greedy, modest = keras.Model(i, dense(Greedy()(gap(x)))), keras.Model(i, dense(gap(x)))
    before = COUNTERS.snapshot()
    e = visioncam.explain(greedy, X, method)
    assert (COUNTERS.snapshot() - before)["halved"] == 2
    raw = visioncam.explain(modest, X, method).raw
    np.testing.assert_allclose(e.raw, raw, atol=2e-5 * np.abs(raw).max())
    with pytest.raises(ModelError, match="smaller batch_size"), TensorFlowEngine().running(greedy):
        greedy(np.stack([X] * 4))


def test_max_memory_bounds_the_batch() -> None:
    """A batch is what fits into the memory allowed by the graph's own sizes, and at least one."""
    model = model_of(lambda x: L.Dense(5)(gap(L.Conv2D(512, 3, activation="relu")(x))))
    told: dict[int, list[int]] = {}
    for megabytes in (1, 100):
        visioncam.explain(
            model, X, "ablationcam", layer="layer", max_memory=megabytes,
            progress=lambda done, total, m=megabytes: told.setdefault(m, []).append(done),
        )  # fmt: skip
    assert len(told[1]) > len(told[100]) == 1
    assert told[1][-1] == told[100][-1] == 8
