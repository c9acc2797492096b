"""What every test shares: a quiet TensorFlow, seeds, and the bundled pictures.

Set here and not in the library: importing VisionCam changes no environment variable.
"""

from __future__ import annotations

import gc
import os
import random
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported: it reads this once
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # numbers are compared with those of a CPU
if find_spec("tensorflow"):  # in `make test-torch` there is none, and each folder has its backend
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["VISIONCAM_PLUGINS"] = ""  # plugins_example is installed in `make test`, and has tests of its own

CHECKOUT = Path(__file__).resolve().parents[1]


def pytest_collection_finish() -> None:
    """Spare the garbage collector, which runs thousands of times, all that was imported."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Seed every generator a test may draw from without saying so."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  -- Keras's older code draws from this one
    if "keras" in sys.modules:
        import keras

        keras.utils.set_random_seed(0)
    if sys.modules.get("torch"):
        import torch

        torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every test start with the built-ins alone; one that needs a plugin names it."""
    monkeypatch.setenv("VISIONCAM_PLUGINS", "")
    monkeypatch.delenv("VISIONCAM_STRICT_PLUGINS", raising=False)


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator that starts the same in every test."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Return the folder of the source checkout, which holds examples and documents but is not imported."""
    return CHECKOUT


@pytest.fixture(scope="session")
def examples() -> Path:
    """Return the folder of the bundled photos: chelsea.png, coffee.png, rocket.jpg."""
    return CHECKOUT / "examples"
