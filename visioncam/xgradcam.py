"""XGrad-CAM in the paper's call style, see `visioncam.paper`."""

from __future__ import annotations

from visioncam.paper import PaperCAM


class XGradCAM(PaperCAM, method="xgradcam"):
    """XGrad-CAM of a model; see `PaperCAM`."""


XgradCAM = XGradCAM  # as the paper spells it
