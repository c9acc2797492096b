"""What is seen of each picture of a data set, and what makes all of its maps worthless."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam.auditing.places import means, strong_edges
from visioncam.evaluation.truth import name_of, regions
from visioncam_core.errors import ImageError, OptionError
from visioncam_core.images.sample import Read, Sample
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.results.agreement import ROUNDING
from visioncam_core.results.explanation import Explanation
from visioncam_core.targets.resolve import one_each

Random = Callable[[Sample, Any], np.ndarray | None]
"""(picture, target) -> (H, W) map of the randomised model, or None where it makes none."""
FLAT = 1 / 255  # of a map's maximum: what is not seen


@attrs.frozen(eq=False)
class Look:
    """What was seen of one picture, on the part that the model sees."""

    explanation: Explanation  # without pixels
    label: str
    heat: np.ndarray  # (SIDE, SIDE) means of its map
    random: np.ndarray  # of the randomised model's; NaN where there is none
    strong: np.ndarray  # of strong edges
    shape: tuple[int, int]  # of the picture
    flat: bool  # the map has one value everywhere
    mask: np.ndarray | None  # of the object
    area: float  # of the object; 0 where nobody said where it is
    outside: float  # share of the map outside it; NaN where nobody said


def view_of(item: Sample) -> tuple[slice, slice]:
    """Return the part of the picture that the model sees; all of it for overlapping windows."""
    if item.geometry is None or item.windows is not None:
        return slice(None), slice(None)
    top, left, bottom, right = item.geometry.view
    return slice(top, bottom), slice(left, right)


def rolled(item: Sample, image: int, axes: tuple[int, int], part: np.ndarray) -> Sample:
    """Return a picture moved around by parts of its sides: what it shows is no longer where it was."""

    def moved(x: np.ndarray) -> np.ndarray:
        return np.roll(x, [int(share * x.shape[axis]) for share, axis in zip(part, axes, strict=True)], axes)

    flat = (*item.flat[:image], moved(item.flat[image]), *item.flat[image + 1 :])
    windows = item.windows
    if windows is not None:
        cut = windows.cut
        windows = attrs.evolve(windows, cut=lambda box: moved(cut(box)))
    return attrs.evolve(item, flat=flat, windows=windows)


def looks_of(
    explain: Explainer, random: Random | None, items: Sequence[Sample], placed: Sequence[Any], target: Any
) -> Iterator[Look]:
    """Yield what is seen of each picture, one after the other: memory need not hold all maps."""
    for number, (item, mine) in enumerate(zip(items, one_each(target, len(items)), strict=True)):
        read, view = Read([item], True), view_of(item)
        one = explain(read, mine)
        if isinstance(one, list):
            raise OptionError(f"an audit explains one class of each picture; received target={target!r}")
        heat, there = np.abs(one.heatmap), None
        if heat.ndim != 2:
            raise ImageError(f"an audit takes pictures with two axes; this map has shape {heat.shape}")
        if random is not None:
            there = random(item, mine if one.target.index is None else one.target.index)
        there = np.full(heat.shape, np.nan) if there is None else there
        mask, area, outside = None, 0.0, float("nan")
        if placed[number] is not None:
            mask = np.logical_or.reduce(regions(placed[number], heat.shape, name_of(item, number)))[view]
            area = float(mask.mean())
        seen = heat[view] if np.isfinite(one.score) else np.zeros_like(heat[view])
        top, low = float(seen.max(initial=0.0)), float(seen.min(initial=np.inf))
        if mask is not None and top > 0:
            outside = float(seen[~mask].sum(dtype=np.float64) / seen.sum(dtype=np.float64))
        grey = np.asarray(one.picture, np.float64)
        grey = (grey.mean(axis=-1) if grey.ndim == 3 else grey)[view]
        nothing = np.zeros(0)  # pixels are not kept
        yield Look(
            attrs.evolve(one, raw=nothing, heatmap=nothing, picture=nothing, regions=None, whole=None),
            one.target.label, means(seen), means(there[view]), means(strong_edges(grey)),
            heat.shape, top > 0 and top - low <= FLAT * top, None if mask is None else means(mask),
            area, outside,
        )  # fmt: skip


def why_worthless(looks: Sequence[Look], moves: Callable[[], float]) -> list[str]:
    """Return why no map of this data set says anything about places, or nothing.

    `moves` says how far the class's probability moves when parts of the first picture are hidden: pictures
    may have one answer by chance.
    """
    found = []
    first, *others = looks
    unlike = [first, *(one for one in others if (one.strong != first.strong).any())]
    scores = np.array([one.explanation.score for one in looks])
    if not np.isfinite(scores).any():
        found.append("the score is not a finite number for any picture: the model is broken")
    answers = [(one.explanation.score, *_values(one.explanation)) for one in unlike]
    even = len(unlike) > 1 and len(set(map(len, answers))) == 1
    if even and np.allclose(answers, answers[0], rtol=ROUNDING, atol=0) and moves() <= ROUNDING:
        found.append(
            f"the model gives the same answer for every picture ({first.label}, "
            f"{first.explanation.score_kind} "
            f"{scores[0]:.4g}): it ignores them, so where its evidence lies is meaningless"
        )
    if all(one.flat or not one.heat.sum() > 0 for one in looks):
        what = "blank or has" if any(not one.flat for one in looks) else "flat: it has"
        found.append(f"every map is {what} one value everywhere; choose another layer or method")
    shapes = [one.heat / one.heat.sum() for one in unlike if one.heat.sum() > 0]
    if len(shapes) > 1 and not found and np.ptp(shapes, axis=0).max() <= ROUNDING * shapes[0].max():
        found.append("the map is the same for every picture: it does not show what the model looks at")
    return found


def _values(explanation: Explanation) -> list[float]:
    return [one.value for one in sorted(explanation.predictions, key=lambda one: one.index)]


def flaws(looks: Sequence[Look], truth: bool) -> list[str]:
    """Return what is wrong with single pictures; `truth` is whether objects were marked at all."""
    broken = [not np.isfinite(one.explanation.score) for one in looks]
    counts = {
        "pictures have a score that is not finite, and are left out": sum(broken),
        "maps are blank": sum(one.heat.sum() == 0 for one in looks),
        "maps are flat: they have one value everywhere": sum(one.flat for one in looks),
        "pictures have no marked object, and are left out of classes where others have one": sum(
            truth and one.mask is None for one in looks
        ),
    }
    return [f"{n} of {len(looks)} {what}" for what, n in counts.items() if n]
