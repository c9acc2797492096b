"""Score-CAM in the paper's call style, see `visioncam.paper`."""

from __future__ import annotations

from visioncam.paper import PaperCAM


class ScoreCAM(PaperCAM, method="scorecam"):
    """Score-CAM of a model; see `PaperCAM`."""


ScoreCaM = ScoreCAM  # as the paper spells it
