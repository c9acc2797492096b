"""Checks of the claims in a method's row: properties that hold for some methods and not for others."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import attrs
import numpy as np

from visioncam_core.testing.checks.subject import MethodSubject, assert_same, require
from visioncam_core.testing.examples.array_net import ArrayNet

GRIDS: tuple[tuple[int, ...], ...] = ((6,), (3, 5), (2, 3, 2))


def scale_invariant(subject: MethodSubject) -> None:
    """Multiplying the score by λ > 0 leaves the map unchanged, up to a factor."""
    net = ArrayNet.random(biases=True)
    x = net.pictures(2)
    raw = subject.finite(subject.evidence(net, x), "random pictures")
    for factor in (7.0, 0.01):
        scaled = attrs.evolve(net, scale=factor)
        other = subject.finite(subject.evidence(scaled, x), f"scores times {factor}")
        assert_same(
            _unit(other),
            _unit(raw),
            f"{subject.name} claims to be scale-invariant; with the score times {factor}",
        )


def flip_equivariant(subject: MethodSubject) -> None:
    """A flipped picture gives the flipped map, for a network that is itself flip-equivariant."""
    for grid in GRIDS:
        net = ArrayNet.random(grid, biases=True)
        x = net.pictures(2)
        raw = subject.finite(subject.evidence(net, x), f"a grid of {grid}")
        mirrored = x[..., ::-1, :]
        flipped = subject.evidence(net.flipped(), mirrored)
        other = subject.finite(flipped, f"flipped pictures on a grid of {grid}")
        assert_same(
            other[..., ::-1], raw, f"{subject.name} claims to be flip-equivariant; on a grid of {grid}"
        )


def non_negative(subject: MethodSubject) -> None:
    """The raw map is never negative."""
    for signed in (False, True):
        net = ArrayNet.random(biases=True, signed=signed)
        raw = subject.finite(subject.evidence(net, net.pictures(3)), "random pictures")
        require(
            raw.min() >= 0, f"{subject.name} claims to be non-negative; its smallest value is {raw.min():.3g}"
        )


def sums_to_score(subject: MethodSubject) -> None:
    """The raw map sums to the score where the network after the layer is piecewise linear without biases."""
    for grid, signed in product(GRIDS, (False, True)):
        net = ArrayNet.random(grid, signed=signed)
        x = net.pictures(3)
        raw = subject.finite(subject.evidence(net, x), f"a grid of {grid}")
        score, total = net.score(x), raw.reshape(len(raw), -1).sum(axis=1)
        gap = np.abs(total - score).max()
        require(
            gap <= 1e-5 * np.abs(raw).max(),
            f"{subject.name} claims that its map sums to the score; on a grid of {grid} the sums are "
            f"{total}, the scores {score}",
        )


CLAIMS: dict[str, Callable[[MethodSubject], None]] = {
    "scale-invariant": scale_invariant,
    "flip-equivariant": flip_equivariant,
    "non-negative": non_negative,
    "sums-to-score": sums_to_score,
}
"""Claim -> its check.  A row may claim no others."""


def unknown(subject: MethodSubject) -> None:
    """Raise AssertionError: nobody can tell whether an unknown claim holds."""
    names = sorted(subject.claims - set(CLAIMS))
    raise AssertionError(
        f"{subject.name} claims {', '.join(names)}; the claims that can be checked are {', '.join(CLAIMS)}"
    )


def _unit(raw: np.ndarray) -> np.ndarray:
    """Return each map divided by its largest size; zeros stay zeros."""
    size = np.abs(raw).reshape(len(raw), -1).max(axis=1).reshape(-1, *[1] * (raw.ndim - 1))
    unit: np.ndarray = raw / np.where(size > 0, size, 1)
    return unit
