"""From an explanation to a finished picture: cut, enlarge, paint, lay out, add words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from visioncam_core.display import bands_last, to_rgb
from visioncam_core.results.heat import opaque_from
from visioncam_viz.drawing import caption
from visioncam_viz.drawing.blend import blend
from visioncam_viz.drawing.colour import colour_table, colourise
from visioncam_viz.drawing.grid import crosshair, grid
from visioncam_viz.drawing.options import looks
from visioncam_viz.drawing.panel import NARROWEST, frame, write_note
from visioncam_viz.drawing.scene import Bands, Scene, enlarge, heat_of, is_blank, seen_of, smoothed, steps
from visioncam_viz.drawing.signal_scene import signal_scene
from visioncam_viz.drawing.tile import THINNEST
from visioncam_viz.drawing.volume import Board, board

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation

Paint = Callable[[Scene], np.ndarray]
Cut = Callable[["Explanation"], Board]
SIDE = 256  # pixels that a volume's longest axis gets at least
SMALL = 400  # a slice with an axis this long is not enlarged
PHOTO, MAP, ON_PHOTO = "Input", "Evidence", "Evidence on it"
WIDE = 2.2  # width over height from which on several pictures are stacked


def present(
    explanation: Explanation,
    paint: Paint | Mapping[str, Paint],
    *,
    title: bool,
    colorbar: bool = False,
    table: np.ndarray | None = None,
    min_size: int = 0,
    bands: Bands = None,
    cut: Cut | None = None,
    labels: bool = False,
    on_photo: bool = True,
    note: str = "",
) -> np.ndarray:
    """Paint an explanation and put the picture on its page.

    Args:
        explanation: what to show.
        paint: colours a scene, (H, W, 3) uint8; several, with their names, make a row of pictures.
        title: whether to write target and certainty, method and layer above.
        colorbar: whether to draw the scale below.
        table: (256, 3) uint8 ndarray, the bar's colours.
        min_size: pixels that the longer side shall have at least.
        bands: which of the picture's bands to show.
        cut: cuts a volume into views; the usual ones by default.
        labels: whether to write the names of several pictures below them.
        on_photo: a single blank map leaves the photo as it is; else it is painted as well.
        note: what to write on the lower edge; where the map is blank, that it is.

    Returns:
        (H', W', 3) uint8 ndarray.
    """
    blank = is_blank(explanation)
    note = note or (caption.nothing(explanation) if blank else "")
    words = bool(title or colorbar or labels or note)
    paints = dict(paint) if isinstance(paint, Mapping) else {"": photo_only if blank and on_photo else paint}
    layout = (cut or board)(explanation) if cut or explanation.heatmap.ndim == 3 else None
    pictures = [
        paint_views(
            explanation,
            each,
            min_size=max(min_size, NARROWEST) if words else min_size,
            thinnest=THINNEST if words else 1,
            bands=bands,
            layout=layout,
        )
        for each in paints.values()
    ]
    picture = pictures[0]
    flat = explanation.heatmap.ndim == 2 and len(pictures) == 1
    unit = 0.0
    if not flat:
        height, width = picture.shape[:2]
        columns = 1 if width > WIDE * height else len(pictures)
        unit = max(columns * width / 1000, 1.0)
    if len(pictures) > 1:
        picture = grid(pictures, [name * labels for name in paints], columns, size=round(13 * unit))
    if note:
        picture = write_note(picture, note, below=not flat, unit=unit)
    return frame(picture, explanation, table, title=title, colorbar=colorbar, unit=unit)


def present_map(
    explanation: Explanation,
    renderer: Any,
    pictures: Sequence[str] = (ON_PHOTO,),
    *,
    cut: Cut | None = None,
) -> np.ndarray:
    """Present a map as a renderer's options say; `pictures` are what stands in a row."""
    threshold, by_value = getattr(renderer, "threshold", 0.0), getattr(renderer, "by_value", True)
    table = colour_table(renderer.colormap, signed=explanation.evidence == "signed")
    paints: dict[str, Paint] = {
        PHOTO: photo_only,
        MAP: lambda scene: colourise(scene.heat, table, signed=scene.signed),
        ON_PHOTO: lambda scene: blend(scene, table, renderer.alpha, threshold=threshold, by_value=by_value),
    }
    row = {name: paints[name] for name in pictures}
    return present(
        smoothed(explanation),
        row if len(row) > 1 else row[pictures[0]],
        table=table,
        cut=cut,
        on_photo=MAP not in row,
        **looks(renderer),
    )


def paint_views(
    explanation: Explanation,
    paint: Paint,
    *,
    min_size: int = 0,
    thinnest: int = 1,
    bands: Bands = None,
    layout: Board | None = None,
) -> np.ndarray:
    """Return an explanation painted, without a page; a volume's views in a grid. Else as `present`."""
    if layout is None and explanation.heatmap.ndim == 3:
        layout = board(explanation)
    if layout is None:
        scene = scene_of(explanation, bands)
        scene = enlarge(scene, *steps(scene.heat.shape, min_size, thinnest))
        return scene.finish(paint(scene))
    longest = max(max(view.explanation.heatmap.shape) for view in layout.views)
    factor = max(-(-max(min_size, SIDE) // longest), 1) if longest < SMALL and not layout.sized else 1
    pictures = []
    for view in layout.views:
        picture = paint(enlarge(scene_of(view.explanation, bands), factor, factor))
        if view.marks is not None:
            crosshair(picture, view.marks, factor)
        pictures.append(picture)
    return grid(pictures, [view.label for view in layout.views], layout.columns)


def photo_only(scene: Scene) -> np.ndarray:
    """Paint nothing: the photo as it is."""
    return scene.photo.copy()


def photo_of(explanation: Explanation, bands: Bands = None) -> np.ndarray:
    """Return the explained picture without any heat, (H, W, 3) uint8."""
    return paint_views(explanation, photo_only, bands=bands)


def scene_of(explanation: Explanation, bands: Bands = None) -> Scene:
    """Lay a flat explanation out.

    Args:
        explanation: its `picture` (*grid[, C]) and `heatmap` (*grid) with one or two axes.
        bands: which of the picture's bands to show as red, green and blue.

    Raises:
        ImageError: picture and map differ in shape.
        OptionError: a band that the picture does not have.
    """
    heat = heat_of(explanation)
    signed = explanation.evidence == "signed"
    values = bands_last(np.asarray(explanation.picture), heat.shape)
    if heat.ndim == 1:
        return signal_scene(values, heat, signed)
    original = (explanation.whole or explanation).picture
    photo = to_rgb(values, bands, opacity=original.dtype == np.uint8)
    return Scene(photo, heat, signed, seen=seen_of(explanation), full=opaque_from(explanation))
