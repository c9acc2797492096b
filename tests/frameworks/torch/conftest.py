"""What several files here share: a user's own module, no network, an exported program, pictures."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the libraries give up at once, and find nothing that lies on this machine."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of the user's in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "my_networks", raising=False)
    (tmp_path / "my_networks.py").write_text(
        "import torch\n"
        "from torch import nn\n"
        "def make():\n"
        "    torch.manual_seed(3)\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), "
        "nn.Linear(4, 2))\n"
        "READY = make()\n"
        "def takes(width): return None\n"
        "def breaks(): raise RuntimeError('no such layer')\n"
        "def nothing(): return None\n"
    )
    return tmp_path


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of an exported program."""
    from helpers.torch_files import export

    return export(tmp_path_factory.mktemp("exported"))


@pytest.fixture
def picture(rng: np.random.Generator) -> np.ndarray:
    """Return an input of that program."""
    return rng.standard_normal((3, 16, 16), dtype=np.float32)


@pytest.fixture(scope="module")
def pixels(examples: Path) -> np.ndarray:
    """Return the photo of the cat."""
    return np.asarray(Image.open(examples / "chelsea.png").convert("RGB"))
