"""Networks of `keras.applications` by name, functions that make Keras models, and files of weights."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from visioncam_core.errors import BackendError, ModelError, ModelNotFoundError, UnsafeModelError
from visioncam_core.pipeline.models import is_name, mark_of, open_model

NAME = "keras:MobileNet?weights=none"


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "my_keras", raising=False)
    (tmp_path / "my_keras.py").write_text(
        "import keras\nfrom keras import layers\n"
        "def make():\n"
        "    return keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.Flatten(), "
        "layers.Dense(2)])\n"
    )
    return tmp_path


def test_a_network_without_weights_is_the_same_each_time() -> None:
    state = random.getstate()
    one, two = open_model(NAME), open_model(NAME)
    assert random.getstate() == state
    assert one is not two
    assert mark_of(NAME, one) == mark_of(NAME, two)
    assert mark_of(NAME, one).startswith(f"{NAME} sha256 ")


def test_unknown_networks_suggest_near_ones() -> None:
    with pytest.raises(ModelNotFoundError, match=r"keras has no network 'MobilNetV2'.*keras:MobileNetV2"):
        open_model("keras:MobilNetV2")


def test_weights_that_cannot_be_had_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **keywords: Any) -> Any:
        raise OSError("no network")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr(keras.config, "keras_home", lambda: str(tmp_path), raising=False)
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    with pytest.raises(ModelError, match=r"its weights, 'imagenet' of keras\.applications.*weights=none"):
        open_model("keras:MobileNet")


def test_a_function_makes_the_model_and_a_file_its_weights(mine: Path) -> None:
    assert is_name("my_keras:make")
    model = open_model("my_keras:make")
    model.save_weights("w.weights.h5")
    filled = open_model("my_keras:make", weights="w.weights.h5")
    for ours, theirs in zip(filled.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_other_files_are_no_weights(mine: Path) -> None:
    Path("w.h5").write_bytes(b"hello")
    with pytest.raises(ModelError, match="is not an HDF5 file"):
        open_model("my_keras:make", weights="w.h5")
    with pytest.raises(ModelNotFoundError, match="no such file of weights"):
        open_model("my_keras:make", weights="no.h5")
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(7)]).save_weights("other.weights.h5")
    with pytest.raises(ModelError, match="the weights of another model"):
        open_model("my_keras:make", weights="other.weights.h5")


def test_an_external_link_in_a_file_of_weights_is_refused(mine: Path) -> None:
    import h5py

    with h5py.File("w.weights.h5", "w") as file:
        file["layers"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(UnsafeModelError, match="is not loaded"):
        open_model("my_keras:make", weights="w.weights.h5")


@pytest.mark.skipif("torch" in sys.modules, reason="PyTorch is here")
def test_files_of_pytorch_say_what_to_install(tmp_path: Path) -> None:
    pytest.importorskip("zipfile")
    with pytest.raises((BackendError, ModelError), match=r"torch|package\.module:function"):
        open_model("timm:resnet18")
