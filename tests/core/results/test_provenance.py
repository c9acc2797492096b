"""One file alone tells what made it: the model, the input's bytes, the question and the answer."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from helpers.batch import make_pictures, tiny_model
from helpers.cli import run
from PIL import Image

import visioncam
from visioncam.batch.jsonl import read_lines
from visioncam_core.results.provenance import model_file_mark, model_mark, source_digest

pytest_plugins = ("helpers.batch_fixtures",)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def told(folder: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what a folder's first PNG and NPZ say of themselves."""
    png, npz = (next(iter(sorted(folder.glob(f"*{suffix}")))) for suffix in (".png", ".npz"))
    with Image.open(png) as picture, np.load(npz) as arrays:
        return dict(picture.text), json.loads(str(arrays["about"]))  # type: ignore[attr-defined]


def test_files_of_a_run_and_of_a_single_picture_tell_what_made_them(tmp_path: Path) -> None:
    tiny_model().save(tmp_path / "tiny.keras")
    pictures = make_pictures(tmp_path / "in", 1)
    common = ["--model", tmp_path / "tiny.keras", "--save-as", "png,npz", "--class", "1"]
    more = ["--method", "gradcamelementwise", "--score", "logit"]
    assert run("explain", pictures / "0000.png", "-o", tmp_path / "one", *common, *more).code == 0
    assert run("batch", pictures, "-o", tmp_path / "many", *common, *more).code == 0
    for folder in ("one", "many"):
        chunks, about = told(tmp_path / folder)
        expected = {
            "Software": f"VisionCam {visioncam.__version__}",
            "Method": "gradcamelementwise",
            "Options": "{}",
            "Class": "1",
            "Score": f"logit {about['score']:.9g}",
            "Layer": "features",
            "Model": "tiny",
            "Model SHA-256": sha256(tmp_path / "tiny.keras"),
            "Source": "0000.png",
            "Source SHA-256": sha256(pictures / "0000.png"),
        }
        assert {key: chunks[key] for key in expected} == expected
        assert not any(str(tmp_path) in value for value in chunks.values())
        made = about["provenance"]
        assert (made["model_sha256"], made["model_sha256_of"]) == (expected["Model SHA-256"], "file")
        assert made["source_sha256"] == expected["Source SHA-256"]
        assert (about["method"], about["target"]["index"]) == ("gradcamelementwise", 1)
    (line,), _ = read_lines(tmp_path / "many" / "manifest.jsonl")
    assert line["sha256"] == sha256(pictures / "0000.png")


def test_a_model_in_memory_is_told_by_its_weights_and_an_array_by_nothing(model: Any, tmp_path: Path) -> None:
    pixels = np.full((20, 30, 3), 90, np.uint8)
    visioncam.explain_dataset(model, [pixels], tmp_path)
    chunks, about = told(tmp_path)
    assert model_mark(model) == f"memory sha256 {chunks['Model SHA-256']}"
    assert about["provenance"]["model_sha256_of"] == "memory"
    assert "Source SHA-256" not in chunks
    (line,), _ = read_lines(tmp_path / "manifest.jsonl")
    assert line["sha256"] is None


def test_marks_tell_models_and_sources_apart(model: Any, tmp_path: Path) -> None:
    import keras

    before = model_mark(model)
    model.save(tmp_path / "again.keras")
    other = keras.models.load_model(tmp_path / "again.keras")
    assert model_mark(other) == before
    other.layers[-1].set_weights([w + 1e-3 for w in other.layers[-1].get_weights()])
    assert model_mark(other) != before
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "a").write_bytes(b"1")
    folder = model_file_mark(str(tmp_path / "saved"))
    (tmp_path / "saved" / "a").rename(tmp_path / "saved" / "b")
    assert model_file_mark(str(tmp_path / "saved")) != folder
    assert model_file_mark(None).startswith("embedded weights sha256 ")
    payload = b"bytes of a file"
    (tmp_path / "x").write_bytes(payload)
    assert source_digest(tmp_path / "x") == source_digest(payload) == hashlib.sha256(payload).hexdigest()
    assert source_digest(np.zeros(3)) == ""
