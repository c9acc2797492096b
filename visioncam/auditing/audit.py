"""`visioncam.audit`: places correlated with a class, what hiding them costs, suspicious pictures first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam.auditing.findings import Audit, Audited
from visioncam.auditing.hide import hidden, with_drops
from visioncam.auditing.look import Look, Random, flaws, looks_of, rolled, why_worthless
from visioncam.auditing.places import INNER, PLACES, SIDE, cells
from visioncam.auditing.stand_out import LEAST, Finding, Table, judge, judged, needed
from visioncam.evaluation.randomised import Randomised, checked_copy
from visioncam.evaluation.truth import marks, name_of
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import ModelError, OptionError, VisionCamError
from visioncam_core.images.sample import Read, Sample
from visioncam_core.pipeline.apply import PASSES
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request
from visioncam_core.results.provenance import versions

COARSE = 12  # cells a side, at which maps are clustered
ALL = "all classes"
OUTER = [place for place in PLACES if place not in INNER]


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
    """Search a data set for evidence outside the objects: tags, captions, watermarks, frames.

    It checks the border, four edges, four corners and a grid of places, on the part of the pictures that the
    model sees.  A class is a finding at a place with at least 1.5 times what a uniform map has there, in
    seven pictures of ten and at the same spot, beyond what chance finds in one data set of twenty.  Each is
    hidden on the class's pictures: does the score depend on it?  Objects may be there too: `truth` says
    where.

    Args:
        model: a PyTorch module or a built Keras model; it is not changed.
        images: a list of pictures or model inputs.
        method: as in `explain`.
        truth: for each picture where the object is: a mask of its pixels, a box (left, top, right, bottom), a
            list of boxes, or None.  Evidence there does not count.
        target: as in `explain`; the top class by default.
        clusters: how many clusters of maps to make, 0 for none; needs scikit-learn.
        **keywords: the other keywords of `explain`, and the method's options.

    Returns:
        Findings about classes, and the pictures, the most suspicious first.

    Raises:
        ImageError: a map without two axes, or truth that does not fit its picture.
        OptionError: clusters are requested and scikit-learn is not installed.
    """
    before = COUNTERS.snapshot()
    explain = Explainer.of(model, Request.of([method], keywords))
    items, single = explain.reader.read(images)
    placed = marks([truth] if single and truth is not None else truth, len(items))
    random, notes = _architecture(explain, Read(items, single))
    looks = list(looks_of(explain, random, items, placed, target))
    table = Table.of([one.heat for one in looks], [one.random for one in looks], [one.mask for one in looks])
    bare = explain.with_methods()

    def moves() -> float:
        index, few = looks[0].explanation.target.index, PLACES[:9]
        return 0.0 if index is None else float(np.ptp(hidden(bare, items[0], looks[0].shape, index, few)))

    worthless, groups = why_worthless(looks, moves), [one.label for one in looks]
    few: list[str] = []
    standings: list[Finding] = []
    if not worthless:
        few, groups = _few(groups, table)
        standings = judge(table, groups)
    wanted: dict[str, list[str]] = defaultdict(list)
    for one in standings:
        if one.found:
            wanted[one.explained].append(one.place)
    found = _pictures(looks, items, [wanted.get(group, OUTER) for group in groups], table)
    if worthless:
        found = [attrs.evolve(one, suspicion=float("nan"), why="") for one in found]
    if clusters:
        found = _add_clusters(found, looks, clusters)
    standings = list(with_drops(bare, standings, wanted, groups, items, looks))
    spent, first = COUNTERS.snapshot() - before, looks[0].explanation
    return Audit(
        pictures=tuple(sorted(found, key=lambda one: (np.isnan(one.suspicion), -one.suspicion, one.number))),
        places=tuple(standings),
        class_means=_means(looks, groups),
        method=first.method,
        layer=str(first.layer.path),
        notes=tuple(worthless or (*flaws(looks, truth is not None), *few, *notes)),
        passes=sum(spent[name] for name in PASSES),
        provenance={
            **versions(explain.engine.versions()),
            "model": explain.hints.title,
            "seed": explain.settings.seed,
        },
    )


def _architecture(explain: Explainer, read: Read) -> tuple[Random | None, list[str]]:
    """Return what maps a copy with random weights makes at the same layers, or why there is none."""
    try:
        copy = Randomised.of(checked_copy(explain, read), 1)
    except ModelError as error:
        return None, [f"compared with a uniform map only: {error}"]
    copy.step(1, explain.settings.seed)
    batch = explain.batch([next(read.items[0].parts())], [0])
    same = explain
    if explain.request.looks_at_layers():
        same = explain.with_settings(layer=[one.path for one in batch.layers])
    twin = Explainer.of(copy.model, same.request)
    rng, axes = np.random.default_rng(explain.settings.seed), (2, 3) if batch.view.channels_first else (1, 2)

    def maps(item: Sample, target: Any) -> np.ndarray | None:
        try:
            return np.abs(twin(Read([rolled(item, batch.image, axes, rng.random(2))], True), target).heatmap)
        except VisionCamError:  # random weights may overflow
            return None

    return maps, []


def _few(labels: list[str], table: Table) -> tuple[list[str], list[str]]:
    """Return what too few pictures leave open, and the group of each picture: its class, or all as one."""
    counts = Counter(np.array(labels)[table.counts(np.array(labels))].tolist())
    names, least = judged(list(counts.elements()))
    left = [f"{name} ({counts[name]})" for name in dict.fromkeys(labels) if name not in names]
    if not left:
        return [], labels
    told = ", ".join(left[:5]) + ", ..." * (len(left) > 5)
    note = f"a class with fewer than {least} pictures cannot be judged: {told}"
    if not names and len(left) > 1 and counts.total() >= needed(1):
        return [f"{note}; all classes are judged together"], [ALL] * len(labels)
    return [note], labels


def _pictures(
    looks: Sequence[Look], items: Sequence[Sample], wanted: Sequence[Sequence[str]], table: Table
) -> list[Audited]:
    """Return the pictures, each by the worst of its own wanted places."""
    found = []
    for number, (look, mine) in enumerate(zip(looks, wanted, strict=True)):
        shares = dict(zip(PLACES, map(float, table.shares[number]), strict=True))
        ratios = table.shares[number] / np.maximum(table.even[number], 1e-12)
        ratio, why = max((float(ratios[PLACES.index(place)]), place) for place in mine)
        text = float((look.strong * cells(why)).sum() / cells(why).sum())
        missed = look.area / max(1 - look.outside, look.area / 10) if look.area else 0.0
        if np.isnan(table.shares[number, 0]):
            ratio, why, text = float("nan"), "the map is blank", float("nan")
        elif missed > max(ratio, LEAST):
            ratio, why = missed, "outside the object"
        elif ratio < LEAST:
            why = ""
        found.append(
            Audited(
                name_of(items[number], number), number, look.label, shares, ratio, why, text, look.outside
            )
        )
    return found


def _means(looks: Sequence[Look], groups: Sequence[str]) -> dict[str, np.ndarray]:
    rows: dict[str, list[np.ndarray]] = defaultdict(list)
    for look, group in zip(looks, groups, strict=True):
        for name in {look.label, group}:
            rows[name].append(look.heat)
    return {name: np.mean(rows[name], axis=0) for name in sorted(rows)}


def _add_clusters(found: list[Audited], looks: Sequence[Look], clusters: int) -> list[Audited]:
    try:
        from sklearn.cluster import KMeans
    except ImportError as error:
        raise OptionError(
            "clusters of maps need scikit-learn; install it with `pip install scikit-learn`, or pass "
            "clusters=0"
        ) from error
    if not 2 <= clusters <= len(found):
        raise OptionError(f"clusters must be between 2 and the {len(found)} pictures, received {clusters!r}")
    step = SIDE // COARSE
    rows = np.stack([one.heat.reshape(COARSE, step, COARSE, step).sum((1, 3)).ravel() for one in looks])
    rows = rows / np.maximum(rows.sum(axis=1, keepdims=True), 1e-12)
    labels = KMeans(clusters, n_init=10, random_state=0).fit_predict(rows)
    return [attrs.evolve(one, cluster=int(label)) for one, label in zip(found, labels, strict=True)]
