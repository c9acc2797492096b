"""Files that are not what they seem: refused in time, by name, with the reason."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support_pictures import chunk, colours, encoded, png_header, smooth

from visioncam_core.errors import ImageError, ImageNotFoundError, VisionCamError
from visioncam_core.geometry import fit
from visioncam_core.images import load_picture
from visioncam_core.picture_files import FORMATS, silence_libtiff, sniff


def refusal(source: object, **options: int) -> str:
    """Return the message of the error that loading raises, having checked its form."""
    with pytest.raises(ImageError) as caught:
        load_picture(source, **options)
    message = str(caught.value)
    assert isinstance(caught.value, VisionCamError | ValueError)
    assert len(message) <= 200
    assert message.isprintable()
    assert "object at 0x" not in message
    return message


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFoundError, match=r"'.*cat\.jpg': no such file; check the path") as caught:
        load_picture(tmp_path / "cat.jpg")
    assert isinstance(caught.value, FileNotFoundError)
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    with pytest.raises(ImageNotFoundError, match=r"'cat\.jpg': no such file; check the path and the working"):
        load_picture("cat.jpg")
    with pytest.raises(ImageNotFoundError, match="URLs are not fetched; download the picture"):
        load_picture("https://example.org/cat.jpg")
    with pytest.raises(ImageNotFoundError, match="no such file"):
        load_picture("")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ImageNotFoundError, match="no such file"):
        load_picture(tmp_path / "file" / "cat.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_only_regular_files_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    os.mkfifo("pipe.png")
    os.symlink("nowhere.png", "link.png")
    os.symlink("loop.png", "loop.png")
    os.mkdir("folder.png")
    seen: list[str] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        names = [
            "pipe.png",
            "link.png",
            "loop.png",
            "folder.png",
            "socket.png",
            "/dev/zero",
            "cat\0.png",
            "n" * 300,
        ]
        worker = threading.Thread(target=lambda: seen.extend(refusal(name) for name in names), daemon=True)
        worker.start()
        worker.join(5)
    assert not worker.is_alive(), f"hangs after {seen}"
    words = [
        r"'pipe.png': is a named pipe (FIFO), which could block for ever; pass a regular file or the bytes",
        r"'link.png': is a link to 'nowhere.png', which does not exist; mend the link",
        r"'loop.png': cannot be read (too many levels of symbolic links); check the path and its permissions",
        r"'folder.png': is a folder; pass a file in it, or run `visioncam batch` on the folder",
        r"'socket.png': is a socket; pass a regular file or the bytes",
        r"'/dev/zero': is a character device; pass a regular file or the bytes",
        r"'cat\x00.png': cannot be read (embedded null byte); check the path and its permissions",
        "'…" + "n" * 87 + "': cannot be read (file name too long); check the path and its permissions",
    ]
    assert seen == words


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(encoded(colours(), "PNG"))
    path.chmod(0)
    assert "cannot be read (permission denied)" in refusal(path)


def test_a_link_to_a_picture_is_followed(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(encoded(colours(), "PNG"))
    os.symlink("cat.png", tmp_path / "link")
    assert np.array_equal(load_picture(tmp_path / "link").pixels, colours())


def test_names_are_made_harmless(tmp_path: Path) -> None:
    path = tmp_path / "cat\x1b[31m\n.png"
    path.write_bytes(b"text")
    assert "cat\\x1b[31m\\n.png'" in refusal(path)


def noise() -> np.ndarray:
    """Return pixels that no format can make small, so that a cut falls into the pixel data."""
    return np.random.default_rng(1).integers(0, 256, (48, 64, 3)).astype(np.uint8)


def cut(kind: str, share: float = 0.6) -> bytes:
    data = encoded(noise(), kind)
    return data[: int(share * len(data))]


def bad_crc() -> bytes:
    data = bytearray(encoded(noise(), "PNG"))
    data[30] ^= 1  # in the checksum of the header
    return bytes(data)


def bad_pixels() -> bytes:
    data = bytearray(encoded(noise(), "PNG"))
    data[45] ^= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (cut("JPEG"), "truncated or damaged JPEG (image file is truncated"),
        (cut("PNG"), "truncated or damaged PNG ("),
        (cut("PNG", 0.001), "truncated or damaged PNG ("),
        (bad_pixels(), "truncated or damaged PNG (broken data stream"),
        (bad_crc(), "truncated or damaged PNG (broken PNG file (bad header checksum"),
        (cut("WEBP"), "truncated or damaged"),
        (cut("BMP"), "truncated or damaged BMP (image file is truncated"),
        (cut("TIFF"), "truncated or damaged"),
        (cut("GIF"), "truncated or damaged GIF (image file is truncated"),
        (b"", "is empty (0 bytes)"),
        (b"hello world, no picture\n", "is not an image (it begins with b'hello world,')"),
        (b"\n<!DOCTYPE html><html><body>404</body>", "is an HTML page, not an image"),
        (b"\x93NUMPY\x01\0v\0", "is not an image"),
    ],
)
def test_damaged_files_say_what_is_wrong(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    message = refusal(path)
    assert "photo.jpg': " + words in message
    assert refusal(data).startswith("bytes: " + words)
    with pytest.raises(ImageError) as caught:
        load_picture(data)
    assert (caught.value.__cause__ is not None) == ("truncated" in words)


@pytest.mark.parametrize(
    ("start", "title"),
    [
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'>", "SVG"),
        (b"%PDF-1.7\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "EPS"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "MP4 video"),
        (b"8BPS\0\1", "PSD"),
        (b"\0\0\1\0\1\0", "ICO"),
        (b"P6 2 2 255\n", "PNM"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    ],
)
def test_other_formats_are_named_and_the_allowed_ones_listed(start: bytes, title: str) -> None:
    message = refusal(start + bytes(100))
    assert (
        message == f"bytes: format not enabled: {title}; convert it to one of PNG, JPEG, WebP, BMP, TIFF, GIF"
    )


@pytest.mark.parametrize("title", FORMATS)
def test_content_decides_not_the_name(title: str, tmp_path: Path) -> None:
    path = tmp_path / "cat.txt"
    path.write_bytes(encoded(smooth(), title))
    assert sniff(path.read_bytes()) == title
    assert load_picture(path).pixels.shape == (48, 64, 3)


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
from visioncam_core.images import load_picture
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


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a file cut short, or with some bytes changed, mostly near its start."""
    if rng.random() < 0.3:
        return data[: rng.integers(0, len(data))]
    changed = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        place = int(min(rng.exponential(0.2), 0.999) * len(data))
        changed[place] = (
            rng.integers(0, 256) if rng.random() < 0.5 else changed[place] ^ (1 << rng.integers(0, 8))
        )
    return bytes(changed)


SEEDS: dict[str, Callable[[], bytes]] = {
    "png": lambda: encoded(smooth(), "PNG"),
    "png16": lambda: encoded(smooth()[..., 0].astype(np.uint16) * 257, "PNG"),
    "palette": lambda: encoded(Image.fromarray(smooth()).quantize(16), "PNG", transparency=3),
    "jpeg": lambda: encoded(smooth(), "JPEG"),
    "progressive": lambda: encoded(smooth(), "JPEG", progressive=True),
    "cmyk": lambda: encoded(Image.fromarray(smooth()).convert("CMYK"), "JPEG"),
    "webp": lambda: encoded(smooth(), "WEBP"),
    "tiff": lambda: encoded(smooth(), "TIFF"),
    "lzw": lambda: encoded(smooth(), "TIFF", compression="tiff_lzw"),
    "gif": lambda: encoded(smooth(), "GIF"),
    "bmp": lambda: encoded(smooth(), "BMP"),
}


@pytest.mark.parametrize("kind", SEEDS)
def test_damage_gives_a_picture_or_an_image_error(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A seeded sample; VISIONCAM_FUZZ=1000 runs that many of each kind."""
    silent = silence_libtiff()
    rng = np.random.default_rng(86)
    seed = SEEDS[kind]()
    outcomes = {"picture": 0, "refused": 0}
    for _ in range(int(os.environ.get("VISIONCAM_FUZZ", "40"))):
        data = mutated(seed, rng)
        began = time.monotonic()
        try:
            picture = load_picture(data)
        except ImageError:
            outcomes["refused"] += 1
        else:
            assert picture.pixels.dtype == np.uint8
            outcomes["picture"] += 1
        assert time.monotonic() - began < 5
    assert outcomes["refused"] > 0
    if silent or kind not in ("tiff", "lzw"):
        assert capfd.readouterr().err == ""


def test_a_file_may_change_into_a_pipe_between_the_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs named pipes")
    pipe, file = tmp_path / "pipe", tmp_path / "cat.png"
    os.mkfifo(pipe)
    file.write_bytes(encoded(colours(), "PNG"))
    regular = os.stat(file)
    monkeypatch.setattr(os, "stat", lambda *_, **__: regular)
    assert "is a named pipe" in refusal(str(pipe))


def test_libtiff_is_told_to_be_quiet() -> None:
    assert silence_libtiff() or sys.platform != "linux"


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
