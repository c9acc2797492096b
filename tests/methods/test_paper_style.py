"""The paper's call style: its own walk-through, and nine classes over one implementation."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.docs import code
from helpers.paper import CLASSES, paper_class, tiny_model
from PIL import Image

import visioncam
from visioncam_core.results.heat import heat


@pytest.fixture
def model() -> Any:
    return tiny_model()


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(0, 1, (3, 12, 10, 3)).astype(np.float32)


# ------------------------------------------------------------------ the walk-through


@pytest.fixture(scope="module")
def walk(checkout: Path, examples: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the page's Python as it stands, with random weights, and return its names."""
    import keras

    page = code((checkout / "docs" / "paper-style.md").read_text("utf-8"), "python")
    assert page.count('weights="imagenet"') == 1
    folder = tmp_path_factory.mktemp("walk")
    (folder / "examples").symlink_to(examples, target_is_directory=True)
    names: dict[str, Any] = {"folder": folder}
    here = Path.cwd()
    keras.utils.set_random_seed(1)
    try:
        os.chdir(folder)
        offline = page.replace('weights="imagenet"', "weights=None")
        exec(compile(offline, "paper-style.md", "exec", dont_inherit=True), names)
    finally:
        os.chdir(here)
    return names


def test_the_walk_through_gives_the_map_of_explain(walk: dict[str, Any]) -> None:
    heatmap, e = walk["heatmap"], walk["e"]
    assert heatmap.shape == (10, 10)
    assert heatmap.dtype == np.float32
    assert heatmap.min() >= 0
    assert heatmap.max() == 1
    np.testing.assert_array_equal(heatmap, heat(e.raw, "for"))
    assert (e.target.index, e.layer.path, e.method) == (282, "block14_sepconv2_act", "xgradcam")


def test_the_walk_through_prepares_the_picture_as_the_paper_does(walk: dict[str, Any]) -> None:
    batch = walk["image_batch"]
    assert batch.shape == (1, 299, 299, 3)
    assert -1 <= batch.min() < -0.5 < 0.5 < batch.max() <= 1


def test_the_walk_through_writes_the_picture(walk: dict[str, Any], examples: Path) -> None:
    with Image.open(walk["folder"] / "cam.jpg") as drawn, Image.open(examples / "chelsea.png") as photo:
        assert drawn.format == "JPEG"
        assert drawn.size == photo.size


def test_a_second_method_on_the_model_traces_nothing_new(walk: dict[str, Any]) -> None:
    from visioncam_core.engine.batches import COUNTERS

    before = COUNTERS.snapshot()
    paper_class("hirescam")(walk["model"], 282).compute_cam_features(walk["image_batch"])
    assert (COUNTERS.snapshot() - before)["traces"] == 0


# ------------------------------------------------------------------ the nine


@pytest.mark.parametrize("method", CLASSES)
def test_each_class_gives_the_maps_of_explain(method: str, model: Any, images: np.ndarray) -> None:
    cam = paper_class(method)(model, 0, layer_name="late")
    maps = cam.compute_cam_features(images)
    expected = visioncam.explain(model, images, method, target=0, layer="late")
    assert maps.shape == (3, 6, 5)
    assert maps.dtype == np.float32
    np.testing.assert_array_equal(maps, [heat(e.raw, "for") for e in expected])
    assert [map_.max() for map_ in maps] == [1, 1, 1]

    for one in (images[:1], images[0]):
        assert cam.compute_cam_features(one).shape == (6, 5)
    np.testing.assert_allclose(cam.compute_cam_features(images[1:2]), maps[1], atol=1e-5)


def test_the_nine_are_the_registrys_own() -> None:
    assert list(CLASSES) == [row.name for row in visioncam.methods() if row.in_all]
    assert {method: paper_class(method).method for method in CLASSES} == {m: m for m in CLASSES}


@pytest.mark.parametrize("method", CLASSES)
def test_each_class_adds_only_its_name(method: str) -> None:
    ours = {name for name in vars(paper_class(method)) if not name.startswith("__")}
    assert ours == {"method"}


@pytest.mark.parametrize(
    ("module", "alias", "name"),
    [
        ("hirescam", "HriesCAM", "HiResCAM"),
        ("scorecam", "ScoreCaM", "ScoreCAM"),
        ("xgradcam", "XgradCAM", "XGradCAM"),
    ],
)
def test_the_papers_spellings(module: str, alias: str, name: str) -> None:
    loaded = importlib.import_module(f"visioncam.{module}")
    assert getattr(loaded, alias) is getattr(loaded, name)


def test_a_users_subclass_keeps_the_method() -> None:
    class Mine(paper_class("hirescam")):  # type: ignore[misc]
        pass

    assert Mine.method == "hirescam"


def test_importing_the_nine_loads_nothing_heavy() -> None:
    lines = "".join(f"import visioncam.{method}\n" for method in CLASSES)
    script = f"import json, sys\n{lines}print(json.dumps(list(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    loaded = set(json.loads(done.stdout))
    assert "visioncam.ablationcam" in loaded
    assert not loaded & {"tensorflow", "keras", "matplotlib.pyplot", "cv2"}
