"""Grad-CAM++ in the paper's call style, see `visioncam.paper`."""

from __future__ import annotations

from visioncam.paper import PaperCAM


class GradCAMPlusPlus(PaperCAM, method="gradcamplusplus"):
    """Grad-CAM++ of a model; see `PaperCAM`."""
