"""Whatever the picture is handed over as: same pixels, nothing modified, wrong values named."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import colours, encoded
from PIL import Image, ImageFile

from visioncam_core.errors import ImageError, ImageTypeError, OptionError, OptionTypeError
from visioncam_core.images.decode import load_picture, match_channels


def test_every_source_gives_the_same_pixels(tmp_path: Path) -> None:
    path = tmp_path / "named.jpg"  # a PNG file all the same
    path.write_bytes(encoded(colours(), "PNG"))
    data = path.read_bytes()
    with Image.open(path) as lazy:
        sources = [
            str(path),
            path,
            data,
            bytearray(data),
            memoryview(data),
            lazy,
            Image.fromarray(colours()),
            colours(),
        ]
        pictures = [load_picture(source) for source in sources]
    for picture in pictures:
        assert np.array_equal(picture.pixels, colours())
    labels = [picture.source for picture in pictures]
    assert labels == [str(path), str(path), "bytes", "bytes", "bytes", "image", "image", "array"]


def test_arrays_are_copied_and_left_alone() -> None:
    array = colours()[::-1, ::2]
    array.setflags(write=False)
    before = array.copy()
    picture = load_picture(array)
    assert not np.shares_memory(picture.pixels, array)
    assert np.array_equal(picture.pixels, before)
    assert load_picture(array[..., :1]).pixels.shape == array.shape[:2]
    assert load_picture(np.zeros((3, 4, 8), np.uint8)).pixels.shape == (3, 4, 8)


def test_a_pillow_image_is_not_modified() -> None:
    image = Image.fromarray(np.dstack([colours(), colours()[..., 0]]))
    image.info["transparency"] = None
    before = image.copy()
    load_picture(image)
    assert (image.mode, image.size, image.tobytes()) == (before.mode, before.size, before.tobytes())
    with pytest.raises(ImageError, match=r"frame=2 is for files; .* seek\(2\) first"):
        load_picture(image, frame=2)


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (np.zeros((3, 3)), ImageTypeError, "uint8, or of 16 bits; received float64"),
        (np.zeros((3, 3), bool), ImageTypeError, "received bool"),
        (np.zeros(3, np.uint8), ImageError, r"received \(3,\)"),
        (np.zeros((2, 3, 4, 3), np.uint8), ImageError, r"received \(2, 3, 4, 3\)"),
        (np.zeros((0, 3, 3), np.uint8), ImageError, r"received \(0, 3, 3\)"),
        (12, ImageTypeError, "received int"),
        (None, ImageTypeError, "received NoneType"),
    ],
)
def test_other_sources_are_refused(source: object, error: type[ImageError], words: str) -> None:
    with pytest.raises(error, match=words):
        load_picture(source)


@pytest.mark.parametrize("name", ["max_pixels", "frame"])
def test_options_are_checked(name: str) -> None:
    for value in (True, 1.5, "2", None):
        with pytest.raises(OptionTypeError, match=f"{name} must be a whole number.*received {value!r}"):
            load_picture(colours(), **{name: value})
    with pytest.raises(OptionError, match=f"{name} must be at least .*received -1"):
        load_picture(colours(), **{name: -1})


def test_channels_are_matched_where_there_is_an_agreed_way() -> None:
    grey, rgb = colours()[..., 0], colours()
    assert np.array_equal(match_channels(grey, 3), np.dstack([grey] * 3))
    assert np.array_equal(match_channels(grey, 1)[..., 0], grey)
    assert np.array_equal(match_channels(rgb, 1)[..., 0], np.asarray(Image.fromarray(rgb).convert("L")))
    assert match_channels(rgb, 3) is rgb
    with pytest.raises(
        ImageError, match="the picture has 4 channels and the model takes 3; drop or blend the alpha"
    ):
        match_channels(np.zeros((2, 2, 4), np.uint8), 3)
    with pytest.raises(ImageError, match="the picture has 3 channels and the model takes 8; pass an array"):
        match_channels(rgb, 8)


def test_nothing_global_changes_and_threads_do_not_mix() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    wanted = [np.full((9, 9 + n, 3), n, np.uint8) for n in range(16)]
    files = [encoded(pixels, ("PNG", "TIFF", "BMP", "GIF")[n % 4]) for n, pixels in enumerate(wanted)]
    wrong: list[int] = []

    def work(n: int) -> None:
        for _ in range(5):
            if not np.array_equal(load_picture(files[n]).pixels, wanted[n]):
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)) == before
