"""Fixtures for runs over many pictures: `pytest_plugins = ("helpers.batch_fixtures",)`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from helpers.batch import make_pictures, tiny_model


@pytest.fixture(scope="module")
def model() -> Any:
    """Return the tiny model."""
    return tiny_model()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of small pictures."""
    return make_pictures(tmp_path_factory.mktemp("pictures") / "in")
