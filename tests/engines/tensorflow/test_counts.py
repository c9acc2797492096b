"""Every number is computed once: passes and traces are counted, never timed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks.kinds import X, conv, functional, gap
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_engines.tensorflow.run.passes import in_batches

SIX = ["gradcam", "hirescam", "gradcamelementwise", "xgradcam", "respondcam", "gradcam++"]


def counted(call: Callable[[], Any]) -> Counter[str]:
    before = COUNTERS.snapshot()
    call()
    return COUNTERS.snapshot() - before


def test_six_gradient_methods_share_one_forward_and_one_backward() -> None:
    model = functional()
    visioncam.explain(model, X)
    spent = counted(lambda: visioncam.compare(model, X[0], SIX))
    assert spent == Counter(forward=1, backward=1)


def test_a_batch_costs_a_pass_a_picture() -> None:
    model = functional()
    visioncam.explain(model, X)
    assert counted(lambda: visioncam.compare(model, X, SIX)) == Counter(forward=2, backward=2)


def test_perturbation_methods_cost_what_they_say() -> None:
    """Score-CAM 1 + K live channels through the model; Ablation-CAM 1 and K tails; Smooth n more."""
    model = functional()
    kernel, bias = np.array(model.get_layer("c2").kernel), np.full(12, 0.5, np.float32)
    kernel[..., 3], bias[3] = 0.0, -1.0  # channel 3 is dead, the others are alive
    model.get_layer("c2").set_weights([kernel, bias])
    visioncam.explain(model, X[0], layer="c2")
    live = 11
    spent = counted(lambda: visioncam.explain(model, X[0], "scorecam"))
    assert spent - Counter(cuts=9) == Counter(forward=1 + live)
    spent = counted(lambda: visioncam.explain(model, X[0], "ablationcam"))
    assert spent - Counter(cuts=9) == Counter(forward=1, tail=live)
    spent = counted(lambda: visioncam.explain(model, X[0], "smoothgradcam++", n=7))
    assert (spent["forward"], spent["backward"]) == (8, 7)


def test_nothing_is_traced_twice() -> None:
    """Other classes, layers, methods, outputs, dtypes and batch sizes 1 to 9 add no trace."""
    model = functional()
    visioncam.explain(model, X)
    pictures = np.random.default_rng(0).random((9, 16, 16, 3))

    def many() -> None:
        for count in range(1, 10):
            visioncam.explain(model, pictures[:count].astype("float32"), target=count % 5)
        for target in (np.int64(1), tf.constant(2), [3], lambda values: values[:, 0] ** 2):
            visioncam.explain(model, pictures[:1], target=target)
        for method in visioncam.methods():
            if method.family == "cam":
                visioncam.explain(model, pictures[0], method.name, layer="c1")
        visioncam.explain(model, (pictures[0] * 255).astype("uint8"), score="probability")

    assert counted(many)["traces"] == 0


def test_an_open_size_is_traced_once() -> None:
    i = L.Input((None, None, 3))
    model = keras.Model(i, L.Dense(5)(gap(conv("c2")(conv("c1")(i)))))
    for size in ((16, 16), (20, 12), (31, 17)):
        picture = np.random.default_rng(0).random((*size, 3), dtype=np.float32)
        e = visioncam.explain(model, picture)
        assert e.raw.shape == size
    assert counted(lambda: visioncam.explain(model, np.zeros((9, 40, 3), np.float32)))["traces"] == 0


def test_a_chosen_callable_costs_a_forward_and_a_tail_and_no_trace() -> None:
    model = functional()
    visioncam.explain(model, X, target=lambda values: values[:, 1])
    spent = counted(lambda: visioncam.explain(model, X, target=lambda values: values[:, 2]))
    assert spent == Counter(forward=2, backward=2)


def test_a_batch_that_does_not_fit_is_halved_until_it_does() -> None:
    """ResourceExhaustedError and MemoryError: every item once, in order, the smaller size kept."""
    seen: list[list[int]] = []

    def run(indices: np.ndarray) -> list[int]:
        if len(indices) > 5:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        if len(indices) > 3:
            raise MemoryError
        seen.append(indices.tolist())
        return seen[-1]

    results = in_batches(10, 8, run)
    assert [i for part in results for i in part] == list(range(10))
    assert max(map(len, seen)) == 2

    def never(indices: np.ndarray) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        in_batches(4, 4, never)


def test_the_head_runs_once_at_most_inside_a_residual_block() -> None:
    """The frontier: the skip connection is computed once and repeated, and the map is that of full passes."""
    i = L.Input((16, 16, 3))
    stem = conv("stem")(i)
    inner = conv("inner", bias_initializer="ones")(stem)
    x = L.Add()([stem, L.Concatenate()([conv("left", 4)(inner), conv("right", 4)(stem)])])
    model = keras.Model(i, L.Dense(5)(gap(conv("last")(x))))
    e = visioncam.explain(model, X[0], "ablationcam", layer="inner", target=1)
    spent = counted(lambda: visioncam.explain(model, X[0], "ablationcam", layer="inner", target=1))
    assert spent["forward"] == 1
    assert spent["head"] == 0
    assert spent["tail"] == 8
    expected = ablation_by_hand(model, "inner", X[:1], 1)
    np.testing.assert_allclose(e.raw, expected, atol=1e-5 * np.abs(expected).max())


def ablation_by_hand(model: Any, layer: str, picture: np.ndarray, target: int) -> np.ndarray:
    """Return the map of a model rebuilt with each channel set to zero in turn, by full passes."""
    unit = model.get_layer(layer)
    A = keras.Model(model.input, unit.output)(picture).numpy()[0]
    score = float(model(picture).numpy()[0, target])
    kernel, bias = (np.array(w) for w in unit.get_weights())
    drops = []
    for k in range(A.shape[-1]):
        without = kernel.copy(), bias.copy()
        without[0][..., k], without[1][k] = 0.0, 0.0
        unit.set_weights(without)
        drops.append(score - float(model(picture).numpy()[0, target]))
    unit.set_weights([kernel, bias])
    return A @ np.asarray(drops) / abs(score)
