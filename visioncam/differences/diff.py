"""`visioncam.diff`: two models compared on the same pictures."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam.differences.changes import NAN, Change, correlation, moved, summed
from visioncam.differences.classes import Match, label, match
from visioncam.differences.result import Diff
from visioncam.differences.sides import Side, about
from visioncam_core.errors import ImageError, TargetError, VisionCamError
from visioncam_core.images.arrays import is_dataset
from visioncam_core.images.multiple_inputs import images_of
from visioncam_core.images.sample import Sample
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.provenance import versions
from visioncam_core.targets.resolve import one_each
from visioncam_viz.drawing.grid import grid
from visioncam_viz.drawing.present import photo_of

SHOWN = 12  # pictures whose maps are kept for the report
SIDE = 288  # pixels of the longer side of each of its pictures


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

    Both maps of a picture explain the same class, the old model's answer or `target`, so a changed answer and
    moved evidence are counted separately.  Classes are matched by name where both models have names, else by
    index.  Maps are compared on the picture's own pixels, so the models' input sizes may differ.

    Args:
        old: a PyTorch module or a built Keras model; none is changed.
        new: another one, of any framework.
        images: as in `explain`: pictures, or model input where both models take the same.
        method: as in `explain`.
        second: a second run of the old model's training: how much two seeds differ sets the scale.
        target: as in `explain`, in the old model's classes; each picture's top class by default.
        new_layer: `layer` of the new model; by default that of the old one, which is "auto" by default.
        new_preprocess: `preprocess` of the new model.  A model without declared preprocessing gets the
            pictures of one that has it.
        new_class_names: `class_names` of the new model.
        **keywords: the other keywords of `explain`, and the method's options, for all models.

    Returns:
        Pictures that moved most first, classes, and a verdict: `print` it, `check("moved > 0.1")`,
        `save("page.html")`.

    Raises:
        OptionError: the models share no class, or their classes cannot be matched.
        TargetError: the old model's output is not a list of classes, and no target was given.
        VisionCamError: another of its kinds; it says which model it is about.
    """
    own = {"layer": new_layer, "preprocess": new_preprocess, "class_names": new_class_names}
    own = {name: value for name, value in own.items() if value is not None}
    asked, changed = (Request.of([method], {**keywords, **more}) for more in ({}, own))
    made: dict[str, Explainer] = {}
    for name, model in {"old": old, "new": new, "second": second}.items():
        if model is not None or name != "second":
            with about(name):
                made[name] = Explainer.of(model, changed if name == "new" else asked)
    if is_dataset(images):  # which may be shuffled whenever it is read
        images = images_of(images, len(made["old"].inputs.image_shape or "HWC") - 1)
    images = list(images) if isinstance(images, Iterator) else images
    like = next((one for one in made.values() if one.preprocessing.known), made["old"])
    sides = [Side.of(name, one, images, like) for name, one in made.items()]
    first = sides[0]
    for side in sides:
        if side.count != first.count:
            raise ImageError(
                f"the old model reads {first.count} images here, the {side.name} one {side.count}"
            )
    run = _Run(sides)
    for number, mine in enumerate(one_each(target, first.count)):
        one = images[number] if isinstance(images, list | tuple) and number < len(images) else None
        name = os.path.basename(os.fsdecode(one)) if isinstance(one, str | os.PathLike) else f"image {number}"
        run.add(number, name, mine)
        if asked.settings.progress is not None:
            asked.settings.progress(number + 1, first.count)
    return run.result()


@attrs.define(eq=False)
class _Run:
    """Compares picture by picture, and remembers what the result needs."""

    sides: Sequence[Side]
    matches: list[Match] = attrs.field(factory=list)  # of the other models' classes
    changes: list[Change] = attrs.field(factory=list)
    failures: dict[str, VisionCamError] = attrs.field(factory=dict)
    told: dict[tuple[str, str], dict[int, str]] = attrs.field(factory=dict)  # model, code -> picture -> words
    scores: set[str] = attrs.field(factory=set)  # their kinds
    maps: list[Explanation] = attrs.field(factory=list)  # of the last picture, one a model
    strips: dict[tuple[float, int], np.ndarray] = attrs.field(factory=dict)

    def add(self, number: int, name: str, target: Any) -> None:
        """Compare a picture; one that cannot be is a failure, unless no other could be either."""
        try:
            samples = [side.read(number) for side in self.sides]
            if not self.matches:
                old, *others = [side.head(one) for side, one in zip(self.sides, samples, strict=True)]
                self.matches = [match(old, *one) for one in zip(others, ("new", "second"), strict=False)]
            change = self._change(number, name, samples, target)
        except VisionCamError as error:
            if not (self.matches or isinstance(error, ImageError)):
                raise
            self.failures[f"{name} ({number})" if name in self.failures else name] = error
            return
        self.changes.append(change)
        place = (-change.moved, number)
        if math.isfinite(change.moved) and (len(self.strips) < SHOWN or place < max(self.strips)):
            self.strips[place] = strip(*self.maps[:2])
            if len(self.strips) > SHOWN:
                del self.strips[max(self.strips)]

    def _change(self, number: int, name: str, samples: Sequence[Sample], target: Any) -> Change:
        first, *others = self.sides
        old = first(samples[0], target)
        if target is None and not old.predictions:
            raise TargetError(
                "the old model's output is not a list of classes; say what to explain with target="
            )
        index, self.maps = old.target.index if old.predictions else None, [old]
        rows: list[dict[str, Any]] = []
        for side, sample, classes in zip(others, samples[1:], self.matches, strict=True):
            wanted = target if index is None else classes.pairs.get(index)
            new = side(sample, wanted)
            self.maps.append(new)
            row = {"new_answer": "", "changed": NAN, "moved": NAN, "correlation": NAN}
            if old.predictions and new.predictions:
                back, row["new_answer"] = classes.answer(new.predictions[0])
                row["changed"] = float(back != old.predictions[0].index)
            probable = old.target.probability is not None and new.target.probability is not None
            self.scores |= {"probability"} if probable else {old.score_kind, new.score_kind}
            for which, one in (("old_score", old), ("new_score", new)):
                row[which] = one.target.probability if probable else one.score
            if index is None or wanted is not None:
                row["moved"], row["correlation"] = _compared(old, new, (samples[0], sample))
            else:
                row["new_score"] = NAN
                self._tell(
                    side, "class", f"it has no {old.target.label}, so there is no map of it to compare"
                )
            rows.append(row)
        self._note(samples)
        best, second = [label(one.index, one.name) for one in old.predictions[:1]], [*rows, {}][1]
        return Change(
            source=name,
            number=number,
            old_answer="".join(best),
            explained=old.target.label,
            second_changed=second.get("changed", NAN),
            second_moved=second.get("moved", NAN),
            **rows[0],
        )

    def _note(self, samples: Sequence[Sample]) -> None:
        fitted = samples[0].geometry
        for side, one, sample in zip(self.sides, self.maps, samples, strict=True):
            if side.borrowed and sample.geometry:
                self._tell(
                    side,
                    "preprocess",
                    "it does not declare its preprocessing; its pictures are prepared as for the other model",
                )
            if fitted and sample.geometry and sample.geometry.size != fitted.size:
                sizes = ["×".join(map(str, how.size)) for how in (sample.geometry, fitted)]
                self._tell(side, "size", f"it sees {sizes[0]} pixels, the old one {sizes[1]}")
            if not one.heatmap.any():
                self._tell(side, "blank map", "if the other map is not blank, all evidence counts as moved")
            for note in one.diagnostics:
                if note.code != "picture-note" or one is self.maps[0]:  # the others see the same picture
                    self._tell(side, note.code, note.message)

    def _tell(self, side: Side, code: str, text: str) -> None:
        self.told.setdefault((side.name, code), {})[len(self.changes)] = text

    def result(self) -> Diff:
        """Return what was found, or raise why the first picture could not be compared if none could."""
        if not self.changes:
            raise next(iter(self.failures.values()))
        overall, classes = summed(self.changes, len(self.sides) > 2)
        old, new, second = (*(side.title for side in self.sides), "")[:3]
        made = {
            name: v for side in self.sides for name, v in versions(side.explain.engine.versions()).items()
        }
        made |= {f"{side.name} preprocess": side.explain.preprocessing.name for side in self.sides}
        notes = [note for found in self.matches for note in found.notes]
        for which in ("old", "new"):
            answers = {getattr(one, f"{which}_answer") for one in self.changes}
            if len(self.changes) > 1 and len(answers) == 1 and answers != {""}:
                notes.insert(0, f"the {which} model answers {answers.pop()} on every picture")
        for (name, code), texts in self.told.items():
            how_many = f"{len(texts)} of {len(self.changes)} pictures"
            notes.append(f"the {name} model, {code}: {next(iter(texts.values()))} ({how_many})")
        return Diff(
            old=old,
            new=new,
            second=second,
            pictures=tuple(
                sorted(self.changes, key=lambda one: (math.isnan(one.moved), -np.nan_to_num(one.moved)))
            ),
            overall=overall,
            classes=classes,
            method=self.maps[0].method_title,
            layers=tuple(one.layer.path for one in self.maps),
            score=" and ".join(sorted(self.scores)),
            notes=tuple(notes),
            failures={name: str(error) for name, error in self.failures.items()},
            provenance={**made, "seed": self.sides[0].explain.settings.seed},
            strips={number: self.strips[place, number] for place, number in sorted(self.strips)},
        )


def _compared(old: Explanation, new: Explanation, samples: Sequence[Sample]) -> tuple[float, float]:
    """Return how much moved, and the rank correlation over what at least one of the two models sees."""
    one, other = old.heatmap, new.heatmap
    if one.shape != other.shape:
        raise ImageError(f"the maps have the shapes {one.shape} and {other.shape}; pass pictures")
    views = [sample.geometry.view for sample in samples if sample.geometry and sample.windows is None]
    if len(views) == len(samples):
        (top, left), (bottom, right) = np.min(views, axis=0)[:2], np.max(views, axis=0)[2:]
        one, other = (heat[..., top:bottom, left:right] for heat in (one, other))
    return moved(one, other), correlation(one, other)


def strip(old: Explanation, new: Explanation) -> np.ndarray:
    """Return the picture, the old map on it and the new map on it, side by side, (H, W, 3) uint8."""
    from PIL import Image

    tiles = []
    for pixels in (photo_of(old), *(one.render("overlay", min_size=SIDE) for one in (old, new))):
        height, width = (max(round(n * SIDE / max(pixels.shape[:2])), 1) for n in pixels.shape[:2])
        how = Image.Resampling.BOX if max(pixels.shape) > SIDE else Image.Resampling.NEAREST
        tiles.append(np.asarray(Image.fromarray(pixels).resize((width, height), how)))
    return grid(tiles, ["picture", "old model", "new model"], 3)
