"""Pictures that are too large are refused by their header; tiny and thin ones are not."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import chunk, colours, encoded, png_header, refusal, smooth
from PIL import Image

from visioncam_core.images.decode import load_picture
from visioncam_core.images.geometry import fit


def bombs() -> dict[str, bytes]:
    """Return small files whose headers promise huge pictures."""
    jpeg = bytearray(encoded(smooth(), "JPEG"))
    place = jpeg.index(b"\xff\xc0") + 5
    jpeg[place : place + 4] = struct.pack(">HH", 65000, 65000)
    bmp = bytearray(encoded(smooth(), "BMP"))
    bmp[18:26] = struct.pack("<ii", 40_000, 40_000)
    gif = bytearray(encoded(smooth(), "GIF"))
    gif[6:10] = struct.pack("<HH", 65535, 65535)
    webp = bytearray(encoded(smooth(), "WEBP", lossless=True))
    webp[21:25] = struct.pack("<I", (16383 << 14) | 16383)
    tiff = bytearray(encoded(smooth(), "TIFF"))
    wide = encoded(Image.new("1", (14_000, 14_000)), "PNG")
    for tag in (256, 257):
        entry = tiff.index(struct.pack("<HHI", tag, 4, 1))
        tiff[entry + 8 : entry + 12] = struct.pack("<I", 60_000)
    return {
        "2^31 x 2^31": png_header(2**31 - 1, 2**31 - 1),
        "1.6 Gpx": png_header(40_000, 40_000),
        "95 Mpx": png_header(10_000, 9_500),
        "196 Mpx": wide,
        "JPEG": bytes(jpeg),
        "BMP": bytes(bmp),
        "GIF": bytes(gif),
        "WebP": bytes(webp),
        "TIFF": bytes(tiff),
    }


def test_bombs_are_refused_from_the_header(tmp_path: Path) -> None:
    for name, data in bombs().items():
        message = refusal(data)
        assert "pixels" in message or "Image size" in message, (name, message)
    paths = []
    for name, data in bombs().items():
        paths.append(str(tmp_path / name))
        Path(paths[-1]).write_bytes(data)
    script = """
import sys, resource, io
from PIL import Image
from visioncam_core.images.decode import load_picture
def encoded(kind):
    file = io.BytesIO(); Image.new("RGB", (9, 9)).save(file, kind); return file.getvalue()
for kind in ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"):
    load_picture(encoded(kind))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        load_picture(path)
    except ValueError:
        continue
    print("decoded", path)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    if sys.platform != "linux":
        return
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", script, *paths], capture_output=True, text=True, env=env, check=True
    )
    assert int(done.stdout) < 20, f"{done.stdout} MB"


def test_the_limit_is_the_callers() -> None:
    data = encoded(Image.new("L", (20, 20)), "PNG")
    assert load_picture(data, max_pixels=400).pixels.shape == (20, 20)
    assert refusal(data, max_pixels=399) == (
        "bytes: 20 x 20 = 400 pixels, more than max_pixels=399; "
        "shrink the picture or raise max_pixels (--max-pixels)"
    )
    assert "Pillow image: 20 x 20" in refusal(Image.new("L", (20, 20)), max_pixels=399)


def test_the_limit_can_be_raised_above_pillows_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # stands for a picture of 200 Mpx, which takes 0.5 GB
    for title in ("PNG", "JPEG", "BMP", "GIF"):
        assert load_picture(encoded(smooth(), title)).pixels.shape == (48, 64, 3)


def test_a_side_above_the_limit() -> None:
    assert "40000 x 1 has a side above 32,767 pixels" in refusal(encoded(Image.new("1", (40_000, 1)), "PNG"))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (5000, 1), (1, 20_000), (3, 3)])
def test_tiny_and_thin_pictures(width: int, height: int) -> None:
    picture = load_picture(encoded(Image.new("RGB", (width, height), (9, 8, 7)), "PNG"))
    assert picture.pixels.shape == (height, width, 3)
    for geometry in ("resize", "center_crop", "letterbox"):
        values, view = fit(picture, (32, 32), geometry)
        assert values.shape == (32, 32, 3)
        heat = view.project(np.ones((4, 4), np.float32))
        assert heat.shape == (height, width)
        assert heat.max() == 1


def test_pillows_own_limit_and_memory_are_called_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert "bytes: too large for Pillow (Image size (3072 pixels)" in refusal(encoded(smooth(), "TIFF"))

    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "load", no_memory)
    assert refusal(Image.new("L", (3, 3))) == (
        "Pillow image: there is not enough memory to decode it; shrink the picture"
    )


def test_a_bomb_in_a_text_chunk() -> None:
    data = encoded(colours(), "PNG")
    text = chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(5_000_000)))
    assert "truncated or damaged PNG (Decompressed data too large" in refusal(data[:33] + text + data[33:])
