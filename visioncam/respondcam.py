"""Respond-CAM in the paper's call style, see `visioncam.paper`."""

from __future__ import annotations

from visioncam.paper import PaperCAM


class RespondCAM(PaperCAM, method="respondcam"):
    """Respond-CAM of a model; see `PaperCAM`."""
