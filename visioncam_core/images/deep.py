"""Files of more than 8 bits, of many bands, of volumes and series: what is in them, not scaled yet."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, BinaryIO

import attrs
import numpy as np

from visioncam_core.errors import ImageError, VisionCamError
from visioncam_core.images.colour import is_srgb
from visioncam_core.images.files import check_frame, check_sizes, named_array, note_of, opened, quoted, sniff
from visioncam_core.images.formats.dicom import dicom_files, read_dicom, read_series
from visioncam_core.images.formats.nifti import read_nifti
from visioncam_core.images.formats.numpy_files import read_npy, read_npz
from visioncam_core.images.formats.tiff import MEANING, ORIENTATION, Page, is_plain, pages_of, read_page
from visioncam_core.images.opencv import load_opencv
from visioncam_core.images.values import Raw

PROFILE = 34675
_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: a.swapaxes(0, 1)[::-1],
}  # EXIF's orientations


def read_deep(source: Any, max_pixels: int, channels: int | None, frame: int | None) -> list[Raw] | None:
    """Return what a file holds where Pillow would lose some of it; None of other files, which are left alone.

    Args:
        source: a path, a folder of DICOM files, or bytes.
        max_pixels: the most pixels of all together.
        channels: that the model takes; None where that is not known.
        frame: the only one that is returned, as one picture; None for all.

    Returns:
        The pages of a TIFF; of other files one, with its frames or slices in `Raw.values`.
    """
    label, part = "bytes", ""
    if not isinstance(source, bytes):
        label = os.fsdecode(os.fspath(source))
        if os.path.isdir(label):
            paths = dicom_files(label)
            if not paths:
                return None
            name = quoted(label)
            return _named([read_series(paths, name, max_pixels)], label, name, channels, frame)
        source, part = named_array(label)
    with opened(source) as (file, name):
        kind = sniff(file.read(512))
        file.seek(0)
        try:
            found = _read(file, kind, name, part, max_pixels, channels, frame)
        except (VisionCamError, MemoryError):
            raise
        except (
            ValueError,
            OSError,
            KeyError,
            EOFError,
            NotImplementedError,
            RuntimeError,
            SyntaxError,
        ) as error:
            if kind not in ("NumPy array", "NumPy archive"):
                return None  # a TIFF: Pillow says how it is damaged
            raise ImageError(
                f"{name}: truncated or damaged {kind} ({type(error).__name__}); save it again"
            ) from error
    return None if found is None else _named(found, label, name, channels, None if kind == "TIFF" else frame)


def _named(found: list[Raw], label: str, name: str, channels: int | None, frame: int | None) -> list[Raw]:
    """Return what was read with its source; of a stack the one picture that `frame` names."""
    if frame is not None:
        found = [_one_of(raw, frame, channels, name) for raw in found]
    return [attrs.evolve(raw, source=label) for raw in found]


def _one_of(raw: Raw, frame: int, channels: int | None, name: str) -> Raw:
    values, affine, count, axis = raw.values, raw.affine, count_of(raw, channels), raw.across
    if not 2 <= values.ndim <= 4 or not values.size:
        raise ImageError(
            f"{name}: holds an array of shape {values.shape}, which is neither a picture nor a series; "
            "load it, and pass a part of it, or model input"
        )
    check_frame(frame, count or 1, name)
    if count is not None:
        values = values.take(frame, axis)
        if affine is not None:
            kept = [k for k in range(3) if k != axis]
            affine = np.column_stack([affine[:, [*kept, axis]], affine[:, 3] + frame * affine[:, axis]])
    if values.ndim == 3 and _channels(values.shape, channels) == 0:
        values = np.moveaxis(values, 0, -1)
    values = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
    notes = (*note_of(frame, count or 1), *raw.notes)
    return attrs.evolve(raw, values=values, affine=affine, notes=notes, volume=False)


def count_of(raw: Raw, channels: int | None = None) -> int | None:
    """Return how many pictures follow each other in what a file holds; None where it is a single one."""
    values = raw.values
    alone = values.ndim == 3 and not raw.volume and _channels(values.shape, channels) is not None
    return None if values.ndim < 3 or alone else values.shape[raw.across]


def _channels(shape: tuple[int, ...], channels: int | None) -> int | None:
    """Return which axis of three looks to be channels, the last or the first; None for neither."""
    if shape[-1] in (1, 3, 4, channels):
        return -1
    return 0 if shape[0] in ((1, 3, 4) if channels is None else (channels,)) else None


def _read(
    file: BinaryIO,
    kind: str | None,
    name: str,
    part: str,
    max_pixels: int,
    channels: int | None,
    frame: int | None,
) -> list[Raw] | None:
    if kind == "DICOM":
        return [read_dicom(file, name, max_pixels)]
    if kind == "NIfTI":
        return [read_nifti(file, name, max_pixels)]
    if kind == "NumPy array":
        return [Raw(read_npy(file, name, max_pixels))]
    if kind == "NumPy archive":
        return [Raw(read_npz(file, name, part, max_pixels))]
    if part:
        raise ImageError(
            f"{name}: is not an .npz file, and {part!r} names an array in one; pass the file alone"
        )
    if kind != "TIFF":
        return None
    data = file.read()
    pages = pages_of(data)
    if pages is None or is_plain(pages, channels) or not all(_own_colours(page) for page in pages):
        return None
    if frame is not None:
        check_frame(frame, len(pages), name)
        raw = _of_page(data, pages[frame], max_pixels, name, channels)
        return [attrs.evolve(raw, notes=(*note_of(frame, len(pages)), *raw.notes))]
    check_sizes([page.size for page in pages], max_pixels, name)
    return [_of_page(data, page, max_pixels, name, channels) for page in pages]


def _own_colours(page: Page) -> bool:
    """Return whether values can stay as they are: a colour profile is for Pillow, which converts 8 bits."""
    profile = page.tags.get(PROFILE)
    return profile is None or page.bands < 3 or is_srgb(profile)


def _of_page(data: bytes, page: Page, max_pixels: int, name: str, channels: int | None) -> Raw:
    values = read_page(data, page, max_pixels, name)
    notes: list[str] = []
    if page.opaque >= 0 and page.bands in (2, 4):
        values = on_white(values, page.extra[-1] == 1, notes)
    elif page.bands == 4 and page.tags.get(MEANING) == 2 and channels != 4:
        values = values[..., :3]
        notes.append("the first 3 of its 4 bands; a model with 4 channels gets all of them")
    values = upright(values, page.tags.get(ORIENTATION, 1), notes)
    return Raw(values, "", tuple(notes), inverted=page.tags.get(MEANING) == 0)


def upright(values: np.ndarray, orientation: int, notes: list[str]) -> np.ndarray:
    if orientation not in _TURNS:
        return values
    notes.append("turned upright as its EXIF orientation says")
    return np.ascontiguousarray(_TURNS[orientation](values))


def on_white(values: np.ndarray, multiplied: bool, notes: list[str]) -> np.ndarray:
    """Return grey (H, W) or colour (H, W, 3) of values whose last band is opacity; no hidden value shows."""
    white = 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)
    flat = values[..., 0] if values.shape[-1] == 2 else values[..., :-1]
    opacity = values[..., -1].astype(np.float64) / white
    if opacity.min(initial=1.0) >= 1:
        return np.ascontiguousarray(flat)
    notes.append("transparent parts shown on white")
    opacity = opacity if flat.ndim == 2 else opacity[..., None]
    laid = flat * (1.0 if multiplied else opacity) + (1 - opacity) * white
    return (laid if values.dtype.kind == "f" else np.rint(laid)).astype(values.dtype)


def deep_png(data: bytes, grey: bool, orientation: int, label: str) -> Raw:
    """Return a 16-bit PNG in colour or with opacity, which Pillow would read as 8 bits."""
    cv2 = load_opencv()
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise ValueError("OpenCV reads no picture")
    notes: list[str] = []
    if values.ndim == 3:
        values = values[..., [2, 1, 0, 3][: values.shape[-1]]]
        values = on_white(values, False, notes) if values.shape[-1] == 4 else values
    if grey and values.ndim == 3:
        values = np.ascontiguousarray(values[..., 0])
    return Raw(upright(values, orientation, notes), label, tuple(notes))
