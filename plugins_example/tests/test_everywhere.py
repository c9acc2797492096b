"""What is installed works from Python and from the command line, as if it were VisionCam's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import visioncam
from visioncam_core.testing.models import planted_blob

BRIGHT = (30, 12)  # column and row of a bright blob on grey


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model of bright blobs and a photo that has one."""
    folder = tmp_path_factory.mktemp("everywhere")
    planted_blob((24, 40), cell=(4, 4)).save(folder / "blob.keras")
    y, x = np.mgrid[:24, :40]
    blob = np.exp(-((x - BRIGHT[0]) ** 2 + (y - BRIGHT[1]) ** 2) / 12)
    Image.fromarray(np.rint(255 * blob).astype(np.uint8)).save(folder / "blob.png")
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    import keras

    return keras.models.load_model(folder / "blob.keras")


def run(folder: Path, *words: str) -> Any:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-m", "visioncam", *words, "--json"],
        cwd=folder, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("method", ["eigengradcam", "Group-CAM"])
def test_methods_find_the_blob(folder: Path, model: Any, method: str) -> None:
    found = visioncam.explain(model, folder / "blob.png", method=method, target=0, preprocess="unit")
    row, column = np.unravel_index(found.heatmap.argmax(), found.heatmap.shape)
    assert abs(column - BRIGHT[0]) <= 4
    assert abs(row - BRIGHT[1]) <= 4


def test_layer_and_renderer_by_name(folder: Path, model: Any) -> None:
    found = visioncam.explain(model, folder / "blob.png", layer="block:-1", preprocess="unit")
    assert found.layer.path == "features"
    assert found.render("isolines", levels=2).shape == (24, 40, 3)


def test_listed_beside_the_built_ins() -> None:
    assert {"eigengradcam", "groupcam"} <= {spec.name for spec in visioncam.methods()}
    assert "isolines" in {spec.name for spec in visioncam.renderers()}
    (found,) = [one for one in visioncam.plugins() if one.distribution == "visioncam-example-plugins"]
    assert (found.name, found.status) == ("example", "loaded")


def test_command_line(folder: Path) -> None:
    """All four in one command; the methods' options are flags."""
    compared = run(
        folder, "compare", "blob.png", "--model", "blob.keras", "--preprocess", "unit", "--layer", "block:1",
        "--methods", "gradcam,eigengradcam,groupcam", "--center", "--theta", "50", "--renderer", "isolines",
        "--levels", "4", "-o", "sheet.png",
    )  # fmt: skip
    assert compared["failures"] == {}
    options = {one["method"]: one["options"] for one in compared["results"]}
    assert options["eigengradcam"] == {"component": 1, "center": True}
    assert options["groupcam"] == {
        "groups": 32, "theta": 50.0, "hidden": "blur:50", "measure": "probability",
    }  # fmt: skip
    assert Path(folder, "sheet.png").is_file()
