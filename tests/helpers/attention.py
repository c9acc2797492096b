"""A tiny vision transformer's weights, and the maps that other libraries make of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np

import visioncam
from visioncam_core.evidence import Attention, Evidence

DATA = Path(__file__).parents[1] / "data" / "attention"
WIDTH, HEADS, BLOCKS, TOKENS = 16, 2, 2, 13
MAPS: dict[str, tuple[str, dict[str, Any]]] = {
    "rollout": ("rollout", {}),
    "gae_chefer2021": ("attentiongradient", {}),
    "legrad_class_token": ("legrad", {}),
    "legrad_mean_tokens": ("legrad", {"pool": "mean"}),
}
"""Name in the golden file -> method and options."""


def weights() -> dict[str, np.ndarray]:
    return dict(np.load(DATA / "weights.npz"))


def golden() -> dict[str, np.ndarray]:
    return dict(np.load(DATA / "golden.npz"))


def close(found: Any, expected: np.ndarray, tolerance: float = 1e-4) -> None:
    """Assert that arrays differ by a share of the largest value at most."""
    assert np.shape(found) == expected.shape
    off = np.abs(np.asarray(found) - expected).max() / np.abs(expected).max()
    assert off < tolerance, f"off by {off:.2g} of the largest value"


@attrs.frozen
class Looking:
    """A method that hands on what it sees, and maps nothing."""

    reading: Any = None
    seen: list[Attention] = attrs.field(factory=list)
    needs: ClassVar[frozenset[str]] = frozenset({"activations", "attention"})

    def __call__(self, evidence: Evidence) -> Any:
        self.seen.append(evidence.attention(self.reading))
        return np.zeros(evidence.activations.shape[:-1], np.float32)


def attention_of(model: Any, images: Any, reading: Any = None, **options: Any) -> Attention:
    """Return the attention of pictures that go through a model together."""
    looking = Looking(reading)
    visioncam.explain(model, list(images), method=looking, batch_size=len(images), **options)
    (found,) = looking.seen
    return found
