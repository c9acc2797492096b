"""What may change without changing a map: scale, offset, order and units of channels, dead channels."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest

import visioncam
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.testing import ArrayNet

METHODS = {spec.name: spec.cls for spec in visioncam.methods() if spec.in_all}
SCALED = ("gradcamplusplus", "smoothgradcamplusplus", "scorecam")
PERTURBING = ("scorecam", "ablationcam")
GRADIENT = tuple(name for name in METHODS if name not in PERTURBING)
CLOSE = {"rtol": 1e-10, "atol": 1e-10}
NET = ArrayNet.random((3, 4), biases=True, seed=5)
X = NET.pictures(2)


def run(method: str, evidence: Evidence) -> np.ndarray:
    raw: np.ndarray = METHODS[method]()(evidence)
    assert np.abs(raw).max() > 0
    return raw


def unit(raw: np.ndarray) -> np.ndarray:
    return raw / np.abs(raw).max(axis=(1, 2), keepdims=True)


@pytest.mark.parametrize("factor", [7.0, 1e-3])
@pytest.mark.parametrize("method", [name for name in METHODS if name not in SCALED])
def test_the_scale_of_the_score_is_no_matter(method: str, factor: float) -> None:
    raw, scaled = (run(method, net.evidence(X)) for net in (NET, attrs.evolve(NET, scale=factor)))
    np.testing.assert_allclose(unit(scaled), unit(raw), **CLOSE)


@pytest.mark.parametrize("method", SCALED)
def test_three_methods_are_exceptions(method: str) -> None:
    raw, scaled = (run(method, net.evidence(X)) for net in (NET, attrs.evolve(NET, scale=7.0)))
    assert np.abs(unit(scaled) - unit(raw)).max() > 1e-3


def test_the_claims_of_the_registry_say_the_same() -> None:
    claimed = {row.name for row in visioncam.methods() if row.in_all and "scale-invariant" in row.claims}
    assert claimed == set(METHODS) - set(SCALED)


@pytest.mark.parametrize("method", GRADIENT)
def test_an_offset_on_the_score_does_not_reach_gradients(method: str) -> None:
    A, G, S = NET.at(X)

    def at(x: np.ndarray) -> Any:
        changed, slope, score = NET.at(x)
        return changed, slope, score + 3.0

    moved = Evidence.from_arrays(A, G, S + 3.0, inputs=X, at=at)
    np.testing.assert_array_equal(run(method, moved), run(method, NET.evidence(X)))


def test_score_cam_does_not_see_an_offset_and_ablation_cam_only_in_its_scale() -> None:
    A, _, S = NET.at(X)
    moved = Evidence.from_arrays(
        A,
        None,
        S + 3.0,
        inputs=X,
        score_inputs=lambda x: NET.score(x) + 3.0,
        score_activations=lambda changed: NET.tail(changed) + 3.0,
    )
    np.testing.assert_allclose(run("scorecam", moved), run("scorecam", NET.evidence(X)), **CLOSE)
    raw, other = run("ablationcam", NET.evidence(X)), run("ablationcam", moved)
    np.testing.assert_allclose(unit(other), unit(raw), **CLOSE)


@pytest.mark.parametrize("method", METHODS)
def test_channels_in_another_order(method: str) -> None:
    order = np.array([4, 2, 0, 5, 1, 3])
    np.testing.assert_allclose(
        run(method, NET.permuted(order).evidence(X)), run(method, NET.evidence(X)), **CLOSE
    )


@pytest.mark.parametrize("method", METHODS)
def test_channels_in_other_units_with_a_tail_that_compensates(method: str) -> None:
    """A third of the activation with three times the weight: the same function, another parametrisation."""
    units = np.array([3.0, 1.0, 0.2, 10.0, 0.01, 1.0])
    other = attrs.evolve(NET, E=NET.E * units, V=NET.V / units[:, None])
    raw, changed = run(method, NET.evidence(X)), run(method, other.evidence(X))
    if method in PERTURBING:  # their weights do not depend on units, and so their maps do
        assert np.abs(changed - raw).max() > 1e-2
    else:
        np.testing.assert_allclose(changed, raw, **CLOSE)


@pytest.mark.parametrize("method", METHODS)
def test_a_dead_channel_changes_nothing(method: str) -> None:
    E = np.concatenate([NET.E, np.zeros((3, 1))], axis=1)
    V = np.concatenate([NET.V, np.ones((1, 7))])
    dead = attrs.evolve(NET, E=E, V=V)
    assert not dead.activations(X)[..., -1].any()
    assert dead.gradients(dead.activations(X))[..., -1].any()
    np.testing.assert_allclose(run(method, dead.evidence(X)), run(method, NET.evidence(X)), **CLOSE)


@pytest.mark.parametrize("method", METHODS)
def test_a_flipped_picture_gives_the_flipped_map(method: str) -> None:
    options = {"sigma": 0} if method == "smoothgradcamplusplus" else {}  # noise has no mirror image
    raw = METHODS[method](**options)(NET.evidence(X))
    flipped = METHODS[method](**options)(NET.flipped().evidence(X[:, :, ::-1]))
    np.testing.assert_allclose(flipped[:, :, ::-1], raw, **CLOSE)


@pytest.mark.parametrize("method", ["xgradcam", "respondcam"])
@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_the_guard_of_activation_sums_is_relative(method: str, size: float) -> None:
    """A sum that cancels has weight 0 at any scale; one that is merely small does not."""
    A = size * np.array([[[1.0, 1.0], [-1.0, 1e-3], [1e-9, -1e-3]]])
    G = np.array([[[1.0, 2.0], [3.0, 1.0], [1.0, 1.0]]])
    w = (G * A)[..., 1].sum() / A[..., 1].sum()
    np.testing.assert_allclose(METHODS[method]()(Evidence.from_arrays(A, G)), w * A[..., 1], rtol=1e-10)


@pytest.mark.parametrize("method", GRADIENT)
@pytest.mark.parametrize("size", [1e14, 1e-10])
def test_powers_of_gradients_stay_within_float32(method: str, size: float) -> None:
    """Activations of 1e14 with gradients of 1e-14, whose cube leaves float32, give the map of plain ones."""
    A, G, S = (np.asarray(part, np.float32) for part in ArrayNet.random((3, 4)).at(X))

    def raw(size: float) -> np.ndarray:
        large, small = A * np.float32(size), G / np.float32(size)
        evidence = Evidence.from_arrays(large, small, S, inputs=X, at=lambda x: (large[:1], small[:1], S[:1]))
        return run(method, evidence)

    np.testing.assert_allclose(raw(size), raw(1.0), rtol=0, atol=1e-5 * np.abs(raw(1.0)).max())
