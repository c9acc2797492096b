"""What a method is given (public name of `pipeline.evidence`)."""

from visioncam_core.engine.records import Change, Make, Reading
from visioncam_core.pipeline.attention import Attention
from visioncam_core.pipeline.evidence import (
    ArraySource,
    Evidence,
    Source,
    Tell,
    Which,
)
from visioncam_core.progress import Progress

__all__ = [
    "ArraySource",
    "Attention",
    "Change",
    "Evidence",
    "Make",
    "Progress",
    "Reading",
    "Source",
    "Tell",
    "Which",
]
