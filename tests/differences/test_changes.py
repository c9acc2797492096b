"""The numbers of a diff by hand, and how often noise is called a change."""

from __future__ import annotations

import math

import numpy as np
import pytest

from visioncam.differences.changes import Change, correlation, moved, summed


def test_moved_by_hand() -> None:
    one, other = np.array([[3.0, 1.0], [0.0, 0.0]]), np.array([[0.0, 2.0], [2.0, 0.0]])
    assert moved(one, other) == 0.75  # of 3/4 and 1/4, a quarter stays
    assert moved(one, 7 * one) == 0
    assert moved(one, np.array([[0.0, 0.0], [1.0, 1.0]])) == 1
    assert moved(one, -one) == 1  # evidence for and against share no place
    assert moved(one, 0 * one) == moved(0 * one, one) == 1
    assert math.isnan(moved(0 * one, 0 * one))


def test_moved_is_a_distance(rng: np.random.Generator) -> None:
    for _ in range(50):
        a, b, c = rng.random((3, 4, 5)) ** 3
        assert moved(a, b) == moved(b, a)
        assert 0 < moved(a, c) <= moved(a, b) + moved(b, c) + 1e-12


def test_the_order_of_large_maps_is_compared_at_64_places(rng: np.random.Generator) -> None:
    small = rng.random((10, 64)).astype(np.float32)
    large = np.repeat(small, 3, axis=1)
    assert correlation(large, np.exp(large)) == pytest.approx(1)
    assert correlation(large, -large) == pytest.approx(-1)
    noise = rng.normal(size=(10, 64, 3))
    blurred = large.reshape(10, 64, 3) + noise - noise.mean(-1, keepdims=True)  # the same means
    assert correlation(large, blurred.reshape(10, 192)) == pytest.approx(1, abs=1e-3)
    assert math.isnan(correlation(small, np.ones_like(small)))


def changes(moved: np.ndarray, classes: np.ndarray, second: np.ndarray | None = None) -> list[Change]:
    seconds = np.full(len(moved), math.nan) if second is None else second
    return [
        Change("", i, str(c), str(c), 0.0, str(c), 0.5, 0.5, float(m), 0.5, 0.0, float(s))
        for i, (m, c, s) in enumerate(zip(moved, classes, seconds, strict=True))
    ]


@pytest.mark.parametrize("second", [False, True])
def test_noise_is_beyond_chance_at_most_once_in_forty(second: bool) -> None:
    rng, runs, alarms = np.random.default_rng(0), 100, 0
    classes = np.arange(48) % 4
    for _ in range(runs):
        values = rng.beta(2, 8, (2, 48))
        _, found = summed(changes(values[0], classes, values[1] if second else None), second)
        alarms += any(one.beyond for one in found)
    assert alarms <= runs * 0.025 + 2 * math.sqrt(runs * 0.025)


@pytest.mark.parametrize("second", [False, True])
def test_a_class_that_moved_is_found_first(second: bool, rng: np.random.Generator) -> None:
    classes = np.arange(48) % 4
    values = rng.beta(2, 8, (2, 48))
    values[0, classes == 2] += 0.3
    whole, found = summed(changes(values[0], classes, values[1] if second else None), second)
    assert [one.name for one in found if one.beyond] == ["2"]
    assert found[0].name == "2"
    assert whole.beyond is (True if second else None)
    few = summed(changes(values[0, :8], classes[:8], values[1, :8] if second else None), second)[1]
    assert [one.beyond for one in few] == [None] * 4
