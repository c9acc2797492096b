"""Open a picture from a path or bytes; safe for untrusted files.

Nothing but a regular file is ever opened (a named pipe would hang for ever),
the format is read from the content and must be on a short list, and the size
comes from the header before a single pixel is decoded.  Pillow's plugins are
called one by one instead of through `Image.open`: its limit on pixels is a
global, and ours belongs to the call.
"""

from __future__ import annotations

import importlib
import io
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from visioncam_core.errors import ImageError, ImageNotFoundError

if TYPE_CHECKING:
    from PIL import Image

MAX_SIDE = 32_767
_NAMED = re.compile(r"(.+\.npz):([^/\\:]+)", re.IGNORECASE | re.DOTALL)
MOST_BANDS = 6  # that Pillow reads of a TIFF
_PARTS = ((273, 279), (324, 325))  # TIFF's tags for where strips, or tiles, lie and how long they are

# format -> (module of Pillow, what opens it)
FORMATS = {
    "PNG": ("PngImagePlugin", "PngImageFile"),
    "JPEG": ("JpegImagePlugin", "jpeg_factory"),
    "WebP": ("WebPImagePlugin", "WebPImageFile"),
    "BMP": ("BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("TiffImagePlugin", "TiffImageFile"),
    "GIF": ("GifImagePlugin", "GifImageFile"),
}
_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"BM", "BMP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"%PDF", "PDF"),
    (b"%!PS", "EPS"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"8BPS", "PSD"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"\x93NUMPY", "NumPy array"),
    (b"\x1aE\xdf\xa3", "Matroska video"),
    (b"version https://git-lfs", "Git LFS pointer"),
)
_CURES = {
    "Git LFS pointer": "it is a placeholder for the picture: git lfs pull",
}
_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}
_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "is a folder; pass a file in it, or run over all of them: visioncam batch"),
    (stat.S_ISFIFO, "is a named pipe (FIFO), which could block forever; pass a regular file or the bytes"),
    (stat.S_ISSOCK, "is a socket; pass a regular file or the bytes"),
    (stat.S_ISCHR, "is a character device; pass a regular file or the bytes"),
    (stat.S_ISBLK, "is a block device; pass a regular file or the bytes"),
)


def quoted(name: str) -> str:
    """Return a name fit for a one-line message: quoted, control characters escaped, at most 90 long."""
    text = ascii(name) if not name.isprintable() else f"'{name}'"
    return text if len(text) <= 90 else "'…" + text[-88:]


@contextmanager
def opened(source: str | os.PathLike[str] | bytes) -> Iterator[tuple[BinaryIO, str]]:
    """Open a path or bytes as a seekable binary file, with its name for messages.

    Raises:
        ImageNotFoundError: there is no such file.
        ImageError: it is not a regular file, or may not be read.
    """
    if isinstance(source, bytes):
        yield io.BytesIO(source), "bytes"
        return
    path = os.fsdecode(os.fspath(source))
    name = quoted(path)
    if path.startswith("data:"):
        raise ImageError(f"{name}: is a data URI, not a path; pass its bytes, decoded with base64.b64decode")
    try:
        mode = os.stat(path).st_mode
        _refuse_special(mode, name)
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise ImageNotFoundError(f"{name}: {_missing(path)}") from exc
    except ImageError:
        raise
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise ImageError(
            f"{name}: cannot be read ({reason.lower()}); check the path and its permissions"
        ) from exc
    with os.fdopen(descriptor, "rb") as file:
        _refuse_special(os.fstat(file.fileno()).st_mode, name)  # the name may point elsewhere by now
        yield file, name


def format_of(file: BinaryIO, name: str) -> str:
    """Return which of `FORMATS` the content of a file at its start is.

    Raises:
        ImageError: empty, not a picture, or a format that is not enabled.
    """
    start = file.read(512)
    file.seek(0)
    kind = sniff(start)
    if kind in FORMATS:
        return kind
    allowed = ", ".join(FORMATS)
    if not start:
        raise ImageError(f"{name}: is empty (0 bytes); download or save it again")
    if kind is not None and kind != "HTML":
        video = "pass its frames, as a list or a GIF" if kind.endswith("video") else ""
        cure = _CURES.get(kind) or video or f"convert it to one of {allowed}"
        raise ImageError(f"{name}: format not enabled: {kind}; {cure}")
    what = "is an HTML page, not an image" if kind else f"is not an image (it begins with {start[:12]!r})"
    raise ImageError(f"{name}: {what}; pass a picture in one of {allowed}")


def open_image(file: BinaryIO, kind: str, name: str) -> Image.Image:
    """Read a picture's header and nothing more; raises whatever Pillow raises on a damaged one.

    Raises:
        ImageError: a sound TIFF of a kind that Pillow has no mode for, such as one of eight bands.
    """
    bands, held = _holdings(file) if kind == "TIFF" else (0, "")
    try:
        if bands > MOST_BANDS:
            raise SyntaxError("more bands than Pillow reads")  # it would log that, too
        module, opener = FORMATS[kind]
        image: Image.Image = getattr(importlib.import_module(f"PIL.{module}"), opener)(file, "")
    except Exception as error:
        if not held:
            raise
        raise ImageError(
            f"{name}: holds {held}, which is not read from files; read it with a library for such files "
            "(tifffile.imread) and pass the array: uint8 is fitted, float is taken as model input"
        ) from error
    return image


def _holdings(file: BinaryIO) -> tuple[int, str]:
    """Return the bands of a TIFF and what it holds, in words; (0, "") where the file is not whole.

    Pillow has the same words for a kind it does not know as for a damaged file.
    """
    from PIL import TiffImagePlugin as Tiff

    try:
        tags = Tiff.ImageFileDirectory_v2(file.read(8))
        file.seek(tags.next)
        tags.load(file)
        where, length = (tuple(tags[tag]) for tag in _PARTS[Tiff.TILEOFFSETS in tags])
        whole = max(map(sum, zip(where, length, strict=True))) <= file.seek(0, os.SEEK_END)
        bands, bits = int(tags.get(Tiff.SAMPLESPERPIXEL, 1)), max(tags.get(Tiff.BITSPERSAMPLE, (1,)))
        numbers = {2: "signed integers", 3: "floats"}.get(max(tags.get(Tiff.SAMPLEFORMAT, (1,))), "values")
    except Exception:  # damaged: Pillow says how
        return 0, ""
    finally:
        file.seek(0)
    return (bands, f"{bands} band{'s' * (bands != 1)} of {bits}-bit {numbers}") if whole else (0, "")


def check_size(size: tuple[int, int], max_pixels: int, name: str) -> None:
    """Raise `ImageError` where (width, height), as the header says, is too large, or nothing."""
    width, height = size
    if width < 1 or height < 1:
        raise ImageError(f"{name}: has no pixels ({width} x {height}); pass a picture of at least 1 x 1")
    if width * height > max_pixels:
        raise ImageError(
            f"{name}: {width} x {height} = {width * height:,} pixels, more than max_pixels={max_pixels:,}; "
            "shrink the picture or raise max_pixels (--max-pixels)"
        )
    if max(width, height) > MAX_SIDE:
        raise ImageError(
            f"{name}: {width} x {height} has a side above {MAX_SIDE:,} pixels; cut the picture into parts"
        )


def check_sizes(sizes: Sequence[tuple[int, int]], max_pixels: int, name: str) -> None:
    """Raise `ImageError` where pictures of (width, height) have too many pixels together."""
    if sum(width * height for width, height in sizes) > max_pixels:
        raise ImageError(
            f"{name}: {len(sizes)} pictures of {sizes[0][0]} x {sizes[0][1]} are more than "
            f"max_pixels={max_pixels:,} together; shrink them or raise max_pixels (--max-pixels)"
        )


def check_frame(frame: int, count: int, name: str) -> None:
    if frame >= count:
        have = f"{count} frame" + ("s" if count > 1 else "")
        raise ImageError(f"{name}: frame={frame} does not exist; it has {have}, counted from 0")


def note_of(frame: int, count: int) -> tuple[str, ...]:
    return (f"frame {frame} of {count} (counted from 0)",) if count > 1 else ()


def sniff(start: bytes) -> str | None:
    """Return the format that a file's first bytes (512 are enough) tell, or None."""
    for beginning, kind in _BEGINNINGS:
        if start.startswith(beginning):
            return kind
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    if start[:4] == b"RIFF" and start[8:12] == b"AVI ":
        return "AVI video"
    if start[128:132] == b"DICM":
        return "DICOM"
    if start[344:348] in (b"n+1\0", b"ni1\0") or start[4:7] in (b"n+2", b"ni2") or is_packed_nifti(start):
        return "NIfTI"
    if start[:4] == b"PK\3\4" and start[30 : 30 + int.from_bytes(start[26:28], "little")].endswith(b".npy"):
        return "NumPy archive"
    if start[4:8] == b"ftyp":
        return (
            "AVIF" if start[8:12] in (b"avif", b"avis") else "HEIC" if start[8:12] in _BRANDS else "MP4 video"
        )
    if start[:1] == b"P" and start[1:2] in b"1234567fF" and start[2:3].isspace():
        return "PNM"
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    return "SVG" if text.startswith(b"<") and b"<svg" in text else None


def is_packed_nifti(start: bytes) -> bool:
    """Return whether a file that begins so is a NIfTI file packed by gzip."""
    if start[:2] != b"\x1f\x8b":
        return False
    try:
        head = zlib.decompressobj(31).decompress(start, 348)
    except zlib.error:
        return False
    return head[:4] in (b"\\\x01\0\0", b"\0\0\x01\\") or head[4:7] in (b"n+2", b"ni2")


def may_be_deep(source: Any) -> bool:
    """Return whether a path or bytes are of a kind that may hold more than an 8-bit picture."""
    if not isinstance(source, bytes):
        path = os.fsdecode(os.fspath(source))
        if os.path.isdir(path) or named_array(path)[1]:
            return True
    with opened(source) as (file, _):
        return sniff(file.read(512)) in ("TIFF", "DICOM", "NIfTI", "NumPy array", "NumPy archive")


def named_array(path: str) -> tuple[str, str]:
    """Return the file and the array of `file.npz:array`; the path and "" where it names no array."""
    match = None if os.path.exists(path) else _NAMED.fullmatch(path)
    return (match[1], match[2]) if match else (path, "")


def _refuse_special(mode: int, name: str) -> None:
    for test, message in _KINDS:
        if test(mode):
            raise ImageError(f"{name}: {message}")
    if not stat.S_ISREG(mode):
        raise ImageError(f"{name}: is not a regular file; pass a regular file or the bytes")


def _missing(path: str) -> str:
    if "://" in path:
        return "URLs are not fetched; download the picture and pass the file or its bytes"
    if os.path.islink(path):
        return f"is a link to {quoted(os.readlink(path))}, which does not exist; fix the link"
    return "no such file; check the path" + ("" if os.path.isabs(path) else " and the working folder")
