"""What a class's score loses when a place is hidden: the counterfactual of a finding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import attrs
import numpy as np
from scipy.ndimage import gaussian_filter

from visioncam.auditing.look import Look, view_of
from visioncam.auditing.places import on, summed
from visioncam.auditing.stand_out import Finding
from visioncam_core.images.sample import Sample
from visioncam_core.metrics.intervals import interval
from visioncam_core.ops import to_numpy
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.gather import gather
from visioncam_core.resize import resize

BLUR, MARGIN = 6.0, 3  # cells of `places.SIDE`: of the blur, and hidden around a place


def with_drops(
    explain: Explainer,
    findings: Sequence[Finding],
    wanted: Mapping[str, Sequence[str]],
    groups: Sequence[str],
    items: Sequence[Sample],
    looks: Sequence[Look],
) -> Iterator[Finding]:
    """Yield the findings, with what hiding the found ones costs on the pictures of their group.

    `explain` has no methods, so that no map is made; `wanted` are the found places of each group.
    """
    rows: dict[str, list[np.ndarray]] = defaultdict(list)
    for group, item, look in zip(groups, items, looks, strict=True):
        index, classes = look.explanation.target.index, look.explanation.predictions
        if group in wanted and index is not None and classes and look.heat.any():
            rows[group].append(hidden(explain, item, look.shape, index, wanted[group]))
    for one in findings:
        if one.found and rows[one.explained]:
            clean, *without = np.transpose(rows[one.explained])
            lost = clean - without[wanted[one.explained].index(one.place)]
            one = attrs.evolve(one, drop=interval(lost, (float(clean.min()) - 1, 1.0)))
        yield one


def hidden(
    explain: Explainer, item: Sample, shape: tuple[int, int], index: int, places: Sequence[str]
) -> np.ndarray:
    """Return (1 + P,) the probability of a class, on a picture of `shape` and with each place hidden.

    A hidden place shows its surroundings, blurred, on the model's own input; all go in one batch.  Of a
    picture in windows the mean over the windows counts.
    """
    view = view_of(item)
    masks = np.zeros((len(places), *shape), np.int8)
    for mask, place in zip(masks, places, strict=True):
        mask[view] = on(place, mask[view].shape, MARGIN)
    total = np.zeros(1 + len(places))
    boxes = [(0, 0, *shape)] if item.windows is None else item.windows.boxes
    for (top, left, bottom, right), part in zip(boxes, item.parts(), strict=True):
        batch = next(explain.batch([part], [0]).places())[1]
        passes = batch.view.passes(batch.layers[0], None, explain.settings.budget)
        with explain.engine.running(explain.model):
            evidence = gather(batch, passes, [[index]])[0].evidence
            x = np.asarray(to_numpy(evidence.inputs)[0], np.float32)
            versions = [x]
            for mask in masks[:, top:bottom, left:right]:
                there = mask if part.geometry is None else part.geometry.to_input(mask)
                versions.append(without(x, there > 0))
            made = np.stack(versions)
            total += to_numpy(evidence.score_inputs(made.__getitem__, len(made), "probability"))
    return total / len(boxes)


def without(x: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Return a picture (h, w, C) with the pixels of `hidden` (h, w) as their surroundings, blurred."""
    seen = np.where(hidden[..., None], 0, x)
    parts = [*np.moveaxis(seen, -1, 0), (~hidden).astype(np.float32)]
    *values, weight = (gaussian_filter(summed(part), BLUR, mode="constant") for part in parts)
    blurred = np.stack([value / np.maximum(weight, 1e-12) for value in values])
    return np.where(hidden[..., None], np.moveaxis(resize(blurred, hidden.shape), 0, -1), x).astype(x.dtype)
