"""The loop: every metric of every subject on every picture, at one layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam.evaluation.budget import Budget
from visioncam.evaluation.randomised import Randomised, affordable, random_maps
from visioncam.evaluation.request import Measure
from visioncam.evaluation.subjects import (
    Maps,
    Subject,
    SubjectMap,
    map_of_control,
    map_of_method,
    map_of_randomised,
    maps_needed,
    subjects,
)
from visioncam.evaluation.truth import on_input
from visioncam_core.images.sample import Read
from visioncam_core.metrics.case import Case
from visioncam_core.metrics.measure import judge
from visioncam_core.metrics.probe import probes
from visioncam_core.metrics.result import Measured, MetricResult
from visioncam_core.pipeline.diagnosis import diagnose
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.watched import is_deaf
from visioncam_core.results.agreement import alike, is_flat


@attrs.frozen
class Cost:
    """What a subject's maps cost, a picture on average."""

    passes: float  # pictures sent through (parts of) the model beyond the shared forward and backward pass
    seconds: float  # of wall-clock time


@attrs.frozen(eq=False)
class AtLayer:
    """What was measured at one layer."""

    layer: str  # its path
    subjects: tuple[Subject, ...]  # the rows
    results: tuple[MetricResult, ...]  # one for each subject and metric that it can answer
    costs: dict[str, Cost]  # by the subject's name
    labels: tuple[str, ...]  # what was explained on each picture
    # Subject name -> its maps of the first picture while the model is randomised step by step with the first
    # seed, the trained model's first; None where there was none.
    cascade: dict[str, list[np.ndarray | None]] = attrs.field(factory=dict)
    notes: tuple[str, ...] = ()  # what is doubtful about the probabilities that were measured
    void: str = ""  # why no number here says anything, or nothing
    flat: frozenset[str] = frozenset()  # methods whose maps are flat on every picture
    doubts: tuple[str, ...] = ()  # `void` and flat maps in words, to be said first


@attrs.define(eq=False)
class Shared:
    """What was measured of one picture: maps that are the same up to rounding are measured once."""

    maps: list[tuple[np.ndarray, dict[str, Measured]]] = attrs.field(factory=list)

    def get(self, one: Measure, case: Case) -> Measured | None:
        """Return a metric's value for the same map, at no further cost, or None."""
        if not one.needs <= {"scores", "truth"}:
            return None
        for heat, found in self.maps:
            if one.name in found and np.allclose(heat, case.heat, rtol=0, atol=SAME):
                return attrs.evolve(found[one.name], passes=0, seconds=0.0)
        return None

    def add(self, one: Measure, case: Case, measured: Measured) -> None:
        if not self.maps or self.maps[-1][0] is not case.heat:
            self.maps.append((case.heat, {}))
        self.maps[-1][1][one.name] = measured


SAME = 1e-5
Tick = Callable[[int], None]
"""Called with how many units of work are done."""


def measure(
    explainer: Explainer,
    read: Read,
    target: Any,
    marks: Sequence[Any],
    measures: Sequence[Measure],
    budget: Budget,
    copy: Randomised | None,
    tick: Tick,
) -> AtLayer:
    """Measure all metrics at the explainer's layer.

    `target` is a class, classes, or None for the top class of each clean picture; `marks` say where the
    object is on each picture; `copy` is for what needs randomised models.
    """
    first = next(probes(explainer, read, target))
    layer = first.layer.path
    classes, labels = _classes(explainer, read, target)
    costs = {one.name: max(1, first.of(one).apply(one).passes) for one in explainer.methods}
    maps: Maps = {}
    seeds: dict[str, int] = {}
    if copy is not None:
        seeds_needed = budget.seeds if any("randomised" in one.needs for one in measures) else 0
        seeds = affordable(costs, budget.patience, seeds_needed, budget.cascade)
        maps = random_maps(explainer, copy, read, classes, layer, seeds, lambda: tick(1))
    enough = {name for name, number in seeds.items() if number > 0}
    rows = subjects(explainer.methods, {name for name, number in seeds.items() if number >= 0})
    table: dict[tuple[str, str], list[Measured]] = {}
    spent: dict[str, list[tuple[int, float]]] = {}
    cascade: dict[str, list[np.ndarray | None]] = {}
    answers, scores, unlike = [], [], False
    flat: dict[str, int] = {}
    for probe in probes(explainer, read, list(classes)):
        truth, boxes = on_input(marks[probe.number], probe.item, probe.x.shape[:-1], probe.number)
        answers.append(probe.observation.answer.reshape(-1))
        scores.append(probe.observation.values.reshape(-1))
        unlike = unlike or not np.array_equal(probe.x, first.x)
        shared = Shared()
        for subject in rows:
            here = probe
            if subject.kind == "control":
                made = map_of_control(probe, subject.name)
            else:
                named = next(one for one in explainer.methods if one.name in (subject.name, subject.of))
                here = probe.of(named)
                if subject.kind == "method":
                    made = map_of_method(here, named, maps if subject.name in enough else {})
                else:
                    made = map_of_randomised(here, subject.of, maps)
            if subject.kind == "method" and made.raw is not None and is_flat(made.raw):
                flat[subject.name] = flat.get(subject.name, 0) + 1
            spent.setdefault(subject.name, []).append((made.passes, made.seconds))
            if probe.number == 0 and subject.name in enough and made.raw is not None:
                cascade[subject.name] = [made.raw, *maps[subject.name, 0][0]]
            case = here.case(made.heat, made.raw, made.questions, truth, boxes)
            for one in measures:
                if subject.kind == "randomised" and not one.needs <= {"scores", "truth"}:
                    continue
                cost = costs.get(subject.name, 0)
                found = shared.get(one, case) or _measure(one, case, made, cost, budget)
                shared.add(one, case, found)
                table.setdefault((subject.name, one.name), []).append(found)
            tick(1)
    results = [
        MetricResult.of(
            one.metric, table[subject.name, one.name], name=one.name, title=one.title, better=one.better,
            method=subject.name, layer=layer,
        )
        for subject in rows
        for one in measures
        if (subject.name, one.name) in table
    ]  # fmt: skip
    means = {name: Cost(*(float(n) for n in np.mean(found, axis=0))) for name, found in spent.items()}
    doubts = diagnose.of_assumed(first.observation.head, np.concatenate(answers))
    notes = tuple(f"probabilities: {one.message}" for one in (*doubts, *diagnose.of_composed(first.score)))
    count = len(scores)
    broken = sum(not np.isfinite(one).all() for one in scores)
    nan = f"the model's scores are NaN or infinite on {broken} of {count} pictures; check weights and input"
    void = nan if broken == count else ""
    if count > 1 and not unlike:
        void = f"the model receives the same picture {count} times; pass different ones"
    elif count > 1 and len({one.shape for one in scores}) == 1 and alike(scores):
        same = f"the model gives all {count} pictures the same answer: its scores are the same up to rounding"
        with explainer.engine.running(explainer.model):
            deaf = is_deaf(first.evidence)
        void = (
            f"{same}, and so are those of noise; check its weights, and the range of pixels" if deaf else ""
        )
        notes += () if deaf else (f"{same}: to it they are one picture, perhaps shifted",)
    said = [f"{next(row.title for row in rows if row.name == name)} on {n}" for name, n in flat.items()]
    told = f"flat maps at {layer}, the same everywhere or blank: {', '.join(said)} of {count} pictures"
    gone = frozenset(name for name, n in flat.items() if n == count)
    first_said = tuple(filter(None, [void or (nan if broken else ""), told if said else ""]))
    return AtLayer(layer, tuple(rows), tuple(results), means, labels, cascade, notes, void, gone, first_said)


def _classes(explainer: Explainer, read: Read, target: Any) -> tuple[list[int], tuple[str, ...]]:
    """Return each picture's class, fixed on the clean picture, and how it reads."""
    found = []
    for probe in probes(explainer.with_methods(), read, target):
        name = probe.batch.head.name(probe.index)
        short = name.split(",")[0] if name else f"class {probe.index}"
        found.append((probe.index, f"{short} ({probe.index})" if name else short))
    return [index for index, _ in found], tuple(label for _, label in found)


def _measure(one: Measure, case: Any, made: SubjectMap, cost: int, budget: Budget) -> Measured:
    lacking = one.needs - made.able
    needed = maps_needed(one.metric, budget.seeds, budget.cascade)
    if made.flag:
        why = made.flag
    elif cost * needed > budget.patience:
        why = f"{needed} maps of {cost} passes each are more than patience={budget.patience}"
    elif "randomised" in lacking:
        why = "the model cannot be copied and randomised"
    elif lacking:
        why = f"there is no {', '.join(sorted(lacking))} for this map"
    else:
        return judge(one.metric, case, one.name, one.source)
    return Measured(float("nan"), why)
