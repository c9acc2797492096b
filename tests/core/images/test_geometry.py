"""A picture fitted to a model's input, and the map's exact way back."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from visioncam_core.errors import ImageError, OptionError, OptionTypeError
from visioncam_core.images.decode import Picture
from visioncam_core.images.geometry import CenterCrop, Geometry, Letterbox, Resize, fit, geometry_named
from visioncam_core.images.tiling import stitch, tiles

KINDS = ["resize", "center_crop", "letterbox", CenterCrop(), CenterCrop(0.5, "bilinear")]
SHAPES = [(48, 64), (61, 37), (5, 90), (1, 33), (33, 1), (3, 3)]
SIZES = [(32, 32), (24, 40), (17, 9)]


def inverse(geometry: Geometry, axis: int) -> np.ndarray:
    """Return where every picture pixel's centre lies on the input, in input pixels; NaN outside the view."""
    view, area = (box[axis::2] for box in (geometry.view, geometry.area))
    place = np.arange(geometry.shape[axis]) + 0.5
    place = area[0] + (place - view[0]) * (area[1] - area[0]) / (view[1] - view[0])
    pixel = np.arange(geometry.shape[axis])
    return np.where((pixel >= view[0]) & (pixel < view[1]), place, np.nan)


@pytest.mark.parametrize("grid", [(7, 7), (5, 8), (64, 48)])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_map_comes_back_exactly(
    kind: object, shape: tuple[int, int], size: tuple[int, int], grid: tuple[int, int]
) -> None:
    """Linear interpolation is exact on a plane, so every pixel between the outermost cell centres must be."""
    _, geometry = fit(np.zeros(shape, np.uint8), size, kind)
    y, x = ((np.arange(n) + 0.5) * side / n for n, side in zip(grid, size, strict=True))
    heat = 3 * y[:, None] - 2 * x + 100
    got = geometry.project(heat)
    y, x = inverse(geometry, 0), inverse(geometry, 1)
    wanted = 3 * y[:, None] - 2 * x + 100
    seen = np.isfinite(wanted)
    half_y, half_x = size[0] / grid[0] / 2, size[1] / grid[1] / 2
    inside = (y >= half_y) & (y <= size[0] - half_y), (x >= half_x) & (x <= size[1] - half_x)
    inside = np.outer(*inside)
    assert got.shape == shape
    assert got.dtype == np.float32
    assert np.abs(got - wanted)[inside].max(initial=0) < 1e-3
    assert (got[~seen] == 0).all()
    assert (got[seen] > 0).all()


def blob(shape: tuple[int, int], centre: tuple[float, float]) -> np.ndarray:
    y, x = (np.arange(n) + 0.5 - at for n, at in zip(shape, centre, strict=True))
    return np.exp(-((y[:, None] / 6) ** 2) - (x / 9) ** 2)


@pytest.mark.parametrize("kind", ["resize", "center_crop", Letterbox(fill=0), CenterCrop()], ids=str)
def test_what_the_model_sees_comes_back_where_it_was(kind: object) -> None:
    """The whole way: pixels to input by Pillow, the input taken for a map, and back."""
    picture = blob((121, 163), (70.0, 55.0))
    values, geometry = fit((255 * picture).astype(np.uint8), (96, 80), kind)
    back = geometry.project(values[..., 0])
    top, left, bottom, right = geometry.view
    seen = np.zeros_like(picture)
    seen[top:bottom, left:right] = picture[top:bottom, left:right]
    for axis, n in enumerate(picture.shape):
        place = np.arange(n) + 0.5
        got, wanted = ((m.sum(1 - axis) * place).sum() / m.sum() for m in (back, seen))
        assert got == pytest.approx(wanted, abs=0.25)
    assert np.corrcoef(back.ravel(), seen.ravel())[0, 1] > 0.995


def test_the_demo_models_crop() -> None:
    """A side of round(min(h, w) * 224/256), in the middle, bicubic by Pillow."""
    pixels = np.random.default_rng(0).integers(0, 256, (300, 451, 3)).astype(np.uint8)
    values, geometry = fit(pixels, (224, 224), CenterCrop())
    side = round(300 * 224 / 256)
    assert geometry.view == (19, 94, 19 + side, 94 + side)
    part = Image.fromarray(pixels[19 : 19 + side, 94 : 94 + side])
    assert np.array_equal(values, np.asarray(part.resize((224, 224), Image.Resampling.BICUBIC)))


def test_center_crop_takes_the_largest_part_of_the_inputs_proportions() -> None:
    assert fit(np.zeros((100, 300), np.uint8), (50, 50), "center_crop")[1].view == (0, 100, 100, 200)
    assert fit(np.zeros((100, 300), np.uint8), (50, 100), "center_crop")[1].view == (0, 50, 100, 250)
    assert fit(np.zeros((300, 100), np.uint8), (100, 50), "center_crop")[1].view == (50, 0, 250, 100)


def test_letterbox_keeps_proportions_and_pads_with_grey() -> None:
    values, geometry = fit(np.full((50, 100, 3), 200, np.uint8), (40, 40), "letterbox")
    assert geometry.area == (10, 0, 30, 40)
    assert np.unique(values[10:30]).tolist() == [200]
    assert np.unique(values[:10]).tolist() == np.unique(values[30:]).tolist() == [127]
    black, _ = fit(np.full((50, 100), 200, np.uint8), (40, 40), Letterbox(fill=0))
    assert np.unique(black[:10]).tolist() == [0]


def test_resize_is_pillows_antialiased_bilinear() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (90, 70, 3)).astype(np.uint8)
    values, _ = fit(pixels, (32, 24))
    assert np.array_equal(
        values, np.asarray(Image.fromarray(pixels).resize((24, 32), Image.Resampling.BILINEAR))
    )
    assert fit(pixels[:, :, 0], (32, 24))[0].shape == (32, 24, 1)


def test_every_channel_is_resized_by_itself() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 20, 8)).astype(np.uint8)
    values, _ = fit(pixels, (16, 12))
    for channel in range(8):
        assert np.array_equal(values[..., channel], fit(pixels[..., channel], (16, 12))[0][..., 0])
    assert np.array_equal(fit(pixels[..., :4], (16, 12))[0], values[..., :4])  # not read as RGBA


def test_the_same_size_passes_untouched_and_copied() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 12, 3)).astype(np.uint8)
    values, geometry = fit(Picture(pixels), (16, 12))
    assert np.array_equal(values, pixels)
    assert not np.shares_memory(values, pixels)
    heat = np.random.default_rng(0).random((16, 12), np.float32)
    assert np.array_equal(geometry.project(heat), heat)


def test_twenty_megapixels_in_a_second() -> None:
    geometry = Letterbox()((4000, 5000), (224, 224))
    heat = np.random.default_rng(0).random((224, 224))
    best = np.inf
    for _ in range(3):  # the machine is shared
        began = time.perf_counter()
        result = geometry.project(heat)
        best = min(best, time.perf_counter() - began)
    assert result.shape == (4000, 5000)
    assert best < 1


def test_any_callable_may_choose_the_part() -> None:
    def top_left(shape: tuple[int, int], size: tuple[int, int]) -> Geometry:
        return Geometry("top left", shape, size, (0, 0, 10, 10), (0, 0, *size))

    values, geometry = fit(
        np.arange(400, dtype=np.uint16).reshape(20, 20).astype(np.uint8), (10, 10), top_left
    )
    assert values[3, 4, 0] == 64
    assert geometry.project(np.ones((2, 2)))[10:].max() == 0
    assert geometry.project(np.ones((2, 2)))[:10, :10].min() == 1


def test_wrong_values_are_named() -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(
        OptionError, match=r"unknown geometry 'letter-box'; did you mean 'letterbox'\? known: 'resize'"
    ):
        fit(pixels, (4, 4), "letter-box")
    with pytest.raises(OptionError, match="8 x 8 makes several inputs of 4 x 4"):
        fit(pixels, (4, 4), "tile")
    with pytest.raises(OptionTypeError, match=r"a callable .*received 3"):
        fit(pixels, (4, 4), 3)
    with pytest.raises(OptionTypeError, match="must return a Geometry; it returned None"):
        fit(pixels, (4, 4), lambda shape, size: None)
    for size in ((0, 4), (4,), (4.0, 4), (None, 4)):
        with pytest.raises(ImageError, match=r"two whole numbers above 0; received \("):
            fit(pixels, size)
    for fraction in (0, 1.5, float("nan")):
        with pytest.raises(OptionError, match="'fraction' of CenterCrop"):
            CenterCrop(fraction)
    with pytest.raises(OptionError, match=r"'resample' of Resize .*'bilinear'"):
        Resize("linear")
    with pytest.raises(OptionError, match="'fill' of Letterbox must be between 0 and 255, received 256"):
        Letterbox(256)
    with pytest.raises(ImageError, match=r"received shape \(2, 2, 1\)"):
        Resize()((8, 8), (4, 4)).project(np.zeros((2, 2, 1)))
    assert geometry_named("resize") == Resize()


@pytest.mark.parametrize("shape", [(100, 260), (64, 64), (30, 200), (65, 1)])
@pytest.mark.parametrize("overlap", [0, 0.25, 0.9])
def test_tiles_cover_the_picture_and_stay_inside(shape: tuple[int, int], overlap: float) -> None:
    boxes = tiles(shape, (64, 48), overlap)
    count = np.zeros(shape, int)
    for top, left, bottom, right in boxes:
        assert (bottom - top, right - left) == (min(64, shape[0]), min(48, shape[1]))
        count[top:bottom, left:right] += 1
    assert count.min() >= 1
    assert len(set(boxes)) == len(boxes)
    lefts = sorted({box[1] for box in boxes})
    assert all(b - a <= max(1, 48 * (1 - overlap)) for a, b in pairwise(lefts))


def test_stitching_the_parts_of_a_map_gives_the_map() -> None:
    whole = np.random.default_rng(0).random((150, 131), np.float32)
    boxes = tiles((150, 131), (64, 48), 0.3)
    parts = [whole[top:bottom, left:right] for top, left, bottom, right in boxes]
    assert np.allclose(stitch(parts, boxes, (150, 131)), whole, atol=1e-6)


def test_stitching_averages_by_the_distance_from_the_edges() -> None:
    got = stitch([np.zeros((1, 4)), np.ones((1, 4))], [(0, 0, 1, 4), (0, 2, 1, 6)], (1, 7))
    assert np.allclose(got, [[0, 0, 0.25, 0.75, 1, 1, 0]])
    coarse = stitch([np.float32([[1, 3]])], [(0, 0, 2, 4)], (2, 4))
    assert np.allclose(coarse, [[1, 1.5, 2.5, 3]] * 2)


def test_tiles_name_what_is_wrong() -> None:
    with pytest.raises(OptionError, match=r"from 0 to 0\.9; received 1"):
        tiles((9, 9), (3, 3), 1)
    with pytest.raises(ImageError, match=r"received \(0, 9\) and \(3, 3\)"):
        tiles((0, 9), (3, 3))
    with pytest.raises(ImageError, match="received 0 maps for 1 boxes"):
        stitch([], [(0, 0, 1, 1)], (1, 1))
