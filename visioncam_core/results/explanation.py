"""The result: a heat map on the picture, where it came from, and what to be careful about."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.results.areas import SHARE, Box
from visioncam_core.results.areas import boxes as boxes_of
from visioncam_core.results.areas import mask as mask_of
from visioncam_core.results.contours import Contour
from visioncam_core.results.contours import contours as contours_of
from visioncam_core.results.diagnostics import Diagnostic

if TYPE_CHECKING:
    from visioncam_core.plugins.registry import Registry


@attrs.frozen
class TargetInfo:
    """What was explained.

    Attributes:
        index: class index, or None where the target is a function.
        name: class name, or None where it is not known.
        probability: the model's probability for the class, or None where the output is no probability.
        label: how the target reads in a title, such as "tiger cat (282)".
    """

    index: int | None
    name: str | None
    probability: float | None
    label: str


@attrs.frozen
class Prediction:
    """One row of what the model sees: class index, name, and the model's own output for it."""

    index: int
    name: str | None
    value: float


@attrs.frozen(eq=False)
class Explanation:
    """Why a model decided what it did, for one picture and one method.

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
        predictions: the model's best five classes, best first; empty where the output is no list of classes.
        probabilities: whether the predictions are probabilities.
        layer: which layer was looked at, and why.
        method: canonical name of the method.
        method_title: its title for people.
        options: the method's options.
        evidence: "for", "against" or "signed": which part of the raw map the heat map shows.
        diagnostics: what to be careful about; empty when all is well.
        provenance: versions, model name, seed, geometry, preprocessing.
        whole: the explained volume or video, where this is one slice of it; else None.
    """

    raw: np.ndarray = attrs.field(repr=lambda a: f"<{a.shape}>")
    heatmap: np.ndarray = attrs.field(repr=lambda a: f"<{a.shape}>")
    picture: np.ndarray = attrs.field(repr=lambda a: f"<{a.shape} {a.dtype}>")
    target: TargetInfo
    score: float
    score_kind: str
    predictions: tuple[Prediction, ...] = attrs.field(repr=False)
    probabilities: bool = attrs.field(repr=False)
    layer: LayerChoice = attrs.field(repr=str)
    method: str
    method_title: str
    options: dict[str, Any]
    evidence: str
    diagnostics: tuple[Diagnostic, ...]
    provenance: dict[str, Any] = attrs.field(repr=False)
    whole: Explanation | None = attrs.field(default=None, repr=False, kw_only=True)
    _registry: Registry | None = attrs.field(default=None, repr=False)

    def render(self, renderer: str | object = "overlay", **options: Any) -> np.ndarray:
        """Return the picture a renderer makes of this explanation, (H, W, 3) uint8 RGB.

        Args:
            renderer: a name of `visioncam.renderers()`, or a renderer object.
            options: the renderer's options.

        Raises:
            NameNotFoundError: an unknown renderer.
            OptionError: an unknown option or a value out of its range.
        """
        return render(self._registry, self, renderer, options)

    def save(self, path: str | Path, renderer: str | object = "overlay", **options: Any) -> Path:
        """Write a file and return its path; never half a file.

        Args:
            path: its suffix says what is written.  `.png`, `.jpg`, `.webp`: the rendered picture.
                `.gif`, `.mp4`: a volume slice by slice, or a video frame by frame.  `.npz`: everything,
                for `visioncam.load`.  `.mask.png`, `.json` (COCO), `.csv`, `.txt` (YOLO): the areas above
                a threshold.
            renderer: of pictures and films, as in `render`.
            options: the renderer's, or the file format's (`threshold`, `min_area`, ...).

        Raises:
            OutputError: the suffix is unknown, or the folder or file cannot be written.
            OptionError: an unknown option or a value out of its range.
        """
        from visioncam_core.results.save import save

        return save(self, path, renderer, options, registry_or_plain(self._registry))

    def mask(self, threshold: float | str = SHARE) -> np.ndarray:
        """Return where the evidence reaches a threshold, bool of the heat map's shape.

        Args:
            threshold: a share of the maximum (0.2), "otsu", or a percentile ("p95").
        """
        return mask_of(self.heatmap, threshold)

    def boxes(self, threshold: float | str = SHARE, *, min_area: int = 1) -> tuple[Box, ...]:
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
        from visioncam_core.results.describe import words

        return words(self)

    def __str__(self) -> str:
        """Return it in words, see `text`; `repr` has the fields."""
        from visioncam_core.results.describe import line

        return line(self)

    def _repr_html_(self) -> str:
        from visioncam_core.results.notebook import explanation_html

        return explanation_html(self)

    def _repr_png_(self) -> bytes:
        from visioncam_core.results.image_files import encode_image

        return encode_image(self.render(), ".png", self.text())


def render(
    registry: Registry | None, subject: Any, renderer: str | object, options: dict[str, Any]
) -> np.ndarray:
    """Return what a renderer, by name or as an object, makes of an explanation or comparison."""
    from visioncam_core.results.render import drawn

    return drawn(*registry_or_plain(registry).make_renderer(renderer, options), subject)


def registry_or_plain(registry: Registry | None) -> Registry:
    """Return the registry, or one without built-ins where there is none."""
    from visioncam_core.plugins.registry import Registry

    return registry or Registry()


def show(picture: np.ndarray) -> None:
    """Show an RGB picture: in a notebook in place, elsewhere in the system's viewer."""
    from PIL import Image

    image = Image.fromarray(picture)
    if not in_notebook():
        image.show()
        return
    from IPython.display import display  # type: ignore[import-not-found,unused-ignore]

    display(image)


def in_notebook() -> bool:
    """Return whether this runs in a notebook: an IPython with a kernel; a terminal's shows no pictures."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None
