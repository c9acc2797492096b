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

    return (
        RendererSpec(
            name="overlay",
            cls=Overlay,
            title="Overlay",
            reference="the saliency picture of Selvaraju et al. 2017, arXiv:1610.02391",
            summary="the map over the photo; low evidence does not tint it",
            aliases=("saliency",),
        ),
        RendererSpec(
            name="heatmap",
            cls=Heatmap,
            title="Heat map",
            summary="the map alone, in colours, on the picture's pixels",
        ),
        RendererSpec(
            name="spotlight",
            cls=Spotlight,
            title="Spotlight",
            summary="the photo in its own colours, dimmed where there is little evidence",
        ),
        RendererSpec(
            name="masked",
            cls=Masked,
            title="Masked",
            summary="only the part of the photo with the strongest evidence",
            aliases=("cutout",),
        ),
        RendererSpec(
            name="contour",
            cls=Contour,
            title="Contour lines",
            summary="the photo untouched but for lines of equal evidence",
            aliases=("contours",),
        ),
        RendererSpec(
            name="signed",
            cls=Signed,
            title="For and against",
            summary="evidence for in red and against in blue, on a grey photo",
            aliases=("diverging",),
        ),
        RendererSpec(
            name="boxes",
            cls=Boxes,
            title="Boxes",
            summary="a box around each place with evidence, with its share of it",
        ),
        RendererSpec(
            name="sidebyside",
            cls=SideBySide,
            title="Side by side",
            summary="the photo, and beside it the map over the photo",
        ),
        RendererSpec(
            name="triptych",
            cls=Triptych,
            title="Triptych",
            summary="photo, map and overlay, with title and scale: a figure for a report",
        ),
        RendererSpec(
            name="slices",
            cls=Slices,
            title="Slices",
            summary="a volume's slices, or a video's frames, in a grid",
            aliases=("montage", "frames"),
        ),
        RendererSpec(
            name="planes",
            cls=Planes,
            title="Planes",
            summary="three planes of a volume that meet where the evidence is strongest",
            aliases=("orthogonal",),
        ),
        RendererSpec(
            name="projection",
            cls=Projection,
            title="Projection",
            summary="a volume seen through: its brightest values and strongest evidence",
            aliases=("mip",),
        ),
        RendererSpec(
            name="sheet",
            cls=Sheet,
            title="Contact sheet",
            summary="a comparison on one page: the photo and every method's map",
            aliases=("contactsheet",),
        ),
    )
