"""`visioncam.diff`: two models asked about the same pictures."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam.differences.changes import Change, correlation, moved, summed
from visioncam.differences.classes import Match, label, match
from visioncam.differences.report import strip
from visioncam.differences.result import Diff
from visioncam.differences.sides import Side
from visioncam_core.errors import ImageError, OptionError, TargetError, VisionCamError
from visioncam_core.images.sample import Sample
from visioncam_core.pipeline.request import Request
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.provenance import versions

SHOWN = 12  # pictures whose maps are kept for the report


def diff(
    old: Any,
    new: Any,
    images: Any,
    method: str | object = "gradcam",
    *,
    second: Any = None,
    target: Any = None,
    new_layer: Any = None,
    new_preprocess: Any = None,
    new_class_names: Any = None,
    **keywords: Any,
) -> Diff:
    """Find where answers or evidence changed between two models: versions, copies, ports to a framework.

    Both maps of a picture are of one class, the old model's answer or `target`, so that another answer and
    other evidence are counted apart.  Classes are matched by name where both models have names, else by
    index.  Maps are compared on the picture's own pixels, so the models' input sizes may differ.

    Args:
        old: a PyTorch module or a built Keras model; none is changed.
        new: another one, of any framework.
        images: as in `explain`: pictures, or model input where both models take the same.
        method: as in `explain`.
        second: a second run of the old model's training: what two seeds differ by is the scale.
        target: as in `explain`, in the old model's classes; each picture's top class by default.
        new_layer: `layer` of the new model; by default that of the old one, which is "auto" by default.
        new_preprocess: `preprocess` of the new model.  A model that says nothing of its pictures gets them as
            the old one does.
        new_class_names: `class_names` of the new model.
        **keywords: the other keywords of `explain`, and the method's options, for all models.

    Returns:
        Pictures that moved most first, classes, and a verdict: `print` it, `check("moved > 0.1")`,
        `save("page.html")`.

    Raises:
        OptionError: the models share no class, or nobody knows which class is which.
        TargetError: the old model's output is no list of classes, and no target was given.
        VisionCamError: another of its kinds; it says which model it is about.
    """
    own = {"layer": new_layer, "preprocess": new_preprocess, "class_names": new_class_names}
    own = {name: value for name, value in own.items() if value is not None}
    images = list(images) if isinstance(images, Iterator) else images
    asked, changed = (Request.of([method], {**keywords, **more}) for more in ({}, own))
    sides = [first := Side.of("old", old, images, asked), Side.of("new", new, images, changed, first)]
    if second is not None:
        sides.append(Side.of("second", second, images, asked, first))
    run = _Run(sides, _targets(target, sides))
    for number in range(first.count):
        run.add(number, _name(images, number))
        if asked.settings.progress is not None:
            asked.settings.progress(number + 1, first.count)
    return run.result()


def _targets(target: Any, sides: Sequence[Side]) -> list[Any]:
    """Return the target of each picture, of which all models read as many."""
    count = sides[0].count
    for side in sides[1:]:
        if side.count != count:
            raise ImageError(
                f"these images are {count} pictures for the old model, {side.count} for the {side.name}"
            )
    if not isinstance(target, list | tuple | np.ndarray):
        return [target] * count
    if len(target) != count:
        raise OptionError(f"{len(target)} targets for {count} pictures; pass one each, or one for all")
    return list(target)


def _name(images: Any, number: int) -> str:
    one = images[number] if isinstance(images, list | tuple) and number < len(images) else None
    return os.path.basename(os.fsdecode(one)) if isinstance(one, str | os.PathLike) else f"image {number}"


@attrs.define(eq=False)
class _Run:
    """Compares picture by picture, and remembers what the result needs."""

    sides: Sequence[Side]
    targets: Sequence[Any]
    matches: list[Match] = attrs.field(factory=list)  # of the other models' classes
    changes: list[Change] = attrs.field(factory=list)
    failures: dict[str, VisionCamError] = attrs.field(factory=dict)
    told: dict[tuple[str, str], list[str]] = attrs.field(factory=dict)  # model and code -> what was said
    scores: set[str] = attrs.field(factory=set)  # their kinds
    last: list[Explanation] = attrs.field(factory=list)  # a picture's, one a model
    strips: dict[tuple[float, int], np.ndarray] = attrs.field(factory=dict)

    def add(self, number: int, name: str) -> None:
        """Compare a picture; one that cannot be is a failure, unless no other could be either."""
        try:
            samples = [side.read(number) for side in self.sides]
            if not self.matches:
                self._match(samples)
            change = self._change(number, name, samples)
        except VisionCamError as error:
            if not (self.matches or isinstance(error, ImageError)):
                raise
            self.failures[f"{name} ({number})" if name in self.failures else name] = error
            return
        self.changes.append(change)
        place = (-change.moved, number)
        if math.isfinite(change.moved) and (len(self.strips) < SHOWN or place < max(self.strips)):
            self.strips[place] = strip(*self.last[:2])
            if len(self.strips) > SHOWN:
                del self.strips[max(self.strips)]

    def _match(self, samples: Sequence[Sample]) -> None:
        """Match the classes, and say how the pictures of a model are read that says nothing of them."""
        old, *others = [side.head(sample) for side, sample in zip(self.sides, samples, strict=True)]
        self.matches = [
            match(old, head, side.name) for head, side in zip(others, self.sides[1:], strict=True)
        ]
        for side in self.sides:
            if side.borrowed and samples[0].geometry is not None:
                self._tell(
                    side, "preprocess", "it says nothing of its pictures; they are read as the old model's"
                )

    def _change(self, number: int, name: str, samples: Sequence[Sample]) -> Change:
        target, rows = self.targets[number], []
        first = self.sides[0](samples[0], target)
        if target is None and not first.predictions:
            raise TargetError(
                "the old model's output is no list of classes; say what to explain with target="
            )
        index, self.last = first.target.index if first.predictions else None, [first]
        for side, sample, classes in zip(self.sides[1:], samples[1:], self.matches, strict=True):
            wanted = target if index is None else classes.pairs.get(index)
            other = side(sample, wanted)
            self.last.append(other)
            found = (math.nan, math.nan)
            if index is None or wanted is not None:
                found = _compared(first, other, (samples[0], sample))
            else:
                self._tell(
                    side, "class", f"it has no {first.target.label}, so that there are no two maps of it"
                )
            rows.append((*_answer(first, other, classes), *found))
        for side, one in zip(self.sides, self.last, strict=True):
            for note in one.diagnostics:
                self._tell(side, note.code, note.message)
            if not one.heatmap.any():
                self._tell(side, "blank map", "where the other map is not, all evidence counts as moved")
        new = self.last[1]
        probable = first.target.probability is not None and new.target.probability is not None
        scores = [one.target.probability or 0.0 if probable else one.score for one in (first, new)]
        self.scores |= {"probability"} if probable else {first.score_kind, new.score_kind}
        (answer, changed, apart, order), *second = rows
        return Change(
            source=name,
            number=number,
            old_answer=_label(first),
            new_answer=answer,
            changed=changed,
            explained=first.target.label,
            old_score=scores[0],
            new_score=scores[1] if index is None or index in self.matches[0].pairs else math.nan,
            moved=apart,
            correlation=order,
            second_changed=second[0][1] if second else math.nan,
            second_moved=second[0][2] if second else math.nan,
        )

    def _tell(self, side: Side, code: str, text: str) -> None:
        self.told.setdefault((side.name, code), []).append(text)

    def result(self) -> Diff:
        """Return what was found.

        Raises:
            VisionCamError: no picture could be compared; it says why the first could not.
        """
        if not self.changes:
            raise next(iter(self.failures.values()))
        ranked = sorted(
            self.changes, key=lambda one: (math.isnan(one.moved), -np.nan_to_num(one.moved), one.number)
        )
        overall, classes = summed(ranked, len(self.sides) > 2)
        titles = [side.title for side in self.sides]
        return Diff(
            old=titles[0],
            new=titles[1],
            second=titles[2] if titles[2:] else "",
            pictures=tuple(ranked),
            overall=overall,
            classes=classes,
            method=self.last[0].method_title,
            layers=tuple(one.layer.path for one in self.last),
            score=" and ".join(sorted(self.scores)),
            notes=tuple(self._notes()),
            failures={name: str(error) for name, error in self.failures.items()},
            provenance=self._provenance(),
            strips={number: self.strips[place, number] for place, number in sorted(self.strips)},
        )

    def _notes(self) -> Iterator[str]:
        for which in ("old", "new"):
            answers = {getattr(one, f"{which}_answer") for one in self.changes}
            if len(self.changes) > 1 and len(answers) == 1 and answers != {""}:
                yield f"the {which} model answers {answers.pop()} on every picture"
        for found in self.matches:
            yield from found.notes
        for (name, code), texts in self.told.items():
            yield f"the {name} model, {code}: {texts[0]} ({len(texts)} of {len(self.changes)} pictures)"

    def _provenance(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for side in self.sides:
            made |= versions(side.explain.engine.versions())
        made |= {f"{side.name} preprocess": side.explain.preprocessing.name for side in self.sides}
        return {**made, "seed": self.sides[0].explain.settings.seed}


def _label(one: Explanation) -> str:
    """Return a model's answer; "" where its output is no list of classes."""
    best = one.predictions[:1]
    return label(best[0].index, best[0].name) if best else ""


def _answer(first: Explanation, other: Explanation, classes: Match) -> tuple[str, float]:
    """Return another model's answer, and 1 where it is not the old model's, else 0; NaN without classes."""
    if not first.predictions or not other.predictions:
        return "", math.nan
    index, name = classes.answer(other.predictions[0])
    return name, float(index != first.predictions[0].index)


def _compared(first: Explanation, other: Explanation, samples: Sequence[Sample]) -> tuple[float, float]:
    """Return how much moved, and the rank correlation over what at least one of the two models sees."""
    one, another = first.heatmap, other.heatmap
    if one.shape != another.shape:
        raise ImageError(
            f"the maps have the shapes {one.shape} and {another.shape}: pass pictures, or one input"
        )
    views = [one.geometry.view for one in samples if one.geometry is not None and one.windows is None]
    if len(views) == len(samples):
        top, left = np.min(views, axis=0)[:2]
        bottom, right = np.max(views, axis=0)[2:]
        one, another = (heat[..., top:bottom, left:right] for heat in (one, another))
    return moved(one, another), correlation(one, another)
