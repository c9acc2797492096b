"""`frame=` and `max_pixels=`: which picture of a file is taken, and how large a one is decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.networks.kinds import functional
from helpers.pictures import SIDES, encoded, smooth, stored
from PIL import Image

import visioncam
from visioncam_core.errors import ImageError, OptionError


@pytest.fixture(scope="module")
def model() -> Any:
    return functional()


@pytest.fixture(scope="module")
def pages() -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (3, 20, 24, 3), np.uint8))


@pytest.fixture(scope="module")
def film(pages: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.tiff"
    first, *others = map(Image.fromarray, pages)
    first.save(path, save_all=True, append_images=others)
    return path


@pytest.mark.parametrize("frame", [0, 2])
def test_the_frame_asked_for_is_explained(
    frame: int, model: Any, film: Path, pages: list[np.ndarray]
) -> None:
    explained = visioncam.explain(model, film, frame=frame)
    expected = visioncam.explain(model, pages[frame])
    np.testing.assert_array_equal(explained.picture, pages[frame])
    np.testing.assert_array_equal(explained.raw, expected.raw)
    assert np.any(visioncam.explain(model, film, frame=1).raw != explained.raw)


def test_every_question_takes_them(model: Any, film: Path, pages: list[np.ndarray]) -> None:
    (compared,) = visioncam.compare(model, film, ["gradcam"], frame=1)
    np.testing.assert_array_equal(compared.picture, pages[1])
    report = visioncam.doctor(model, film, frame=1)
    np.testing.assert_array_equal(report.explanation.picture, pages[1])
    with pytest.raises(ImageError, match="max_pixels=479"):
        visioncam.layers(model, film, max_pixels=479)


@pytest.mark.parametrize("call", [visioncam.explain, visioncam.compare, visioncam.doctor])
def test_a_picture_that_is_too_large_is_refused(call: Any, model: Any, film: Path) -> None:
    with pytest.raises(ImageError, match="24 x 20 = 480 pixels, more than max_pixels=479") as caught:
        call(model, film, max_pixels=479)
    assert "raise max_pixels (--max-pixels)" in str(caught.value)
    call(model, film, max_pixels=480)


def test_frames_that_do_not_exist(model: Any, film: Path, pages: list[np.ndarray]) -> None:
    with pytest.raises(ImageError, match=r"film\.tiff': frame=3 does not exist; it has 3 frames"):
        visioncam.explain(model, film, frame=3)
    with pytest.raises(ImageError, match="frame=1 is for files; an array is one picture"):
        visioncam.explain(model, pages[0], frame=1)


@pytest.mark.parametrize("setting", [{"frame": -1}, {"max_pixels": 0}, {"max_pixels": 1 << 50}])
def test_numbers_out_of_range(setting: dict[str, int], model: Any, film: Path) -> None:
    (name,) = setting
    with pytest.raises(OptionError, match=rf"option '{name}' .*received"):
        visioncam.explain(model, film, **setting)  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "tolerance"), [("PNG", 0.0), ("JPEG", 0.02)])
def test_a_turned_photo_has_the_map_of_the_upright_one(kind: str, tolerance: float, model: Any) -> None:
    upright = smooth()
    expected = visioncam.explain(model, upright)
    assert np.ptp(expected.heatmap) > 0.5
    for orientation in SIDES:
        exif = Image.Exif()
        exif[0x0112] = orientation
        quality = {"quality": 98, "subsampling": 0} if kind == "JPEG" else {}
        data = encoded(stored(upright, orientation), kind, exif=exif, **quality)
        turned = visioncam.explain(model, data)
        assert turned.render().shape == expected.render().shape
        assert np.abs(turned.heatmap - expected.heatmap).max() <= tolerance
        assert np.abs(turned.picture.astype(int) - expected.picture).max() <= 255 * tolerance
