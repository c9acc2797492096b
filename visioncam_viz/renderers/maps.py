"""The map in colours: alone, over the photo, and next to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from visioncam_core.options import in_range, option
from visioncam_viz.drawing.colour import ColourMap
from visioncam_viz.drawing.options import ALPHA, BANDS, COLORBAR, COLORMAP, MIN_SIZE, TITLE
from visioncam_viz.drawing.present import MAP, ON_PHOTO, PHOTO, present_map

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation


@attrs.frozen
class _Map:
    pictures: ClassVar[tuple[str, ...]]

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation.

        Args:
            explanation: of a picture, a signal (drawn as a line on a ribbon), a volume (three planes through
                the strongest evidence) or a video (six frames).

        Returns:
            (H, W, 3) uint8 ndarray, RGB.

        Raises:
            ImageError: the map is empty, or not on the picture's grid.
            OptionError: a band that the picture does not have.
        """
        return present_map(explanation, self, self.pictures)


@attrs.frozen
class Heatmap(_Map):
    """Each value in its colour; nothing of the photo.

    The picture has the photo's own size unless `min_size`, a title or a colour bar ask for
    more; then a small one is enlarged in whole steps, to at least 320 pixels.

    Attributes:
        colormap: a matplotlib colour map, or its name; "auto" is inferno, or RdBu_r for signed maps.
        colorbar: draw the scale below.
        title: write class, probability, method and layer above.
        min_size: pixels that the longer side shall have at least.
    """

    colormap: ColourMap = COLORMAP
    colorbar: bool = COLORBAR
    title: bool = TITLE
    min_size: int = MIN_SIZE
    pictures: ClassVar[tuple[str, ...]] = (MAP,)


@attrs.frozen
class Overlay(_Map):
    """The map's colours blended over the photo.

    A pixel's opacity follows the evidence (`by_value`): it is `alpha` where the evidence is
    strongest and falls smoothly to nothing, so that the photo is untouched where there is none.
    (In volumes, signals and files of earlier versions it is `alpha` from half of the strongest
    upwards.)  With `by_value=False` it is `alpha` everywhere: `alpha=0` gives the photo, `alpha=1`
    the colour map.  Between a layer's positions the map is drawn as a Catmull-Rom spline; a thin
    frame surrounds the part of the photo that the model saw, if it did not see all of it.  Sizes
    are as in `Heatmap`.

    Attributes:
        colormap: a matplotlib colour map, or its name; "auto" is inferno, or RdBu_r for signed maps.
        alpha: opacity of the colours, 0 to 1.
        threshold: share of the strongest evidence under which the photo is untouched.
        by_value: opacity grows with the evidence.
        colorbar: draw the scale below.
        title: write class, probability, method and layer above.
        min_size: pixels that the longer side shall have at least.
        bands: bands shown as red, green and blue.
    """

    colormap: ColourMap = COLORMAP
    alpha: float = ALPHA
    threshold: float = option(
        0.0, help="leave the photo untouched below this share of the strongest", validator=in_range(0, 1)
    )
    by_value: bool = option(True, help="let low evidence tint the photo less")
    colorbar: bool = COLORBAR
    title: bool = TITLE
    min_size: int = MIN_SIZE
    bands: tuple[int, int, int] | None = BANDS
    pictures: ClassVar[tuple[str, ...]] = (ON_PHOTO,)


@attrs.frozen
class SideBySide(_Map):
    """Photo and overlay, for a reader who wants to see what is under the colours.

    Attributes:
        colormap: a matplotlib colour map, or its name; "auto" is inferno, or RdBu_r for signed maps.
        alpha: opacity of the colours, 0 to 1.
        labels: label each picture below.
        colorbar: draw the scale below.
        title: write class, probability, method and layer above.
        min_size: pixels that the longer side of each picture shall have at least.
        bands: bands shown as red, green and blue.
    """

    colormap: ColourMap = COLORMAP
    alpha: float = ALPHA
    labels: bool = option(False, help="label each picture below")
    colorbar: bool = COLORBAR
    title: bool = TITLE
    min_size: int = MIN_SIZE
    bands: tuple[int, int, int] | None = BANDS
    pictures: ClassVar[tuple[str, ...]] = (PHOTO, ON_PHOTO)


@attrs.frozen
class Triptych(_Map):
    """What the model saw, what the method says, and both together, with title and scale.

    Attributes:
        colormap: a matplotlib colour map, or its name; "auto" is inferno, or RdBu_r for signed maps.
        alpha: opacity of the colours over the photo, 0 to 1.
        labels: label each picture below.
        colorbar: draw the scale below.
        title: write class, probability, method and layer above.
        min_size: pixels that the longer side of each picture shall have at least.
        bands: bands shown as red, green and blue.
    """

    colormap: ColourMap = COLORMAP
    alpha: float = ALPHA
    labels: bool = option(True, help="label each picture below")
    colorbar: bool = option(True, help="draw the scale below the picture")
    title: bool = option(True, help="write class, probability, method and layer above the picture")
    min_size: int = MIN_SIZE
    bands: tuple[int, int, int] | None = BANDS
    pictures: ClassVar[tuple[str, ...]] = (PHOTO, MAP, ON_PHOTO)
