"""What a picture looks like once it is loaded, whichever way it was stored."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.pictures import (
    P3,
    SIDES,
    chunk,
    colours,
    encoded,
    frames,
    p3_to_srgb,
    profile,
    smooth,
    stored,
    tiff,
)
from PIL import Image, ImageCms

from visioncam_core.errors import ImageError
from visioncam_core.images.decode import load_picture


@pytest.mark.parametrize("orientation", SIDES)
@pytest.mark.parametrize(("kind", "tolerance"), [("PNG", 0), ("TIFF", 0), ("WEBP", 0), ("JPEG", 5)])
def test_exif_orientation_is_applied(kind: str, tolerance: int, orientation: int) -> None:
    upright = smooth() if tolerance else colours()
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 98, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    picture = load_picture(encoded(stored(upright, orientation), kind, exif=exif, **options))
    assert picture.pixels.shape == upright.shape
    assert np.abs(picture.pixels.astype(int) - upright).max() <= tolerance
    if kind != "TIFF":  # Pillow turns a TIFF while decoding it
        assert bool(picture.notes) == (orientation != 1)


def test_a_damaged_exif_block_does_not_cost_the_picture() -> None:
    data = encoded(colours(), "PNG")
    damaged = data[:33] + chunk(b"eXIf", b"MM\0*\0\0\0\x08\0") + data[33:]
    picture = load_picture(damaged)
    assert np.array_equal(picture.pixels, colours())


def test_16_bit_grey_is_scaled_not_clipped() -> None:
    values = np.linspace(0, 65535, 96).round().astype(np.uint16).reshape(8, 12)
    for kind in ("PNG", "TIFF"):
        picture = load_picture(encoded(values, kind))
        assert picture.pixels.dtype == np.uint8
        assert np.array_equal(picture.pixels, np.floor(values / 257 + 0.5))
        np.testing.assert_allclose(picture.values, values / 257, rtol=1e-6)
        assert picture.notes == ("16-bit values scaled by 255/65535",)


def test_16_bit_grey_with_an_orientation_is_turned_too() -> None:
    values = np.arange(6, dtype=np.uint16).reshape(2, 3) * 257
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = load_picture(encoded(values, "PNG", exif=exif))
    assert picture.pixels.tolist() == [[3, 0], [4, 1], [5, 2]]


def test_12_bit_tiff_is_scaled_by_its_own_maximum() -> None:
    picture = load_picture(tiff(4, 1, 12, bytes([0x00, 0x0F, 0xFF, 0x80, 0x04, 0x01])))  # 0, 4095, 2048, 1025
    assert picture.pixels.tolist() == [[0, 255, 128, 64]]


@pytest.mark.parametrize("kind", [".png", ".tif"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_16_bit_colour_keeps_its_low_byte(kind: str, orientation: int) -> None:
    import cv2

    values = (colours() * 257.0 - 3 * (colours() > 9)).astype(np.uint16)
    data = cv2.imencode(kind, values[..., ::-1])[1].tobytes()
    if kind == ".png":
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = data[:33] + chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")) + data[33:]
    elif orientation > 1:
        return
    wanted = values if orientation == 1 else np.rot90(values, -1)
    picture = load_picture(data)
    np.testing.assert_allclose(picture.values, wanted / 257, rtol=1e-6)
    assert np.array_equal(picture.pixels, np.rint(wanted / 257))


@pytest.mark.parametrize("mode", ["F", "I"])
@pytest.mark.parametrize("form", ["file", "Pillow image"])
def test_values_without_a_range_are_scaled_from_their_own(mode: str, form: str) -> None:
    image = Image.fromarray(np.array([[-3, 0], [1, 7]], np.float32 if mode == "F" else np.int32))
    picture = load_picture(encoded(image, "TIFF") if form == "file" else image)
    assert np.array_equal(picture.values, np.float32([[0, 76.5], [102, 255]]))
    assert picture.notes == ("values scaled by their own range, -3 to 7; window= sets another",)


def test_grey_pictures_stay_grey() -> None:
    grey = colours()[..., 1]
    black_white = Image.fromarray(grey > 100)
    assert np.array_equal(load_picture(encoded(grey, "PNG")).pixels, grey)
    assert np.array_equal(load_picture(encoded(black_white, "PNG")).pixels, np.where(grey > 100, 255, 0))
    assert np.array_equal(load_picture(encoded(black_white, "TIFF")).pixels, np.where(grey > 100, 255, 0))


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
def test_palette_pictures_show_their_colours(kind: str) -> None:
    palette = Image.fromarray(np.repeat(np.uint8([[0, 1, 2]]), 2, axis=0)).convert("P")
    palette.putpalette([10, 20, 30, 200, 100, 50, 0, 255, 0])
    assert load_picture(encoded(palette, kind)).pixels[0].tolist() == [
        [10, 20, 30],
        [200, 100, 50],
        [0, 255, 0],
    ]


def test_cmyk_and_ycbcr_become_rgb() -> None:
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # magenta and yellow: red
    assert load_picture(encoded(cmyk, "TIFF")).pixels[3, 3].tolist() == [255, 0, 0]
    red = load_picture(encoded(cmyk, "JPEG", quality=98)).pixels.astype(int)
    assert np.abs(red - [255, 0, 0]).max() <= 3
    ycbcr = Image.fromarray(smooth()).convert("YCbCr")
    assert (
        np.abs(
            load_picture(encoded(ycbcr, "TIFF", compression="tiff_lzw")).pixels.astype(int) - smooth()
        ).max()
        <= 3
    )


def test_lab_becomes_srgb() -> None:
    lab = Image.new("LAB", (2, 2), (138, 128 + 80, 128 + 67))  # L 54, a 80, b 67: pure red
    pixel = load_picture(encoded(lab, "TIFF")).pixels[0, 0].astype(int)
    assert np.abs(pixel - [255, 0, 0]).max() <= 12


@pytest.mark.parametrize("colour", [(200, 100, 50), (60, 160, 90), (128, 128, 128)])
def test_an_icc_profile_is_followed(colour: tuple[int, int, int]) -> None:
    image = Image.new("RGB", (3, 2), colour)
    picture = load_picture(encoded(image, "PNG", icc_profile=profile(P3)))
    assert np.abs(picture.pixels[0, 0] - p3_to_srgb(colour)).max() <= 2
    assert picture.notes == ("colours converted to sRGB from the profile 'wide'",)


def test_an_srgb_profile_changes_nothing() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = load_picture(encoded(colours(), "PNG", icc_profile=srgb))
    assert np.array_equal(picture.pixels, colours())
    assert picture.notes == ()


@pytest.mark.parametrize("icc", [b"no profile", profile(P3)[:200], profile(P3, space=b"CMYK")])
def test_a_profile_that_does_not_fit_is_noted_and_left_out(icc: bytes) -> None:
    picture = load_picture(encoded(colours(), "PNG", icc_profile=icc))
    assert np.array_equal(picture.pixels, colours())
    assert "the colour profile could not be used" in picture.notes[0]


def test_hidden_colours_under_transparency_do_not_show() -> None:
    rgba = np.dstack([colours(), np.full((5, 7), 255, np.uint8)])
    rgba[1, 2] = (255, 0, 0, 0)
    rgba[1, 3] = (0, 0, 0, 51)
    picture = load_picture(encoded(rgba, "PNG"))
    assert picture.pixels[1, 2].tolist() == [255, 255, 255]
    assert picture.pixels[1, 3].tolist() == [204, 204, 204]
    assert np.array_equal(picture.pixels[2:], colours()[2:])
    assert picture.notes == ("transparent parts shown on white",)


def test_opaque_alpha_needs_no_note() -> None:
    rgba = np.dstack([colours(), np.full((5, 7), 255, np.uint8)])
    assert load_picture(encoded(rgba, "WEBP", lossless=True)).notes == ()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "LA", "I;16"])
def test_every_kind_of_transparency_is_laid_on_white(mode: str) -> None:
    """The left pixel is black and transparent, the right one is neither."""
    options: dict[str, object] = {"transparency": (0, 0, 0) if mode == "RGB" else 0}
    if mode == "LA":
        image, options = Image.fromarray(np.uint8([[[0, 0], [255, 255]]])), {}
    elif mode == "I;16":
        image = Image.fromarray(np.uint16([[0, 60 * 257]]))
    else:
        image = Image.fromarray(np.uint8([[0, 255]])).convert(mode)
    picture = load_picture(encoded(image, "PNG", **options))
    right = 60 if mode == "I;16" else 255
    assert picture.pixels.reshape(2, -1).tolist() == [
        [255] * picture.pixels[0, 0].size,
        [right] * picture.pixels[0, 0].size,
    ]
    assert "transparent parts shown on white" in picture.notes


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animations_and_pages(kind: str) -> None:
    data = frames(kind)
    first, last = load_picture(data), load_picture(data, frame=2)
    assert first.pixels.max() == 0
    assert first.notes[0] == "frame 0 of 3 (counted from 0)"
    assert np.unique(last.pixels).tolist() == [120]
    assert last.notes[0] == "frame 2 of 3 (counted from 0)"
    with pytest.raises(ImageError, match="bytes: frame=99 does not exist; it has 3 frames, counted from 0"):
        load_picture(data, frame=99)


def test_a_frame_of_a_still_picture() -> None:
    with pytest.raises(ImageError, match="frame=1 does not exist; it has 1 frame, counted"):
        load_picture(encoded(colours(), "PNG"), frame=1)


def test_a_page_larger_than_allowed_is_refused_before_it_is_decoded() -> None:
    data = encoded(Image.new("L", (4, 4)), "TIFF", save_all=True, append_images=[Image.new("L", (40, 40))])
    assert load_picture(data, max_pixels=100).pixels.shape == (4, 4)
    with pytest.raises(ImageError, match="40 x 40 = 1,600 pixels, more than max_pixels=100"):
        load_picture(data, max_pixels=100, frame=1)
