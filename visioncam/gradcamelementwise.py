"""Element-wise Grad-CAM in the paper's call style, see `visioncam.paper`."""

from __future__ import annotations

from visioncam.paper import PaperCAM


class GradCAMElementWise(PaperCAM, method="gradcamelementwise"):
    """Element-wise Grad-CAM of a model; see `PaperCAM`."""
