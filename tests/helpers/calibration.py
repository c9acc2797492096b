"""How often intervals, tests and recommendations are right, by simulation.

`tools/calibration.py` runs it at length and writes the table of docs/evaluation.md.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from visioncam.evaluation.evaluation import Evaluation
from visioncam.evaluation.measure import AtLayer, Cost
from visioncam.evaluation.recommend import EVIDENCE, recommendation_of
from visioncam.evaluation.subjects import Subject
from visioncam_core.metrics.intervals import UNBOUNDED, interval
from visioncam_core.metrics.result import Measured, MetricResult, difference
from visioncam_metrics.faithfulness.deletion import Deletion

Draw = Callable[[np.random.Generator, int], np.ndarray]
UNIT = (0.0, 1.0)
NOISE = (0.0,) * 9
EQUALS = (1.0,) * 5
BEST = (2.0, 1.0, 1.0, 1.0, 1.0)
ALIKE = 0.7  # correlation of two metrics of one map
KINDS: dict[str, tuple[Draw, float, tuple[float, float]]] = {
    "normal": (lambda rng, n: rng.normal(size=n), 0.0, UNBOUNDED),
    "normal, within 0 to 1": (lambda rng, n: rng.normal(0.5, 0.1, n).clip(0, 1), 0.5, UNIT),
    "70 % zeros, within 0 to 1": (lambda rng, n: (rng.random(n) > 0.7) * rng.random(n), 0.15, UNIT),
    "70 % zeros, no bounds": (lambda rng, n: (rng.random(n) > 0.7) * rng.random(n), 0.15, UNBOUNDED),
    "0/1, p = .9": (lambda rng, n: (rng.random(n) < 0.9) * 1.0, 0.9, UNIT),
    "leaning, within 0 to 1: Beta(.5, 8)": (lambda rng, n: rng.beta(0.5, 8, n), 0.5 / 8.5, UNIT),
    "leaning, no bounds: log-normal": (lambda rng, n: np.exp(rng.normal(size=n)), np.exp(0.5), UNBOUNDED),
}


def covered(kind: str, count: int, runs: int, seed: int = 0) -> tuple[int, int, float]:
    """Return how many intervals were given, how many of them hold the true mean, and their mean width."""
    draw, true, bounds = KINDS[kind]
    rng = np.random.default_rng((seed, count))
    found = [interval(draw(rng, count), bounds) for _ in range(runs)]
    given = [one for one in found if not np.isnan(one.low)]
    wide = float(np.mean([one.high - one.low for one in given])) if given else float("nan")
    return len(given), sum(one.low <= true <= one.high for one in given), wide


def result(values: np.ndarray, method: str, metric: str = "deletion", better: str = "lower") -> MetricResult:
    """Return numbers as a metric's result."""
    measured = [Measured(float(value)) for value in values]
    return MetricResult.of(
        Deletion(), measured, name=metric, title="", better=better, method=method, layer="last"
    )


def better(count: int, runs: int, gain: float = 0.0, seed: int = 0) -> int:
    """Return how often a method ahead by so many deviations is significantly better than a control."""
    rng = np.random.default_rng((seed, count, 1))
    control = result(np.zeros(count), "control")
    return sum(difference(result(rng.normal(-gain, 1, count), "m"), control).sign > 0 for _ in range(runs))


def evaluation(
    rng: np.random.Generator, count: int, gains: tuple[float, ...], metrics: tuple[str, ...] = EVIDENCE
) -> Evaluation:
    """Return an evaluation of normal numbers, each method ahead of the random map by its gain.

    Methods are independent, metrics of one map are not.
    """
    names = [*(f"m{number}" for number in range(len(gains))), "random"]
    maps, results = rng.normal(size=(len(names), count)), []
    for metric in metrics:
        drawn = np.sqrt(ALIKE) * maps + np.sqrt(1 - ALIKE) * rng.normal(size=maps.shape)
        drawn += np.array([*gains, 0.0])[:, None]
        sign, end = (-1, "lower") if metric == "deletion" else (1, "higher")
        results += [result(sign * row, name, metric, end) for name, row in zip(names, drawn, strict=True)]
    subjects = tuple(Subject(name, "", "control" if name == "random" else "method") for name in names)
    costs = {name: Cost(0.0, 0.0) for name in names}
    at = AtLayer("last", subjects, tuple(results), costs, ("",) * count)
    return Evaluation("m", (at,), ("",) * count, (), {}, force=True)


def beating(count: int, runs: int, seed: int = 0) -> int:
    """Return how often any of nine methods of noise beats the random map on the metric that decides."""
    found = 0
    for number in range(runs):
        made = evaluation(np.random.default_rng((seed, count, number, 2)), count, NOISE, ("deletion",))
        found += any(not made.unbeaten(one) for one in made.results if one.method != "random")
    return found


def recommended(count: int, runs: int, gains: tuple[float, ...], seed: int = 0) -> tuple[int, int]:
    """Return how often a method, the best where one is, is named, and how often a best is said to be sure."""
    named = sure = 0
    for number in range(runs):
        told = recommendation_of(evaluation(np.random.default_rng((seed, count, number, 3)), count, gains))
        best = ("m0",) if gains[0] > gains[1] else tuple(f"m{i}" for i in range(len(gains)))
        named += told.method in best
        sure += told.sure == "the data show it"
    return named, sure
