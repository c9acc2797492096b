"""What can be explained besides a class: `from visioncam.targets import Contrast`."""

from __future__ import annotations

from visioncam_core.targets.classes import (
    Binary,
    Box,
    Class,
    Contrast,
    Ranked,
    Region,
    Regression,
    Similarity,
)

__all__ = ["Binary", "Box", "Class", "Contrast", "Ranked", "Region", "Regression", "Similarity"]
