"""Model files: loaded by content, refused with the reason."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from visioncam_core.errors import ModelError, ModelNotFoundError
from visioncam_engines.keras.files.load import check_file, load_model

pytest_plugins = ("helpers.cli_files",)

BROKEN = {
    "gone.keras": "no such model file",
    "folder.keras": "is a folder",
    "empty.keras": r"is empty \(0 bytes\)",
    "text.keras": "is not a Keras model file.*b'this is no p'",
    "cut-tiny.keras": r"is truncated or damaged \(the zip archive in it",
    "cut-tiny.h5": r"is truncated or damaged \(the HDF5 file in it",
    "only.weights.h5": "holds weights only",
    "lambda.keras": r"carries code \(Lambda 'code'\) at config.layers\[3\];.*--allow-unsafe-model",
    "custom.keras": "does not have: Doubling, softly;.*--custom-objects",
    "custom.h5": "does not have: Doubling, softly;.*--custom-objects",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_used_is_told_apart(name: str, files: Path) -> None:
    with pytest.raises(ModelError, match=rf"{name}': .*{BROKEN[name]}") as caught:
        load_model(files / name)
    assert "\n" not in str(caught.value)
    assert ("no such" in str(caught.value)) == isinstance(caught.value, FileNotFoundError)


def test_a_name_that_says_another_kind_is_told(
    files: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, other in (("tiny.keras", "wrong.h5"), ("tiny.h5", "wrong.keras")):
        shutil.copy(files / name, tmp_path / other)
        assert load_model(tmp_path / other).name == "tiny"
        assert f"{other}': is a {Path(name).suffix} model despite its name" in caplog.messages[-1]
        assert caplog.records[-1].name.startswith("visioncam."), "the command line shows these"


@pytest.mark.parametrize("name", ["tiny.keras", "tiny.h5", "tiny.keras.bin", "tiny.h5.bin"])
def test_content_counts_not_the_name(name: str, files: Path, caplog: pytest.LogCaptureFixture) -> None:
    x = np.random.default_rng(0).random((1, 16, 16, 3), np.float32)
    assert np.allclose(load_model(files / name)(x), load_model(files / "tiny.keras")(x))
    assert "despite its name" not in caplog.text


@pytest.mark.parametrize("name", ["custom.keras", "custom.h5"])
def test_custom_objects_come_from_the_module_named(
    name: str, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    monkeypatch.delitem(sys.modules, "my_module", raising=False)
    path = list(sys.path)
    model = load_model(files / name, custom_objects=["my_module"])
    assert "doubling" in [layer.name for layer in model.layers]
    assert sys.path == path


def test_a_modules_own_list_of_objects(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (files / "my_module.py").read_text() + "\nCUSTOM_OBJECTS = {'Doubling': Doubling}\n"
    (tmp_path / "listing_module.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="does not have: softly;"):
        load_model(files / "custom.keras", custom_objects=["listing_module"])


def test_a_module_that_fails(tmp_path: Path, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad_module.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"'bad_module'.*ZeroDivisionError: division by zero"):
        load_model(files / "custom.keras", custom_objects=["bad_module"])


def test_code_in_the_file_runs_only_when_asked(files: Path) -> None:
    model = load_model(files / "lambda.keras", unsafe=True)
    assert "code" in [layer.name for layer in model.layers]
    with pytest.raises(ModelError, match="carries code"):
        load_model(files / "lambda.keras")  # the permission is not remembered


def test_a_flipped_bit_is_noticed(files: Path, tmp_path: Path) -> None:
    data = bytearray((files / "tiny.keras").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "flip.keras").write_bytes(data)
    with pytest.raises(ModelError, match="damaged"):
        load_model(tmp_path / "flip.keras")


def test_other_archives_are_no_models(tmp_path: Path) -> None:
    np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
    with pytest.raises(ModelError, match=r"zip archive but not a Keras model \(it holds a.npy, …\)"):
        check_file(tmp_path / "arrays.npz")


def test_a_saved_model_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(ModelError, match="is a SavedModel, a program that can run any code"):
        check_file(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.keras")
    with pytest.raises(ModelError, match="not a regular file"):
        check_file(tmp_path / "pipe.keras")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read(files: Path, tmp_path: Path) -> None:
    shutil.copy(files / "tiny.keras", tmp_path)
    (tmp_path / "tiny.keras").chmod(0)
    with pytest.raises(ModelError, match=r"cannot be read \(permission denied\)"):
        check_file(tmp_path / "tiny.keras")


def test_a_missing_file_is_a_file_not_found_error() -> None:
    with pytest.raises(ModelNotFoundError, match=r"'no\.keras'"):
        check_file("no.keras")
    with pytest.raises(FileNotFoundError):
        load_model("no.keras")
