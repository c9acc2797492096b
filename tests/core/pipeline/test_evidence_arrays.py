"""Evidence made of arrays is as wide as evidence of a model: at least float32."""

from __future__ import annotations

import numpy as np
import pytest

import visioncam
from visioncam_core.pipeline.evidence import Evidence

METHODS = {spec.name: spec.cls for spec in visioncam.methods() if spec.family == "cam"}
del METHODS["layerintegratedgradients"]  # its baseline is another picture, and here all are alike
A = np.full((2, 20, 20, 3), 400, np.float16)  # a channel's sum, 80,000, is more than float16 can hold
A[:, :10] = 0
G = np.linspace(-1, 2, A.size, dtype=np.float16).reshape(A.shape)
X = np.linspace(0, 1, 2 * 40 * 40 * 3, dtype=np.float16).reshape(2, 40, 40, 3)


def made(kind: type[np.floating]) -> Evidence:
    """Return evidence whose arrays, and whose functions' answers, have one precision."""

    def score(values: np.ndarray) -> np.ndarray:
        return values.astype(np.float64).mean(axis=(1, 2, 3)).astype(kind)

    def at(images: np.ndarray) -> tuple[np.ndarray, ...]:
        return A[[0] * len(images)].astype(kind), G[[0] * len(images)].astype(kind), score(images)

    return Evidence.from_arrays(
        A.astype(kind),
        G.astype(kind),
        score(A),
        inputs=X.astype(kind),
        score_inputs=score,
        score_activations=score,
        at=at,
        tail_gradients=lambda activations: G[[0] * len(activations)].astype(kind),
    )


@pytest.mark.parametrize(
    ("given", "wide"), [(np.float16, np.float32), (np.float32, np.float32), (np.float64, np.float64)]
)
def test_arrays_and_answers_are_widened(given: type[np.floating], wide: type[np.floating]) -> None:
    one = next(made(given).each())
    there = one.at(X[:1])
    parts = [one.activations, one.gradients, one.score, there.activations, there.gradients, there.score]
    parts += [one.score_inputs(lambda i: X[i], 2), one.score_activations(lambda i: A[i], 2)]
    assert [part.dtype for part in parts] == [wide] * len(parts)
    assert one.inputs.dtype == given  # as the model receives them


def test_a_reduction_of_ones_own_does_not_overflow() -> None:
    with np.errstate(over="ignore"):
        assert np.isinf(A.sum(axis=(1, 2))).all()
    np.testing.assert_array_equal(made(np.float16).activations.sum(axis=(1, 2)), 80000)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_gives_the_map_of_float32(name: str) -> None:
    half, single = (METHODS[name]()(made(kind)) for kind in (np.float16, np.float32))
    half, single = (getattr(one, "map", one) for one in (half, single))
    assert half.dtype == np.float32
    assert np.abs(half).max() > 0
    np.testing.assert_allclose(half, single, rtol=2e-3, atol=1e-3 * np.abs(single).max())


def test_what_is_wide_enough_is_not_copied() -> None:
    values = np.ones((1, 2, 2, 1), np.float64)
    assert Evidence.from_arrays(values).activations is values
