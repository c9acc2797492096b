"""What is measured: methods, the same methods on a randomised model, and controls that know nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.metrics.case import Questions
from visioncam_core.metrics.probe import Probe
from visioncam_core.pipeline.apply import Method
from visioncam_metrics.support.controls import CONTROLS

Maps = dict[tuple[str, int], list[list[np.ndarray | None]]]
"""(method, picture) -> for each seed the raw maps after each step of the cascade."""
ABLE = frozenset({"scores", "truth", "maps", "rival", "randomised", "activations"})
WITHOUT_MAPS = frozenset({"scores", "truth"})


@attrs.frozen
class Subject:
    """A row of the table."""

    name: str  # canonical; on the randomised model the method's with "@randomised"
    title: str  # for people
    kind: str  # "method", "randomised" or "control"
    of: str = ""  # the method that is measured on the randomised model


@attrs.frozen(eq=False)
class SubjectMap:
    """A subject's map of one picture, or why there is none."""

    heat: np.ndarray  # (*space) float32 in [0, 1]; NaN where there is none
    raw: np.ndarray | None  # (*grid), signed
    questions: Questions  # what a metric may compute from it
    able: frozenset[str]  # needs of metrics that it can answer
    flag: str = ""  # why there is no map
    passes: int = 0  # through the model for the map
    seconds: float = 0.0  # for the map


def subjects(methods: Sequence[Method], randomised: Collection[str]) -> list[Subject]:
    """Return the rows: methods, those of them in `randomised` on a randomised model, controls."""
    rows = [Subject(one.name, one.title, "method") for one in methods]
    rows += [
        Subject(f"{one.name}@randomised", f"{one.title} on a randomised model", "randomised", one.name)
        for one in methods
        if one.name in randomised
    ]
    return rows + [Subject(one.name, one.title, "control") for one in CONTROLS]


def map_of_method(probe: Probe, named: Method, maps: Maps) -> SubjectMap:
    applied = probe.apply(named)
    if applied.raw is None:
        return _no_map(probe, str(applied.failure), applied.passes, applied.seconds)
    raw = applied.raw[0]
    cascade = maps.get((named.name, probe.number))
    rng = np.random.default_rng((probe.evidence.seed, probe.number, 1))
    rival = int((probe.index + rng.integers(1, max(probe.classes, 2))) % probe.classes)
    questions = Questions(
        maps=lambda inputs: probe.maps(named, inputs),
        rival=lambda: probe.maps(named, probe.x[None], rival)[0],
        randomised=None if cascade is None else lambda: _cascade(raw, cascade),
        blank=probe.blank,
    )
    able = ABLE - {"randomised"} if cascade is None else ABLE
    able -= {"rival"} if probe.classes < 2 else set()
    return SubjectMap(probe.heat(raw), raw, questions, able, "", applied.passes, applied.seconds)


def map_of_randomised(probe: Probe, of: str, maps: Maps) -> SubjectMap:
    """Return the map of the same method on the randomised model, as a control."""
    raw = maps[of, probe.number][0][-1]
    if raw is None:
        return _no_map(probe, "the method gave no map of the randomised model")
    return SubjectMap(probe.heat(raw), raw, Questions(), WITHOUT_MAPS)


def map_of_control(probe: Probe, name: str) -> SubjectMap:
    """Return a control's map; it is the same for every class and every model."""
    control = next(one for one in CONTROLS if one.name == name)
    grid = probe.layer.grid or probe.x.shape[:-1]

    def draw(x: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng((probe.evidence.seed, probe.number, 2))
        return control.draw(x, grid, rng).astype(np.float32)

    heat = draw(probe.x)
    questions = Questions(
        maps=lambda inputs: np.stack([draw(x) for x in inputs]),
        rival=lambda: heat,
        randomised=lambda: [[heat, heat]],
    )
    return SubjectMap(heat, None, questions, ABLE)


def _cascade(raw: np.ndarray, found: list[list[np.ndarray | None]]) -> list[list[np.ndarray]]:
    """Return the cascade with the trained map first; a step without a map counts as blank."""
    return [[raw, *(np.zeros_like(raw) if one is None else one for one in seed)] for seed in found]


def _no_map(probe: Probe, why: str, passes: int = 0, seconds: float = 0.0) -> SubjectMap:
    nan = np.full(probe.x.shape[:-1], np.nan, np.float32)
    return SubjectMap(nan, None, Questions(), WITHOUT_MAPS, why, passes, seconds)


def maps_needed(metric: Any, seeds: int, steps: int) -> int:
    """Return how many maps of one picture a metric needs from a method."""
    samples = getattr(metric, "samples", 1) if "maps" in metric.needs else 0
    count = 4 if hasattr(metric, "shift") else samples
    return int(count) + ("rival" in metric.needs) + seeds * steps * ("randomised" in metric.needs)
