"""Sums whose terms cancel, in `visioncam_core.ops` and in the methods that add up with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from visioncam_core import ops
from visioncam_core.pipeline.evidence import Evidence
from visioncam_methods.ablationcam import AblationCAM
from visioncam_methods.gradcam import GradCAM
from visioncam_methods.gradcamplusplus import GradCAMPlusPlus
from visioncam_methods.hirescam import HiResCAM
from visioncam_methods.respondcam import RespondCAM
from visioncam_methods.xgradcam import XGradCAM

Step = Callable[[Any], Any]
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("kind", [np.asarray, tf.constant], ids=["NumPy", "TensorFlow"])
def test_the_bound_of_a_sum(kind: Step) -> None:
    """A sum of 1e-5 of its terms is 0, twice as much is not; others are what they always were, to the bit."""
    half = RNG.uniform(1, 2, 500)
    terms = np.concatenate([half, -half])
    rows = [terms + share * np.abs(terms).mean() for share in (0.0, 9e-6, -9e-6, 2e-5, 0.1)]
    values = np.stack(rows, -1).reshape(1, 20, 50, 5).astype(np.float32)
    total = ops.to_numpy(ops.sum_space(kind(values)))[0]
    mean = ops.to_numpy(ops.mean_space(kind(values), keepdims=True))[0, 0, 0]
    assert not total[:3].any()
    assert not mean[:3].any()
    np.testing.assert_allclose(total[3:], [2e-5 * np.abs(terms).sum(), 0.1 * np.abs(terms).sum()], rtol=0.05)
    np.testing.assert_allclose(mean, total / 1000, rtol=1e-5)
    if kind is np.asarray:
        assert total[4] == values.sum(axis=(1, 2))[0, 4]
        assert mean[4] == values.mean(axis=(1, 2))[0, 4]


def test_sums_that_cancel_are_made_in_double_precision() -> None:
    """NumPy adds a million float32 one after the other, and is off by more than such a sum."""
    half = RNG.uniform(1, 2, 2**19).astype(np.float32)
    rows = [np.concatenate([half, -half]), np.concatenate([half, -half * np.float32(0.9999)])]
    values = np.stack(rows, -1).reshape(1, 1024, 1024, 2)
    exact = values.astype(np.float64).sum(axis=(1, 2))[0]
    assert exact[0] == 0
    plain = values.sum(axis=(1, 2))[0]
    assert abs(plain[0]) > 0 or abs(plain[1] / exact[1] - 1) > 0.01
    total = ops.sum_space(values)[0]
    assert total[0] == 0
    assert total[1] == pytest.approx(exact[1], rel=0.01)


@pytest.mark.parametrize("side", [7, 112])
def test_sums_are_exact_in_any_order_of_memory(side: int) -> None:
    first = np.linspace(0.1, 0.11, 64, dtype=np.float32)[:, None, None] * np.ones(
        (2, 1, side, side), np.float32
    )
    values = np.moveaxis(first, 1, -1)  # as PyTorch has them: the positions of a channel side by side
    exact = values.astype(np.float64).sum(axis=(1, 2))
    np.testing.assert_allclose(ops.sum_space(values), exact, rtol=1e-6)
    np.testing.assert_allclose(ops.mean_space(values), exact / side**2, rtol=1e-6)
    alone = ops.sum_space(values[:1])
    np.testing.assert_array_equal(alone, ops.sum_space(values)[:1])


def one_channel(share: float) -> np.ndarray:
    """Return (1, 2, 2, 1) activations whose sum is this share of their absolute sum."""
    return np.array([1 + share, -1 + share, 1 + share, -1 + share]).reshape(1, 2, 2, 1)


@pytest.mark.parametrize("method", [XGradCAM, RespondCAM])
def test_the_guard_of_sums_of_activations(method: type) -> None:
    G = np.arange(1.0, 5.0).reshape(1, 2, 2, 1)
    assert not method()(Evidence.from_arrays(one_channel(5e-6), G)).any()
    A = one_channel(2e-5)
    np.testing.assert_allclose(
        method()(Evidence.from_arrays(A, G))[..., None], (G * A).sum() / A.sum() * A, rtol=1e-6
    )


@pytest.mark.parametrize("method", [XGradCAM, RespondCAM])
def test_a_sum_of_products_cancels_like_any_other(method: type) -> None:
    A = np.full((1, 2, 2, 1), 2.0)
    assert not method()(Evidence.from_arrays(A, one_channel(5e-6))).any()
    assert method()(Evidence.from_arrays(A, one_channel(2e-5))).any()


def test_grad_cam_plus_plus_takes_a_sum_of_activations_that_cancels_for_zero() -> None:
    """With Σ A = 0 every α is 1/2, however large the gradient is."""
    A, G = one_channel(5e-6).astype(np.float32), np.full((1, 2, 2, 1), 1e8, np.float32)
    np.testing.assert_allclose(GradCAMPlusPlus()(Evidence.from_arrays(A, G))[..., None], 2e8 * A, rtol=1e-6)


def test_scaling_the_gradients_does_not_matter() -> None:
    A, G = RNG.random((1, 4, 4, 3)), RNG.normal(size=(1, 4, 4, 3))
    for scale in (1e-30, 1e-6, 1e6):
        raw = GradCAM()(Evidence.from_arrays(A, G * scale))
        np.testing.assert_allclose(raw / scale, GradCAM()(Evidence.from_arrays(A, G)), rtol=1e-12)


def test_weights_and_activations_that_cancel_at_every_position() -> None:
    """A layer norm's output sums to 0 over channels: read by equal weights, it says nothing."""
    A = RNG.normal(size=(2, 5, 5, 64)).astype(np.float32)
    A[0] -= A[0].mean(axis=-1, keepdims=True)
    raw = GradCAM()(Evidence.from_arrays(A, np.full_like(A, 0.3)))
    assert not raw[0].any()
    np.testing.assert_allclose(raw[1], 0.3 * A[1].sum(axis=-1), rtol=1e-3, atol=1e-5)
    hires = HiResCAM()(Evidence.from_arrays(A, np.full_like(A, 0.3)))
    assert not hires[0].any()
    assert hires[1].any()


def test_drops_of_the_score_that_are_its_own_rounding_are_no_weights() -> None:
    A = RNG.random((1, 3, 3, 5)).astype(np.float32)
    for size, blank in ((3e-7, True), (1e-4, False)):
        drops = RNG.uniform(-size, size, 5)
        evidence = Evidence.from_arrays(
            A, score=np.array([1.0]), score_activations=lambda changed, drops=drops: 1 - drops
        )
        assert AblationCAM()(evidence).any() != blank
