"""A small model, the app's answers without its page, and a photo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.app import small_model
from PIL import Image

from visioncam.app.answer import Service
from visioncam.app.limits import Limits
from visioncam.app.models import ModelList
from visioncam.app.workspace import Workspace


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models")
    small_model(made)
    return made


@pytest.fixture(scope="module")
def shelf(folder: Path) -> ModelList:
    return ModelList({"small": folder / "small.keras"}, class_names=str(folder / "names.json"))


@pytest.fixture
def service(shelf: ModelList) -> Iterator[Service]:
    workspace = Workspace()
    yield Service(shelf, workspace, Limits(pixels=2_000_000, seconds=60, side=100))
    workspace.close()


@pytest.fixture
def photo(service: Service) -> str:
    """A wide photo that lies where uploads lie."""
    path = service.workspace.new_folder() / "my photo.png"
    pixels = np.random.default_rng(2).integers(0, 256, (60, 150, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return str(path)
