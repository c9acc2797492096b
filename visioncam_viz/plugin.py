"""The table of contents: every built-in renderer, one row each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from visioncam_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from visioncam_core.specs import RendererSpec


@hookimpl
def visioncam_register_renderers() -> Iterable[RendererSpec]:
    """Return the built-in renderers' rows; the classes are imported here, when somebody asks."""
    from visioncam_core.specs import RendererSpec
    from visioncam_viz.renderers.boxes import Boxes
    from visioncam_viz.renderers.contour import Contour
    from visioncam_viz.renderers.heatmap import Heatmap
    from visioncam_viz.renderers.masked import Masked
    from visioncam_viz.renderers.overlay import Overlay
    from visioncam_viz.renderers.planes import Planes
    from visioncam_viz.renderers.projection import Projection
    from visioncam_viz.renderers.sheet import Sheet
    from visioncam_viz.renderers.side_by_side import SideBySide
    from visioncam_viz.renderers.signed import Signed
    from visioncam_viz.renderers.slices import Slices
    from visioncam_viz.renderers.spotlight import Spotlight
    from visioncam_viz.renderers.triptych import Triptych

    rows: list[tuple[str, type, str, str, tuple[str, ...]]] = [
        ("overlay", Overlay, "Overlay",
         "the map over the photo; low evidence does not tint it", ("saliency",)),
        ("heatmap", Heatmap, "Heat map",
         "the map alone, in colours, on the picture's pixels", ()),
        ("spotlight", Spotlight, "Spotlight",
         "the photo in its own colours, dimmed where there is little evidence", ()),
        ("masked", Masked, "Masked",
         "only the part of the photo with the strongest evidence", ("cutout",)),
        ("contour", Contour, "Contour lines",
         "the photo untouched but for lines of equal evidence", ("contours",)),
        ("signed", Signed, "For and against",
         "evidence for in red and against in blue, on a grey photo", ("diverging",)),
        ("boxes", Boxes, "Boxes",
         "a box around each place with evidence, with its share of it", ()),
        ("sidebyside", SideBySide, "Side by side",
         "the photo, and beside it the map over the photo", ()),
        ("triptych", Triptych, "Triptych",
         "photo, map and overlay, with title and scale: a figure for a report", ()),
        ("slices", Slices, "Slices",
         "a volume's slices, or a video's frames, in a grid", ("montage", "frames")),
        ("planes", Planes, "Planes",
         "three planes of a volume that meet where the evidence is strongest", ("orthogonal",)),
        ("projection", Projection, "Projection",
         "a volume seen through: its brightest values and strongest evidence", ("mip",)),
        ("sheet", Sheet, "Contact sheet",
         "a comparison on one page: the photo and every method's map", ("contactsheet",)),
    ]  # fmt: skip
    saliency = "the saliency picture of Selvaraju et al. 2017, arXiv:1610.02391"
    return [
        RendererSpec(name, cls, title, saliency if name == "overlay" else "", summary, aliases)
        for name, cls, title, summary, aliases in rows
    ]
