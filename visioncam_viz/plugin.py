"""The table of contents: every built-in renderer, one row each."""

from __future__ import annotations

from visioncam_core.hookspecs import hookimpl
from visioncam_core.specs import RendererSpec


@hookimpl
def visioncam_register_renderers() -> list[RendererSpec]:
    """Return one row for each built-in renderer."""
    from visioncam_viz.renderers.boxes import Boxes
    from visioncam_viz.renderers.contour import Contour
    from visioncam_viz.renderers.maps import Heatmap, Overlay, SideBySide, Triptych
    from visioncam_viz.renderers.masked import Masked
    from visioncam_viz.renderers.regions import Bars, RegionColours
    from visioncam_viz.renderers.sheet import Sheet
    from visioncam_viz.renderers.signed import Signed
    from visioncam_viz.renderers.spotlight import Spotlight
    from visioncam_viz.renderers.volumes import Planes, Projection, Slices

    return [
        RendererSpec("overlay", Overlay, "Overlay",
                     reference="the saliency picture of Selvaraju et al. 2017, arXiv:1610.02391",
                     summary="the map over the photo; low evidence does not tint it", aliases=("saliency",)),
        RendererSpec("heatmap", Heatmap, "Heat map",
                     summary="the map alone, in colours, on the picture's pixels"),
        RendererSpec("spotlight", Spotlight, "Spotlight",
                     summary="the photo in its own colours, dimmed where there is little evidence"),
        RendererSpec("masked", Masked, "Masked",
                     summary="only the part of the photo with the strongest evidence", aliases=("cutout",)),
        RendererSpec("contour", Contour, "Contour lines",
                     summary="the photo with lines of equal evidence", aliases=("contours",)),
        RendererSpec("signed", Signed, "For and against",
                     summary="evidence for in red and against in blue, on a grey photo",
                     aliases=("diverging",)),
        RendererSpec("regions", RegionColours, "Regions",
                     summary="each region in the colour of its contribution, with borders"),
        RendererSpec("bars", Bars, "Bar chart",
                     summary="the largest contributions of regions as bars, with their names",
                     aliases=("barchart",)),
        RendererSpec("boxes", Boxes, "Boxes",
                     summary="a box around each area of evidence, with its share of it"),
        RendererSpec("sidebyside", SideBySide, "Side by side",
                     summary="the photo, and next to it the map over the photo"),
        RendererSpec("triptych", Triptych, "Triptych",
                     summary="photo, map and overlay, with title and scale: a figure for a report"),
        RendererSpec("slices", Slices, "Slices",
                     summary="a volume's slices, or a video's frames, in a grid",
                     aliases=("montage", "frames")),
        RendererSpec("planes", Planes, "Planes",
                     summary="three planes of a volume that meet where the evidence is strongest",
                     aliases=("orthogonal",)),
        RendererSpec("projection", Projection, "Projection",
                     summary="a volume in projection: its brightest values and strongest evidence",
                     aliases=("mip",)),
        RendererSpec("sheet", Sheet, "Contact sheet",
                     summary="a comparison on one page: the photo and every method's map",
                     aliases=("contactsheet",)),
    ]  # fmt: skip
