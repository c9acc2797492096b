"""What every hostile file of a runtime must meet."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

import visioncam
from visioncam_core.errors import ModelError, UnsafeModelError


def refused(path: Path, told: str, error: type[ModelError] = UnsafeModelError) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(error) as caught:
        visioncam.load_model(path)
    assert told in str(caught.value)
    assert path.name in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB
