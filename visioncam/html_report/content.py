"""What a report shows, as small records, made of each comparison at once so that its arrays can be freed."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from visioncam.html_report.data_uris import display_size, labels_uri, map_uri, picture_uri
from visioncam_core.files import without_folders
from visioncam_core.results.areas import mask
from visioncam_core.results.comparison import Comparison, at_layer
from visioncam_core.results.data import Prediction
from visioncam_core.results.describe import lengths_in_text, options_in_text
from visioncam_core.results.diagnostics import Diagnostic
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.heat import opaque_from, smooth
from visioncam_viz.drawing.blend import frame_seen
from visioncam_viz.drawing.present import photo_of as picture_of
from visioncam_viz.drawing.scene import WHOLE, seen_of

SIDE, SMALL_SIDE = 560, 320  # pixels of a photo's longer side
MANY = 100  # more photos than these are shown at the small size
BOXES = 5  # of a map
HEAT, SIGNED, DRAWN = "heat", "signed", "drawn"


@attrs.frozen
class Patch:
    """A box around evidence, in shares of the picture's width and height."""

    left: float
    top: float
    width: float
    height: float
    score: float


SHADES = {"black": "#000", "white": "#fff"}
LARGEST = 5  # regions that are listed


@attrs.frozen
class Parts:
    """The regions of one map, for the pointer."""

    uri: str  # their numbers, see `labels_uri`
    names: tuple[str, ...]  # "row 1, column 2: +0.25"
    shade: str  # colour of a hidden region
    told: str  # what stands in its place, in words
    largest: tuple[str, ...]  # the largest contributions, as in `names`


@attrs.frozen
class Map:
    """One map, or why there is none."""

    method: str  # canonical name
    title: str  # the method's
    uri: str = ""
    layer: str = ""  # its path, and why it
    kind: str = HEAT  # "heat", "signed", or "drawn" (a finished picture: of signals and volumes)
    full: float = 0.5  # share of the strongest evidence from which on a colour is opaque
    failure: str = ""  # why there is no map
    options: str = ""
    seconds: float | None = None  # spent in the method
    passes: int | None = None  # beyond the shared ones
    area: float | None = None  # share of the picture above a fifth of the maximum
    boxes: tuple[Patch, ...] = ()  # around the strongest evidence
    notes: tuple[Diagnostic, ...] = ()
    account: str = ""
    parts: Parts | None = None


@attrs.frozen
class View:
    """One class at one layer, explained with every method."""

    label: str  # the class
    probability: float | None
    score: float
    score_kind: str
    evidence: str  # "for", "against" or "signed"
    layer: str  # its path
    grid: str  # positions of the layer, such as "7×7"
    correlation: float | None  # mean rank correlation between the methods
    maps: tuple[Map, ...]  # one a method

    @property
    def notes(self) -> int:
        """Number of different diagnostics."""
        return len({note for one in self.maps for note in one.notes})


@attrs.frozen
class Photo:
    """One photo."""

    name: str  # its file's
    uri: str  # as it is shown
    width: int  # of what is shown, pixels
    height: int  # of what is shown, pixels
    size: str  # its own, in words
    predictions: tuple[Prediction, ...]
    probabilities: bool  # whether the predictions are probabilities
    views: tuple[View, ...]  # classes and layers


def photo_of(rows: Sequence[Comparison], side: int = SIDE) -> Photo | None:
    """Return the record of one picture's comparisons, one for each class and layer; None without a map.

    The longer side of the shown photo has at most `side` pixels.
    """
    worked = [one for row in rows for one in row.explanations]
    if not worked:
        return None
    first = worked[0]
    pixels = picture_of(first)
    cropped = pixels.ndim == 3 and seen_of(first) != WHOLE
    if cropped:
        pixels = np.array(pixels)
        frame_seen(pixels, seen_of(first))
    width, height = display_size(pixels.shape, side)
    shape = first.heatmap.shape
    lengths = reversed(shape) if len(shape) == 2 else shape
    return Photo(
        name=str(first.provenance.get("source", "array")),
        uri=picture_uri(pixels, side),
        width=width,
        height=height,
        size=" × ".join(map(str, lengths)) + ", the model sees what is framed" * cropped,
        predictions=first.predictions,
        probabilities=first.probabilities,
        views=tuple(_view(row) for row in rows if row.explanations),
    )


def _view(row: Comparison) -> View:
    first = at_layer(row)
    mean = row.correlations().mean if len(row) > 1 else float("nan")
    maps = [_map(one, row.seconds.get(one.method), row.passes.get(one.method)) for one in row.explanations]
    maps += [Map(name, name, failure=without_folders(why)) for name, why in row.failures.items()]
    return View(
        label=first.target.label,
        probability=first.target.probability,
        score=first.score,
        score_kind=first.score_kind,
        evidence=first.evidence,
        layer=first.layer.path,
        grid=lengths_in_text(first.layer.grid),
        correlation=mean if np.isfinite(mean) else None,
        maps=tuple(maps),
    )


def _map(one: Explanation, seconds: float | None, passes: int | None) -> Map:
    flat, signed = one.heatmap.ndim == 2, one.evidence == "signed"
    return Map(
        method=one.method,
        title=one.method_title,
        layer=f"{one.layer.path}: {one.layer.why}",
        uri=map_uri(smooth(one), signed) if flat else picture_uri(one.render("overlay"), SIDE),
        kind=(SIGNED if signed else HEAT) if flat else DRAWN,
        full=opaque_from(one),
        options=options_in_text(
            {name: without_folders(str(value))[:80] for name, value in one.options.items()}
        ),
        seconds=seconds,
        passes=passes,
        area=float(np.mean(mask(one.heatmap))),
        boxes=_patches(one) if flat else (),
        notes=tuple(
            Diagnostic(note.code, without_folders(note.message), without_folders(note.fix))
            for note in one.diagnostics
        ),
        account=str(one.account or ""),
        parts=_parts(one) if one.regions is not None and flat else None,
    )


def _parts(one: Explanation) -> Parts:
    assert one.regions is not None
    kind = "" if one.account is None else one.account.baseline
    rows = {number: f"{name}: {value:+.3g}" for number, name, value in one.regions.rows()}
    same = kind in ("black", "grey", "white")
    return Parts(
        uri=labels_uri(one.regions.labels),
        names=tuple(rows[i] for i in range(len(rows))),
        shade=SHADES.get(kind, "#808080"),
        told="without it" if same else f"without it; shown in grey, where the method put {kind}",
        largest=tuple(rows.values())[:LARGEST],
    )


def _patches(one: Explanation) -> tuple[Patch, ...]:
    height, width = one.heatmap.shape
    return tuple(
        Patch(box.left / width, box.top / height, box.width / width, box.height / height, box.score)
        for box in one.boxes()[:BOXES]
    )
