"""What a method is given (public name of `pipeline.evidence`)."""

from visioncam_core.engine.records import Change, Make
from visioncam_core.pipeline.evidence import (
    ArraySource,
    Evidence,
    Source,
    Tell,
    Which,
)
from visioncam_core.progress import Progress

__all__ = ["ArraySource", "Change", "Evidence", "Make", "Progress", "Source", "Tell", "Which"]
