"""`visioncam.audit`: class-mean maps, energy where no object is, suspicious pictures first, clusters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import attrs
import numpy as np

from visioncam.auditing.findings import Audit, Audited, Finding
from visioncam.auditing.places import Places, fair, places
from visioncam.evaluation.truth import marks, regions
from visioncam_core.errors import ImageError, OptionError
from visioncam_core.images.reader import Read
from visioncam_core.images.sample import Sample
from visioncam_core.metrics.chance import fewest
from visioncam_core.metrics.intervals import interval
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request
from visioncam_core.resize import resize
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.provenance import versions

COMMON = (64, 64)
COARSE = (12, 12)  # maps are clustered at this size
SUSPECT = 2.0  # times what a uniform map has: from here on a class is a finding


def audit(
    model: Any,
    images: Any,
    method: str | object = "gradcam",
    *,
    truth: Any = None,
    target: Any = None,
    clusters: int = 0,
    **keywords: Any,
) -> Audit:
    """Look through a data set for evidence where no object is.

    All shares are of the part that the model sees: of a centre crop, its own border and corners.

    A class is a finding where the share of its evidence on the border or in one corner is, with its whole
    95 % interval over six pictures or more, more than twice what an even map has there.  It may be
    a watermark, a date, a tag, a frame; or objects that do lie there: look at the pictures.

    Args:
        model: a PyTorch module or a built Keras model; it is not changed.
        images: a list of pictures or model inputs.
        method: as in `explain`.
        truth: for each picture where the object is: a mask of its pixels, a box (left, top, right, bottom), a
            list of boxes, or None.
        target: as in `explain`; the top class by default.
        clusters: how many clusters of maps to make, 0 for none; needs scikit-learn.
        **keywords: the other keywords of `explain`, and the method's options.

    Returns:
        Findings about classes, and the pictures, the most suspicious first.

    Raises:
        ImageError: a map without two axes, or truth that does not fit its picture.
        OptionError: clusters are asked for and scikit-learn is not installed.
    """
    explain = Explainer.of(model, Request.of([method], keywords))
    items, _ = explain.reader.read(images)
    masks = marks(truth, len(items))
    found, maps = [], []
    for number, explanation in enumerate(_explain_each(explain, items, target)):
        heat = np.abs(explanation.heatmap)
        if heat.ndim != 2:
            raise ImageError(f"an audit looks at pictures with two axes; this map has shape {heat.shape}")
        mask, view = _mask(masks[number], heat.shape, items[number]), _view(items[number])
        heat = heat[view]
        where = places(heat, _grey(explanation)[view], None if mask is None else mask[view])
        suspicion, why = worst_place(where, heat.shape)
        source = str(explanation.provenance.get("source", number))
        label = source if source != "array" else f"image {number}"
        found.append(Audited(label, number, explanation.target.label, where, suspicion, why))
        maps.append(resize(heat, COMMON))
        layer, name = str(explanation.layer.path), explanation.method
    means = _means(found, maps)
    notes = tuple(f"{n} maps are blank" for n in [sum(np.isnan(one.suspicion) for one in found)] if n)
    if clusters:
        found = _add_clusters(found, maps, clusters)
    ranked = sorted(found, key=lambda one: (np.isnan(one.suspicion), -one.suspicion, one.number))
    made = {
        **versions(explain.engine.versions()),
        "model": explain.hints.title,
        "seed": explain.settings.seed,
    }
    return Audit(tuple(ranked), tuple(_findings(found)), means, name, layer, notes, made)


def worst_place(where: Places, shape: tuple[int, ...]) -> tuple[float, str]:
    """Return how many times more than a uniform map lies on the worst place, and which that is."""
    border, corner = fair(shape)
    ratios = {"the border": where.border / border, f"the {where.which} corner": where.corner / corner}
    if np.isnan(where.border):
        return float("nan"), "the map is blank"
    why = max(ratios, key=lambda name: ratios[name])
    if where.outside > 0.5 and 2 * where.outside > ratios[why]:
        return 2 * where.outside, "outside the object"
    return ratios[why], why


def _explain_each(explain: Explainer, items: list[Any], target: Any) -> Iterator[Explanation]:
    """Yield the explanations of single pictures, so that memory need not hold a whole data set."""
    several = isinstance(target, list | tuple | np.ndarray)
    if several and len(target) != len(items):
        raise OptionError(f"{len(target)} targets for {len(items)} pictures; pass one each, or one for all")
    for number, item in enumerate(items):
        yield from explain(Read([item], False), [target[number]] if several else target)


def _findings(found: Iterable[Audited]) -> list[Finding]:
    by_class: dict[str, list[Audited]] = defaultdict(list)
    for one in found:
        if not np.isnan(one.suspicion):
            by_class[one.explained].append(one)
    result = []
    for name, members in by_class.items():
        corners: dict[str, list[float]] = {"the border": [one.places.border for one in members]}
        for which in dict.fromkeys(one.places.which for one in members):
            shares = [one.places.corner if one.places.which == which else 0.0 for one in members]
            corners[f"the {which} corner"] = shares
        even = dict(zip(("border", "corner"), fair(COMMON), strict=True))
        for place, shares in corners.items():
            expected = even["border" if place == "the border" else "corner"]
            found_share = interval(np.array(shares), (0.0, 1.0))
            if found_share.count >= fewest() and found_share.low > SUSPECT * expected:
                result.append(Finding(name, place, found_share, expected, len(members)))
    return sorted(result, key=lambda one: -one.share.value / one.fair)


def _means(found: list[Audited], maps: list[np.ndarray]) -> dict[str, np.ndarray]:
    by_class: dict[str, list[np.ndarray]] = defaultdict(list)
    for one, heat in zip(found, maps, strict=True):
        by_class[one.explained].append(heat)
    return {name: np.mean(rows, axis=0) for name, rows in sorted(by_class.items())}


def _add_clusters(found: list[Audited], maps: list[np.ndarray], clusters: int) -> list[Audited]:
    try:
        from sklearn.cluster import KMeans
    except ImportError as error:
        raise OptionError(
            "clusters of maps need scikit-learn; install it with `pip install scikit-learn`, or pass "
            "clusters=0"
        ) from error
    if not 2 <= clusters <= len(found):
        raise OptionError(f"clusters must be between 2 and the {len(found)} pictures, received {clusters!r}")
    rows = np.stack([resize(heat, COARSE).ravel() for heat in maps])
    rows = rows / np.maximum(rows.sum(axis=1, keepdims=True), 1e-12)
    labels = KMeans(clusters, n_init=10, random_state=0).fit_predict(rows)
    return [attrs.evolve(one, cluster=int(label)) for one, label in zip(found, labels, strict=True)]


def _mask(mark: Any, shape: tuple[int, ...], item: Sample) -> np.ndarray | None:
    if mark is None:
        return None
    return np.asarray(np.logical_or.reduce(regions(mark, shape, item.source)))


def _view(item: Sample) -> tuple[slice, slice]:
    """Return the part of the picture that the model sees; all of it for overlapping windows."""
    if item.geometry is None or item.windows is not None:
        return slice(None), slice(None)
    top, left, bottom, right = item.geometry.view
    return slice(top, bottom), slice(left, right)


def _grey(explanation: Explanation) -> np.ndarray:
    picture = np.asarray(explanation.picture, np.float64)
    return picture.mean(axis=-1) if picture.ndim == 3 else picture
