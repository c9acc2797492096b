"""What a metric is given (public name of `metrics.case`)."""

from visioncam_core.metrics.case import (
    Box,
    Case,
    Make,
    Questions,
    Scored,
)

__all__ = [
    "Box",
    "Case",
    "Make",
    "Questions",
    "Scored",
]
