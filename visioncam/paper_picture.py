"""The picture of the paper's call style: a bare map over a photo in jet colours, shown in a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from visioncam.api import registry
from visioncam_core.engine.layer_table import LayerChoice, LayerRow
from visioncam_core.errors import ImageError
from visioncam_core.images.decode import load_picture
from visioncam_core.resize import resize
from visioncam_core.results.explanation import Explanation, TargetInfo, in_notebook
from visioncam_core.results.image_files import write_image

ROUNDING = 1e-5


def draw(img_path: Any, heatmap: Any, cam_path: str | Path, alpha: float) -> Path:
    """Write a map over its picture and return the path; see `PaperCAM.save_and_display_gradcam`."""
    values = checked_map(heatmap)
    drawing = laid_out(load_picture(img_path).pixels, values)
    path = write_image(cam_path, drawing.render("overlay", colormap="jet", alpha=alpha, by_value=False))
    if in_notebook():
        from IPython.display import Image, display  # type: ignore[import-not-found,unused-ignore]

        display(Image(filename=str(path)))
    return path


def laid_out(pixels: np.ndarray, values: np.ndarray) -> Explanation:
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
        registry=registry(),
    )


def checked_map(heatmap: Any) -> np.ndarray:
    """Return (h, w) float32 in [0, 1], or raise an error that says what is wrong with the map."""
    values = np.asarray(heatmap.numpy() if hasattr(heatmap, "numpy") else heatmap)
    kind = f"{values.dtype} of shape {values.shape}"
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "fiu":
        hint = "; it holds several maps: pass heatmap[i]" if values.ndim == 3 else ""
        raise ImageError(f"a heat map is one (h, w) array of numbers, received {kind}{hint}")
    values = values.astype(np.float32)
    if not np.all(np.isfinite(values)):
        raise ImageError(f"the heat map has NaN or infinite values ({kind}); replace them with 0 first")
    low, high = float(values.min()), float(values.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise ImageError(
            f"a heat map here lies in [0, 1], this one has values from {low:.4g} to {high:.4g}; divide its "
            "positive part by its maximum, and draw signed maps with visioncam.explain(...).save(path)"
        )
    return np.clip(values, 0, 1)
