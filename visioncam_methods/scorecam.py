"""Public name of `visioncam_methods.cam.scorecam`."""

from visioncam_methods.cam.scorecam import ScoreCAM

__all__ = ["ScoreCAM"]
