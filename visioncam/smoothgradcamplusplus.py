"""Smooth Grad-CAM++ in the paper's call style, see `visioncam.paper`."""

from __future__ import annotations

from visioncam.paper import PaperCAM


class SmoothGradCAMPlusPlus(PaperCAM, method="smoothgradcamplusplus"):
    """Smooth Grad-CAM++ of a model; see `PaperCAM`."""
