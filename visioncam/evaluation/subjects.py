"""Who is measured: methods, the same methods on a randomised model, and controls that know nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.metrics.case import Questions
from visioncam_core.metrics.probe import Probe
from visioncam_core.pipeline.apply import Named
from visioncam_metrics.support.controls import CONTROLS, Control

RANDOM_MODEL = "randomised model"
Maps = dict[tuple[str, int], list[list[np.ndarray | None]]]
"""(method, picture) -> for each seed the raw maps after each step of the cascade."""


@attrs.frozen
class Subject:
    """A row of the table.

    Attributes:
        name: canonical; of a randomised twin the method's with "@randomised".
        title: for people.
        kind: "method", "randomised" or "control".
        of: the method that a randomised twin belongs to, or empty.
    """

    name: str
    title: str
    kind: str
    of: str = ""


@attrs.frozen(eq=False)
class Shown:
    """A subject's map of one picture, or why there is none.

    Attributes:
        heat: (*space) float32 in [0, 1]; NaN where there is none.
        raw: (*grid) signed map, or None.
        questions: what can be asked of it.
        able: needs of metrics that it can answer.
        flag: why there is no map, or empty.
        passes: through the model for the map.
        seconds: for the map.
    """

    heat: np.ndarray
    raw: np.ndarray | None
    questions: Questions
    able: frozenset[str]
    flag: str = ""
    passes: int = 0
    seconds: float = 0.0


def subjects(methods: Sequence[Named], twins: Collection[str]) -> list[Subject]:
    """Return the rows: methods, the twins of those named on a randomised model, controls."""
    rows = [Subject(one.name, one.title, "method") for one in methods]
    rows += [
        Subject(f"{one.name}@randomised", f"{one.title} on a {RANDOM_MODEL}", "randomised", one.name)
        for one in methods
        if one.name in twins
    ]
    return rows + [Subject(one.name, one.title, "control") for one in CONTROLS]


def shown_by_method(probe: Probe, named: Named, maps: Maps) -> Shown:
    """Return a method's map of a picture and what can be asked of it."""
    applied = probe.apply(named)
    if applied.raw is None:
        return _nothing(probe, str(applied.failure), applied.passes, applied.seconds)
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
    able = frozenset({"scores", "truth", "maps", "rival", "activations"})
    able |= {"randomised"} if cascade is not None else set()
    return Shown(probe.heat(raw), raw, questions, able, "", applied.passes, applied.seconds)


def shown_by_twin(probe: Probe, of: str, maps: Maps) -> Shown:
    """Return the map of the same method on the randomised model, as a control."""
    raw = maps[of, probe.number][0][-1]
    if raw is None:
        return _nothing(probe, "the method gave no map of the randomised model")
    return Shown(probe.heat(raw), raw, Questions(), frozenset({"scores", "truth"}))


def shown_by_control(probe: Probe, name: str) -> Shown:
    """Return a control's map; it is the same for every class and every model."""
    control = next(one for one in CONTROLS if one.name == name)
    grid = probe.layer.grid or probe.x.shape[:-1]

    def draw(x: np.ndarray) -> np.ndarray:
        return _drawn(control, x, grid, probe)

    heat = draw(probe.x)
    questions = Questions(
        maps=lambda inputs: np.stack([draw(x) for x in inputs]),
        rival=lambda: heat,
        randomised=lambda: [[heat, heat]],
    )
    able = frozenset({"scores", "truth", "maps", "rival", "randomised", "activations"})
    return Shown(heat, None, questions, able)


def _drawn(control: Control, x: np.ndarray, grid: tuple[int, ...], probe: Probe) -> np.ndarray:
    rng = np.random.default_rng((probe.evidence.seed, probe.number, 2))
    return control.draw(x, grid, rng).astype(np.float32)


def _cascade(raw: np.ndarray, found: list[list[np.ndarray | None]]) -> list[list[np.ndarray]]:
    """Return the cascade with the trained map first; a step without a map counts as blank."""
    return [[raw, *(np.zeros_like(raw) if one is None else one for one in seed)] for seed in found]


def _nothing(probe: Probe, why: str, passes: int = 0, seconds: float = 0.0) -> Shown:
    nan = np.full(probe.x.shape[:-1], np.nan, np.float32)
    return Shown(nan, None, Questions(), frozenset({"scores", "truth"}), why, passes, seconds)


def asked_of(metric: Any, seeds: int, steps: int) -> int:
    """Return how many maps a metric asks of a method for one picture."""
    count = getattr(metric, "samples", 1) if "maps" in metric.needs else 0
    count = 4 if hasattr(metric, "shift") else count
    return int(count) + ("rival" in metric.needs) + seeds * steps * ("randomised" in metric.needs)
