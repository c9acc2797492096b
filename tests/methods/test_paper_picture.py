"""The picture that the paper's classes read, and the one they write; shown in a notebook only."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.paper import paper_class, pixels_of, tiny_model
from PIL import Image

from visioncam.paper import PaperCAM
from visioncam_core.errors import ImageError, OptionError
from visioncam_core.resize import resize


@pytest.fixture
def photo(tmp_path: Path, rng: np.random.Generator) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)).save(path)
    return path


@pytest.mark.parametrize(
    ("heatmap", "message"),
    [
        (np.zeros((2, 3, 4)), "received float64 of shape (2, 3, 4); it holds several maps: pass heatmap[i]"),
        (np.zeros(5), "a heat map is one (h, w) array of numbers, received float64 of shape (5,)"),
        (np.zeros((0, 4)), "received float64 of shape (0, 4)"),
        ([["a"]], "received <U1 of shape (1, 1)"),
        (np.full((2, 2), np.nan), "NaN or infinite"),
        (np.asarray([[0, 255]], np.uint8), "values from 0 to 255; divide"),
        (np.asarray([[-1.0, 1.0]]), "values from -1 to 1"),
    ],
)
def test_bad_maps_are_refused(heatmap: Any, message: str, photo: Path) -> None:
    path = photo.with_name("cam.png")
    with pytest.raises(ImageError, match=re.escape(message)):
        PaperCAM.save_and_display_gradcam(photo, heatmap, path)
    assert not path.exists()


def test_bad_files_and_opacities_are_refused(photo: Path) -> None:
    heatmap = np.eye(3)
    with pytest.raises(FileNotFoundError, match=r"none\.png"):
        PaperCAM.save_and_display_gradcam(photo.with_name("none.png"), heatmap)
    with pytest.raises(OptionError, match=r"'alpha'.*received 1\.5"):
        PaperCAM.save_and_display_gradcam(photo, heatmap, photo.with_name("cam.png"), alpha=1.5)
    with pytest.raises(OSError, match="it does not exist"):
        PaperCAM.save_and_display_gradcam(photo, heatmap, photo.with_name("none") / "cam.png")
    with pytest.raises(ImageError, match=r"target_size is .* received \(299,\)"):
        PaperCAM.get_img_array(photo, (299,))
    assert [path.name for path in photo.parent.iterdir()] == ["photo.png"]


def test_saving_works_on_class_and_instance(photo: Path) -> None:
    heatmap = np.linspace(0, 1, 12).reshape(3, 4)
    cls = paper_class("xgradcam")
    paths = [photo.with_name("a.png"), photo.with_name("b.png")]
    assert cls.save_and_display_gradcam(str(photo), heatmap, paths[0]) == paths[0]
    assert cls(tiny_model()).save_and_display_gradcam(photo, heatmap, cam_path=str(paths[1])) == paths[1]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_picture_is_the_photo_blended_with_jet(photo: Path) -> None:
    import matplotlib

    heatmap = np.linspace(0, 1, 12).reshape(3, 4)
    path = PaperCAM.save_and_display_gradcam(photo, heatmap, photo.with_name("cam.png"), alpha=0.4)
    pixels = pixels_of(photo)
    rows = np.minimum(resize(heatmap, (30, 40)) * 256, 255).astype(int)
    jet = matplotlib.colormaps["jet"]((np.arange(256) + 0.5) / 256, bytes=True)[:, :3].astype(np.float64)
    expected = pixels + 0.4 * (jet[rows] - pixels)
    np.testing.assert_allclose(pixels_of(path), expected, atol=0.51)


def test_the_default_file_is_cam_jpg(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photo.parent)
    assert PaperCAM.save_and_display_gradcam("photo.png", np.eye(2)) == Path("cam.jpg")
    with Image.open("cam.jpg") as drawn:
        assert drawn.size == (40, 30)


def test_a_picture_becomes_a_batch_of_one(photo: Path) -> None:
    batch = PaperCAM.get_img_array(photo, target_size=(30, 40, 3))
    assert batch.dtype == np.float32
    np.testing.assert_array_equal(batch[0], pixels_of(photo))
    assert PaperCAM.get_img_array(photo).shape == (1, 299, 299, 3)
    assert PaperCAM.get_img_array(photo, (20, 10, 1)).shape == (1, 20, 10, 1)


class Shell:
    """An IPython shell, with a kernel in a notebook."""

    def __init__(self, notebook: bool) -> None:
        if notebook:
            self.kernel = object()


@pytest.mark.parametrize(
    ("shell", "shows"),
    [(None, False), (Shell(False), False), (Shell(True), True)],
    ids=["python", "terminal", "notebook"],
)
def test_it_displays_only_in_a_notebook(
    shell: Shell | None, shows: bool, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[object] = []
    ipython, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    display.display = shown.append  # type: ignore[attr-defined]
    display.Image = lambda filename: filename  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    path = PaperCAM.save_and_display_gradcam(photo, np.eye(2), photo.with_name("cam.png"))
    assert path.exists()
    assert shown == ([str(path)] if shows else [])


def test_saving_without_ipython_imports_none_of_it(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "IPython"]:
        monkeypatch.delitem(sys.modules, name)
    PaperCAM.save_and_display_gradcam(photo, np.eye(2), photo.with_name("cam.png"))
    assert "IPython" not in sys.modules
