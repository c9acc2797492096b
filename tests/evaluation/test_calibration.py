"""A short part of the simulations that `tools/calibration.py` writes into docs/evaluation.md."""

from __future__ import annotations

import pytest
from helpers.calibration import BEST, EQUALS, KINDS, NOISE, beating, better, covered, recommended
from scipy import stats


def at_most(found: int, runs: int, bound: float) -> bool:
    """Return whether a count passes a share by no more than two standard errors of it."""
    return found <= runs * bound + 2 * (runs * bound * (1 - bound)) ** 0.5


@pytest.mark.parametrize("count", [6, 12])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if "log-normal" not in kind])
def test_an_interval_holds_the_mean_as_often_as_it_says_or_is_not_given(kind: str, count: int) -> None:
    given, right, _ = covered(kind, count, 300)
    assert at_most(given - right, given, 0.06) or given <= 3
    assert (given <= 3) == ("zeros, no bounds" in kind)


@pytest.mark.parametrize("count", [6, 12])
def test_noise_is_better_than_a_control_2_5_times_in_a_hundred(count: int) -> None:
    assert at_most(better(count, 600), 600, 0.025)


def test_one_standard_deviation_is_found_at_twelve_pictures() -> None:
    assert better(12, 200, 1.0) >= stats.binom(200, 0.87).ppf(0.01)


@pytest.mark.parametrize("count", [6, 12])
def test_nine_methods_of_noise_beat_random_and_are_recommended_2_5_times_in_a_hundred(count: int) -> None:
    assert at_most(beating(count, 300), 300, 0.025)
    named, sure = recommended(count, 150, NOISE)
    assert at_most(named, 150, 0.025)
    assert at_most(sure, 150, 0.025)


def test_of_methods_alike_none_is_sure_and_a_better_one_is_named() -> None:
    assert at_most(recommended(12, 150, EQUALS[:2])[1], 150, 0.025)
    assert recommended(12, 100, BEST)[0] >= 80
