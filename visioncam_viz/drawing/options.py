"""Options that several renderers have: one wording and one rule each."""

from __future__ import annotations

from typing import Any

from visioncam_core.options import in_range, option
from visioncam_viz.drawing.colour import known_colormap

LOOKS = ("title", "colorbar", "min_size", "bands", "labels")
COLORMAP = option("auto", help="matplotlib colour map, or auto", validator=known_colormap)
COLORBAR = option(False, help="draw the scale below the picture")
TITLE = option(False, help="write class, probability, method and layer above the picture")
MIN_SIZE = option(
    0, help="enlarge small pictures to at least this size", unit="pixels", validator=in_range(0, 4096)
)
BANDS = option(None, help="bands to show as red, green and blue, such as 3,2,1; chosen by default")
ALPHA = option(0.7, help="opacity of the colours", validator=in_range(0, 1))
SMALL = 100  # pixels of the longer side under which lines are as thin as can be, so that they hide little
AXIS = option(0, help="axis to cut across", choices=(0, 1, 2))


def looks(renderer: object) -> dict[str, Any]:
    """Return the options of this renderer that `present` takes as they are."""
    return {name: getattr(renderer, name) for name in LOOKS if hasattr(renderer, name)}
