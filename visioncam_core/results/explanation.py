"""The result: a heat map on the picture, its provenance, and caveats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from visioncam_core.results.areas import SHARE, AreaBox
from visioncam_core.results.areas import boxes as boxes_of
from visioncam_core.results.areas import mask as mask_of
from visioncam_core.results.contours import Contour
from visioncam_core.results.contours import contours as contours_of
from visioncam_core.results.data import ExplanationData
from visioncam_core.results.describe import line, words
from visioncam_core.results.formats.figure import plot_map
from visioncam_core.results.image_files import encode_image
from visioncam_core.results.notebook import explanation_html, show
from visioncam_core.results.render import render
from visioncam_core.results.save import save

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@attrs.frozen(eq=False)
class Explanation(ExplanationData):
    """Why a model decides as it does, for one picture and one method.

    Attributes:
        raw: (*grid) float32, signed, the method's own scale, at the layer's resolution; of a picture in
            windows (`geometry="tile"`) stitched on its pixels.
        heatmap: float32 on the pixels of the picture that was passed in: (H, W), (L,) for signals,
            (D, H, W) for volumes.  In [0, 1]; in [-1, 1] when `evidence` is "signed".  Pixels the model
            never saw (a centre crop) are 0.
        picture: what was passed in, for display: uint8 (H, W, 3) RGB or (H, W), else the float array.
        target: what was explained.
        score: its value.
        score_kind: "logit", "probability" or "output": what the score is.
        predictions: the model's best five classes, best first; empty if the output is not a list of classes.
        probabilities: whether the predictions are probabilities.
        layer: which layer was explained, and why.
        method: canonical name of the method.
        method_title: its title for display.
        options: the method's options.
        evidence: "for", "against" or "signed": which part of the raw map the heat map shows.
        diagnostics: caveats; empty if nothing is wrong.
        provenance: versions, model name, seed, geometry, preprocessing, the affine of a volume.
        account: what the map adds up to and should, and its error; None if the method promises nothing.
        regions: the regions and what each contributed, on the picture's pixels; None without regions.
        whole: the explained volume or video, if this is one slice of it; else None.
    """

    def render(self, renderer: str | object = "overlay", **options: Any) -> np.ndarray:
        """Return the picture a renderer makes of this explanation, (H, W, 3) uint8 RGB.

        Args:
            renderer: a name of `visioncam.renderers()`, or a renderer object.
            options: the renderer's options.

        Raises:
            NameNotFoundError: an unknown renderer.
            OptionError: an unknown option or a value out of its range.
        """
        return render(self, renderer, options)

    def save(self, path: str | Path, renderer: str | object = "overlay", **options: Any) -> Path:
        """Write a file and return its path; never half a file.

        Args:
            path: its suffix says what is written.  `.png`, `.jpg`, `.webp`: the rendered picture.
                `.pdf`, `.svg`: a figure for a paper, its words as text.  `.gif`, `.mp4`: a volume slice by
                slice, or a video frame by frame.  `.npz`: everything, for `visioncam.load`.  `.nii`,
                `.nii.gz`: the heat map in the space of the volume; `.npy`: the heat map alone.
                `.mask.png`, `.json` (COCO), `.csv`, `.txt` (YOLO): the areas above a threshold.
            renderer: of pictures and animations, as in `render`.
            options: the renderer's, or the file format's (`threshold`, `min_area`, ...).  `width_cm` and
                `dpi` make a figure of a `.png`, `.jpg` or `.webp`, too.

        Raises:
            OutputError: the suffix is unknown, or the folder or file cannot be written.
            OptionError: an unknown option or a value out of its range.
        """
        return save(self, path, renderer, options)

    def plot(
        self,
        ax: Axes | None = None,
        renderer: str | object = "overlay",
        *,
        title: bool = True,
        colorbar: bool = True,
        **options: Any,
    ) -> Axes:
        """Draw it on Matplotlib axes and return them.

        Args:
            ax: your own axes; pyplot's current ones by default.
            renderer: as in `render`.
            title: write class, probability and method above.
            colorbar: draw the scale on the right.
            options: the renderer's options.
        """
        return plot_map(self, ax, renderer, title, colorbar, options)

    def mask(self, threshold: float | str = SHARE) -> np.ndarray:
        """Return where the evidence reaches a threshold, bool of the heat map's shape.

        Args:
            threshold: a share of the maximum (0.2), "otsu", or a percentile ("p95").
        """
        return mask_of(self.heatmap, threshold)

    def boxes(self, threshold: float | str = SHARE, *, min_area: int = 1) -> tuple[AreaBox, ...]:
        """Return a box around each connected area of the mask, most evidence first; see `areas.boxes`."""
        return boxes_of(self.heatmap, threshold, min_area=min_area)

    def contours(
        self, threshold: float | str = SHARE, *, min_area: int = 1, simplify: float = 0.0
    ) -> tuple[Contour, ...]:
        """Return the outline of each connected area of the mask; see `contours.contours`."""
        return contours_of(self.heatmap, threshold, min_area=min_area, simplify=simplify)

    def show(self, renderer: str | object = "overlay", **options: Any) -> None:
        """Show the rendered picture: in a notebook in place, elsewhere in the system's viewer."""
        show(self.render(renderer, **options))

    def text(self) -> dict[str, str]:
        """Return what made the picture, in words, for the picture file; what is not known is left out."""
        return words(self)

    def __str__(self) -> str:
        """Return it in words, see `text`; `repr` has the fields."""
        return line(self)

    def _repr_html_(self) -> str:
        return explanation_html(self, self.render())

    def _repr_png_(self) -> bytes:
        return encode_image(self.render(), ".png", self.text())
