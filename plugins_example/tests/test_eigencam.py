"""EigenCAM by hand."""

from __future__ import annotations

import numpy as np
import pytest
from example_plugins.eigencam import EigenCAM

from visioncam_core.errors import OptionError, OptionTypeError
from visioncam_core.evidence import Evidence


def test_one_pattern_in_all_channels_is_found() -> None:
    """Of rank one, A = a bᵀ: then M is a times the length of b."""
    a, b = np.array([[0.0, 1.0, 2.0], [0.5, 0.0, 3.0]]), np.array([1.0, 2.0, 2.0])
    A = (a[..., None] * b)[None]
    np.testing.assert_allclose(EigenCAM()(Evidence.from_arrays(A))[0], 3 * a, atol=1e-12)


def test_components_in_order_of_strength() -> None:
    """Two channels that never meet are two components."""
    A = np.zeros((1, 2, 2, 2))
    A[0, 0, 0, 0], A[0, 1, 1, 1] = 2.0, 5.0
    first, second = (EigenCAM(component=c)(Evidence.from_arrays(A))[0] for c in (1, 2))
    np.testing.assert_allclose(first, [[0, 0], [0, 5]], atol=1e-12)
    np.testing.assert_allclose(second, [[2, 0], [0, 0]], atol=1e-12)


@pytest.mark.parametrize("center", [False, True])
def test_the_sign_rule(center: bool) -> None:
    """Positive where |M| is largest; activations turned over give the same map."""
    for seed in range(20):
        A = np.random.default_rng(seed).normal(size=(1, 4, 5, 3))
        M = EigenCAM(center=center)(Evidence.from_arrays(A))
        assert M.max() == np.abs(M).max()
        np.testing.assert_allclose(EigenCAM(center=center)(Evidence.from_arrays(-A)), M, atol=1e-12)


def test_behind_a_relu_the_map_has_one_sign() -> None:
    for seed in range(20):
        A = np.maximum(np.random.default_rng(seed).normal(size=(1, 4, 5, 3)), 0)
        assert EigenCAM()(Evidence.from_arrays(A)).min() >= -1e-12


def test_centred_is_the_principal_component_of_statistics() -> None:
    A = np.random.default_rng(0).uniform(size=(1, 6, 7, 4))
    X = A.reshape(-1, 4) - A.reshape(-1, 4).mean(axis=0)
    direction = np.linalg.eigh(X.T @ X)[1][:, -1]
    M = EigenCAM(center=True)(Evidence.from_arrays(A)).ravel()
    np.testing.assert_allclose(np.abs(M), np.abs(X @ direction), atol=1e-10)


def test_wrong_options_are_named() -> None:
    with pytest.raises(OptionError, match=r"'component' of EigenCAM must be .* received 0"):
        EigenCAM(component=0)
    with pytest.raises(OptionTypeError, match=r"received 'yes' \(str\)"):
        EigenCAM(center="yes")
    with pytest.raises(OptionError, match="is 4, but a layer of 6 positions and 3 channels has 3 components"):
        EigenCAM(component=4)(Evidence.from_arrays(np.ones((1, 2, 3, 3))))
