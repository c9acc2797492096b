"""Files that are not what they seem: refused in time, by name, with the reason."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import colours, encoded, noise, refusal, smooth

from visioncam_core.errors import ImageError, ImageNotFoundError
from visioncam_core.images.decode import load_picture
from visioncam_core.images.files import FORMATS, sniff


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
        r"'pipe.png': is a named pipe (FIFO), which could block forever; pass a regular file or the bytes",
        r"'link.png': is a link to 'nowhere.png', which does not exist; fix the link",
        r"'loop.png': cannot be read (too many levels of symbolic links); check the path and its permissions",
        r"'folder.png': is a folder; pass a file in it, or run over all of them: visioncam batch",
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
    seen: list[str] = []
    worker = threading.Thread(target=lambda: seen.append(refusal(str(pipe))), daemon=True)
    worker.start()
    worker.join(5)
    assert seen, "hangs"
    assert "is a named pipe" in seen[0]


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
        (b"\x93NUMPY\x01\0v\0", "truncated or damaged NumPy array"),
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
