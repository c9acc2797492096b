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
    from visioncam_viz.heatmap import Heatmap
    from visioncam_viz.overlay import Overlay
    from visioncam_viz.sheet import Sheet

    return (
        RendererSpec(
            name="heatmap",
            cls=Heatmap,
            title="Heat map",
            summary="the map alone, in colours, on the picture's pixels",
        ),
        RendererSpec(
            name="overlay",
            cls=Overlay,
            title="Overlay",
            reference="the saliency picture of Selvaraju et al. 2017, arXiv:1610.02391",
            summary="the map over the photo; low evidence does not tint it",
            aliases=("saliency",),
        ),
        RendererSpec(
            name="sheet",
            cls=Sheet,
            title="Contact sheet",
            summary="a comparison on one page: the photo and every method's map",
            aliases=("contactsheet",),
        ),
    )
