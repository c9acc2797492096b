"""On an accelerator evidence holds tensors: each of the nine gives there what it gives on arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import visioncam
from visioncam_core.pipeline.evidence import Evidence

rng = np.random.default_rng(0)
A = np.maximum(rng.normal(size=(2, 4, 5, 6)), 0).astype(np.float32)
G = rng.normal(size=A.shape).astype(np.float32)
X = rng.random((2, 8, 10, 3), dtype=np.float32)
W = rng.normal(size=6).astype(np.float32)


def evidence(kind: Callable[[np.ndarray], Any]) -> Evidence:
    """Return evidence of arrays or tensors; scores come home as arrays, as the engine's do."""
    return Evidence.from_arrays(
        kind(A),
        kind(G),
        kind(np.ones(2, np.float32)),
        inputs=X,
        score_inputs=lambda images: np.asarray(images).mean((1, 2, 3)),
        score_activations=lambda changed: np.asarray(changed).mean((1, 2)) @ W,
        at=lambda images: tuple(
            kind(np.repeat(part, len(images), axis=0)) for part in (A[:1], G[:1], np.ones(1, np.float32))
        ),
    )


@pytest.mark.parametrize("row", [one for one in visioncam.methods() if one.in_all], ids=lambda row: row.name)
def test_tensors_give_what_arrays_give(row: Any) -> None:
    method = row.cls()
    expected, found = method(evidence(lambda array: array)), method(evidence(tf.constant))
    assert isinstance(found, tf.Tensor)
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(found, expected, atol=2e-6)
