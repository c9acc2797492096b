"""Explanations and comparisons (public name of `results.explanation`)."""

from visioncam_core.results.comparison import Comparison
from visioncam_core.results.data import Prediction, TargetInfo
from visioncam_core.results.explanation import Explanation

__all__ = ["Comparison", "Explanation", "Prediction", "TargetInfo"]
