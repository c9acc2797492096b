"""Grad-CAM in the paper's call style, see `visioncam.paper`."""

from __future__ import annotations

from visioncam.paper import PaperCAM


class GradCAM(PaperCAM, method="gradcam"):
    """Grad-CAM of a model; see `PaperCAM`."""
