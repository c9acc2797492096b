"""The paper's call style: a class per method, made for one model, maps as plain arrays.

    from visioncam.xgradcam import XGradCAM

    image = XGradCAM.get_img_array("cat.jpg", target_size=(299, 299, 3))
    cam = XGradCAM(model, 282)
    heatmap = cam.compute_cam_features(preprocess_input(image))
    XGradCAM.save_and_display_gradcam("cat.jpg", heatmap)

All nine classes are this one, thin over `visioncam.explainer`; `visioncam.gradcam` and its eight siblings
only name them.  They are not the method classes of `visioncam_methods`, which hold a method's options
and are passed as `method=`.  See `docs/paper-style.md`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from visioncam.api import explainer
from visioncam_core.engine.layer_table import LayerChoice, LayerRow
from visioncam_core.errors import ImageError, LayerError, OptionTypeError
from visioncam_core.images.decode import load_picture, match_channels
from visioncam_core.images.geometry import fit
from visioncam_core.ops import to_numpy
from visioncam_core.resize import resize
from visioncam_core.results.data import TargetInfo
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.heat import heat
from visioncam_core.results.image_files import write_image
from visioncam_core.results.notebook import in_notebook
from visioncam_core.text import brief

QUIET = frozenset({"picture-note", "exact-shape-trace", "autograph-trace"})
"""Diagnostics that ask nothing of the reader; the others are warned of, as an array carries no words."""


class DiagnosticWarning(UserWarning):
    """What an `Explanation` says in its diagnostics, where the result is a bare array."""


class PaperCAM:
    """A method in the paper's call style; the base of the nine classes, which add only their name.

    Args:
        model: a built Keras model; it is not changed.
        class_idx: class index, class name, or a list with one for each image; None for the top class.
            It may be changed between calls.
        layer_name: the layer to look at: name, path, index or layer object; the last feature map by default.
        target_layer: the same under another name; give one of the two.
        **options: the method's options, and the other keywords of `visioncam.explain`.

    Raises:
        VisionCamError: one of its kinds, naming the value received and the fix.
    """

    method: ClassVar[str] = ""

    def __init_subclass__(cls, *, method: str = "") -> None:
        """Name the method of a class; a user's own subclass keeps its parent's."""
        cls.method = method or cls.method

    def __init__(
        self,
        model: Any,
        class_idx: Any = None,
        layer_name: Any = None,
        target_layer: Any = None,
        **options: Any,
    ) -> None:
        if "target" in options:
            raise OptionTypeError(
                f"{type(self).__name__} takes the class as class_idx=; received "
                f"target={brief(options['target'])}"
            )
        # Names of 0.0.1's AblationCAM: the layer, and the layers behind it, which the model itself tells.
        old = options.pop("last_conv_layer_name", None)
        options.pop("classifier_layer_names", None)
        layer = one_layer(layer_name=layer_name, target_layer=target_layer, last_conv_layer_name=old)
        self.model = model
        self.class_idx = class_idx
        self._explainer = explainer(model, self.method, layer=layer, **options)

    @property
    def layer_name(self) -> Any:
        """The layer that was given, "auto" where none was."""
        return self._explainer.settings.layer

    def __repr__(self) -> str:
        """Return the call that made it, in short."""
        title = self._explainer.hints.title
        return f"{type(self).__name__}(<{title}>, {self.class_idx!r}, layer_name={self.layer_name!r})"

    def compute_cam_features(self, image_batch: Any) -> np.ndarray:
        """Return the map at the layer's resolution.

        Args:
            image_batch: model input, (N, H, W, C) float, preprocessed; or what `visioncam.explain` takes.

        Returns:
            (h, w) float32 in [0, 1] for one image, (N, h, w) for more; in [-1, 1] with `evidence="signed"`.
            A map without evidence is zero everywhere, and a `DiagnosticWarning` says why.
        """
        found = self._explainer(image_batch, self.class_idx)
        explanations = found if isinstance(found, list) else [found]
        for message in remarks(explanations):
            warnings.warn(message, DiagnosticWarning, stacklevel=2)
        maps = [heat(explanation.raw, explanation.evidence) for explanation in explanations]
        shapes = {map_.shape for map_ in maps}
        if len(shapes) > 1:
            raise ImageError(
                f"the images give maps of the shapes {brief(sorted(shapes))}, which do not stack into one "
                "array; pass images of one size, or one at a time"
            )
        return maps[0] if len(maps) == 1 else np.stack(maps)

    @staticmethod
    def get_img_array(img_path: Any, target_size: Sequence[int] = (299, 299, 3)) -> np.ndarray:
        """Return a picture as a batch of one, not yet preprocessed.

        Args:
            img_path: a file, or any other picture that `visioncam.explain` takes.
            target_size: (h, w) or (h, w, channels) of the model's input, in pixels.

        Returns:
            (1, h, w, channels) float32 in 0..255; the whole picture, squeezed.
        """
        if len(target_size) not in (2, 3):
            raise ImageError(f"target_size is (h, w) or (h, w, channels), received {brief(target_size)}")
        channels = target_size[2] if len(target_size) == 3 else 3
        fitted, _ = fit(load_picture(img_path), (target_size[0], target_size[1]), "resize")
        return match_channels(fitted, channels)[None].astype(np.float32)

    @staticmethod
    def save_and_display_gradcam(
        img_path: Any, heatmap: Any, cam_path: str | Path = "cam.jpg", alpha: float = 0.4
    ) -> Path:
        """Write the map in jet colours over the picture; in a notebook, show it too.

        Args:
            img_path: the picture the map was computed for, whole.
            heatmap: (h, w) map in [0, 1], of any resolution.
            cam_path: where to write: a PNG, JPEG or WebP file; never half of one.
            alpha: opacity of the colours, 0 to 1.

        Returns:
            The path that was written.

        Raises:
            ImageError: not a picture, or not one map in [0, 1].
            OptionError: `alpha` out of its range.
            OutputError: the file cannot be written.
        """
        values = check_map(heatmap)
        drawing = explanation_of(load_picture(img_path).pixels, values)
        pixels = drawing.render("overlay", colormap="jet", alpha=alpha, by_value=False)
        path = write_image(cam_path, pixels)
        if in_notebook():
            from IPython.display import Image, display  # type: ignore[import-not-found,unused-ignore]

            display(Image(filename=str(path)))
        return path


def one_layer(**names: Any) -> Any:
    """Return the layer that was given under one of several names, "auto" where none was."""
    given = {name: layer for name, layer in names.items() if layer is not None}
    first, *others = given.values() or ("auto",)
    for other in others:
        if other is not first and getattr(other, "name", other) != getattr(first, "name", first):
            words = " and ".join(
                f"{name}={brief(getattr(layer, 'name', layer))}" for name, layer in given.items()
            )
            raise LayerError(f"{words} name different layers; pass one of them")
    return first


def remarks(explanations: Sequence[Explanation]) -> list[str]:
    """Return what the explanations' diagnostics say, each message once, with the images it is about."""
    about: dict[str, list[int]] = {}
    for i, explanation in enumerate(explanations):
        for diagnostic in explanation.diagnostics:
            if diagnostic.code not in QUIET:
                about.setdefault(str(diagnostic), []).append(i)
    count = len(explanations)
    return [
        text if len(images) == count else f"image {', '.join(map(str, images))} of 0 to {count - 1}: {text}"
        for text, images in about.items()
    ]


def explanation_of(pixels: np.ndarray, values: np.ndarray) -> Explanation:
    """Return a map on a picture's pixels as an explanation that renderers take and that says nothing else."""
    return Explanation(
        raw=values,
        heatmap=resize(values, pixels.shape[:2]),
        picture=pixels,
        target=TargetInfo(None, None, None, "the map"),
        score=float("nan"),
        score_kind="output",
        predictions=(),
        probabilities=False,
        layer=LayerChoice(LayerRow("unknown", "unknown", "", (), None, (), (), True), "not known"),
        method="unknown",
        method_title="Heat map",
        options={},
        evidence="for",
        diagnostics=(),
        provenance={},
    )


def check_map(heatmap: Any) -> np.ndarray:
    """Return (h, w) float32 in [0, 1], or raise an error that says what is wrong with the map."""
    values = to_numpy(heatmap)
    kind = f"{values.dtype} of shape {values.shape}"
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "fiu":
        hint = "; it holds several maps: pass heatmap[i]" if values.ndim == 3 else ""
        raise ImageError(f"a heat map is one (h, w) array of numbers, received {kind}{hint}")
    values = values.astype(np.float32)
    if not np.all(np.isfinite(values)):
        raise ImageError(f"the heat map has NaN or infinite values ({kind}); replace them with 0 first")
    low, high = float(values.min()), float(values.max())
    if low < -1e-5 or high > 1 + 1e-5:  # but for rounding
        raise ImageError(
            f"a heat map must lie in [0, 1]; this one has values from {low:.4g} to {high:.4g}; divide its "
            "positive part by its maximum, and draw signed maps with visioncam.explain(...).save(path)"
        )
    return np.clip(values, 0, 1)
