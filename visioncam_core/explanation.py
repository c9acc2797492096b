"""Explanations and comparisons (public name of `results.explanation`)."""

from visioncam_core.results.comparison import Comparison
from visioncam_core.results.explanation import (
    Explanation,
    Prediction,
    TargetInfo,
    in_notebook,
    registry_or_plain,
    render,
    show,
)

__all__ = [
    "Comparison",
    "Explanation",
    "Prediction",
    "TargetInfo",
    "in_notebook",
    "registry_or_plain",
    "render",
    "show",
]
