"""EigenGradCAM by hand."""

from __future__ import annotations

import numpy as np
import pytest
from example_plugins.eigengradcam import EigenGradCAM

from visioncam_core.errors import OptionError, OptionTypeError
from visioncam_core.evidence import Evidence


def of(terms: np.ndarray) -> Evidence:
    """Return evidence in which G ∘ A is given."""
    return Evidence.from_arrays(terms / 2, np.full_like(terms, 2.0))


def test_one_pattern_in_all_channels_is_found() -> None:
    """Of rank one, G ∘ A = a bᵀ: then M is a times the length of b."""
    a, b = np.array([[0.0, 1.0, 2.0], [0.5, 0.0, 3.0]]), np.array([1.0, 2.0, 2.0])
    np.testing.assert_allclose(EigenGradCAM()(of((a[..., None] * b)[None]))[0], 3 * a, atol=1e-12)
    np.testing.assert_allclose(EigenGradCAM()(of((a[..., None] * -b)[None]))[0], -3 * a, atol=1e-12)


def test_components_in_order_of_strength() -> None:
    """Two channels that never meet are two components."""
    terms = np.zeros((1, 2, 2, 2))
    terms[0, 0, 0, 0], terms[0, 1, 1, 1] = 2.0, 5.0
    first, second = (EigenGradCAM(component=c)(of(terms))[0] for c in (1, 2))
    np.testing.assert_allclose(first, [[0, 0], [0, 5]], atol=1e-12)
    np.testing.assert_allclose(second, [[2, 0], [0, 0]], atol=1e-12)


@pytest.mark.parametrize("center", [False, True])
def test_the_sign_rule(center: bool) -> None:
    """The map goes along with HiResCAM's; a score turned over turns it over."""
    for seed in range(20):
        terms = np.random.default_rng(seed).normal(size=(1, 4, 5, 3))
        M = EigenGradCAM(center=center)(of(terms))
        assert (M * terms.sum(axis=-1)).sum() >= 0
        np.testing.assert_allclose(EigenGradCAM(center=center)(of(-terms)), -M, atol=1e-12)


def test_centred_is_the_principal_component_of_statistics() -> None:
    terms = np.random.default_rng(0).uniform(size=(1, 6, 7, 4))
    X = terms.reshape(-1, 4) - terms.reshape(-1, 4).mean(axis=0)
    direction = np.linalg.eigh(X.T @ X)[1][:, -1]
    M = EigenGradCAM(center=True)(of(terms)).ravel()
    np.testing.assert_allclose(np.abs(M), np.abs(X @ direction), atol=1e-10)


def test_wrong_options_are_named() -> None:
    with pytest.raises(OptionError, match=r"'component' of EigenGradCAM must be .* received 0"):
        EigenGradCAM(component=0)
    with pytest.raises(OptionTypeError, match=r"received 'yes' \(str\)"):
        EigenGradCAM(center="yes")
    with pytest.raises(OptionError, match="is 4, but a layer of 6 positions and 3 channels has 3 components"):
        EigenGradCAM(component=4)(of(np.ones((1, 2, 3, 3))))
