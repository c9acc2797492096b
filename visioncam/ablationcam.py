"""Ablation-CAM in the paper's call style, see `visioncam.paper`."""

from __future__ import annotations

from visioncam.paper import PaperCAM


class AblationCAM(PaperCAM, method="ablationcam"):
    """Ablation-CAM of a model; see `PaperCAM`."""
