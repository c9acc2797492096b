"""What a metric is given (public name of `metrics.case`)."""

from visioncam_core.images.box import Box
from visioncam_core.metrics.case import Case, Make, Questions, Scored

__all__ = ["Box", "Case", "Make", "Questions", "Scored"]
