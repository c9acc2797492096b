"""DICOM files, and folders of them as one volume.

Only the tags named here are ever read: none that tells who the patient is, so that no message, picture or
result can.  Read by pydicom, the extra `dicom`.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np

from visioncam_core.errors import BackendError, ImageError
from visioncam_core.images.files import opened, quoted, sniff
from visioncam_core.images.formats.slices import affine_of, numbers_of, sorted_slices, tag_of
from visioncam_core.images.values import Range, Raw
from visioncam_core.text import listing

_HEADER = (
    "SeriesInstanceUID", "InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
    "SliceThickness", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation",
    "PlanarConfiguration", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "RescaleSlope",
    "RescaleIntercept", "WindowCenter", "WindowWidth", "VOILUTFunction", "ModalityLUTSequence",
    "VOILUTSequence", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
    *(f"{one}PaletteColorLookupTable{part}" for one in ("Red", "Green", "Blue")
      for part in ("Descriptor", "Data")),
)  # fmt: skip
_PIXELS = (
    "PixelData", "FloatPixelData", "DoubleFloatPixelData", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
)  # fmt: skip
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_DECODERS = (  # beginnings of transfer syntaxes, and what decodes them
    (("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"), "pyjpegls"),
    (("1.2.840.10008.1.2.4.9", "1.2.840.10008.1.2.4.20"), "pylibjpeg pylibjpeg-openjpeg"),
    (("1.2.840.10008.1.2.4",), "pylibjpeg pylibjpeg-libjpeg"),
)


def read_dicom(file: BinaryIO, name: str, max_pixels: int) -> Raw:
    """Return the picture of an open file, its frames or its slices, in the units that its tags say.

    Raises:
        BackendError: pydicom is not installed.
        ImageError: damaged, without a picture, too large, or compressed as nothing installed can read.
    """
    data = _dataset(file, name, pixels=True)
    return _stack([(data, name)], max_pixels, name)


def dicom_files(folder: str) -> list[str]:
    """Return the DICOM files that lie in a folder, not in folders of it, in the order of their names."""
    found = []
    for entry in sorted(os.scandir(folder), key=lambda one: one.name):
        if entry.name.startswith(".") or entry.name.upper() == "DICOMDIR" or not entry.is_file():
            continue
        with opened(entry.path) as (file, _):
            if sniff(file.read(512)) == "DICOM":
                found.append(entry.path)
    return found


def read_series(paths: Sequence[str], name: str, max_pixels: int) -> Raw:
    """Return the slices of one series as a volume, sorted along the normal of their planes.

    Raises:
        ImageError: of several series, of several sizes or directions, or in no order; and as `read_dicom`.
    """
    heads = []
    for path in paths:
        with opened(path) as (file, own):
            heads.append(_dataset(file, own, pixels=False))
    series = list(dict.fromkeys(str(one.get("SeriesInstanceUID", "without a UID")) for one in heads))
    if len(series) > 1:
        raise ImageError(
            f"{name}: holds {len(series)} series, {listing(series[:4])}; put the files of one series into a "
            "separate folder, or pass a single file"
        )
    total = sum(_size(one, quoted(path)) for one, path in zip(heads, paths, strict=True))
    _check_total(total, max_pixels, name)
    full = []
    for path in paths:
        with opened(path) as (file, own):
            full.append((_dataset(file, own, pixels=True), own))
    return _stack(full, max_pixels, name)


def _pydicom() -> Any:
    try:
        import pydicom
    except ImportError as error:
        raise BackendError(
            f'DICOM files are read by pydicom ({error}); install it with: pip install "visioncam[dicom]"'
        ) from error
    return pydicom


def _dataset(file: BinaryIO, name: str, pixels: bool) -> Any:
    """Return the tags that are needed; what pydicom says of their values never leaves this function."""
    pydicom = _pydicom()
    if _DEFLATED in file.read(65_536):
        raise ImageError(f"{name}: is deflated DICOM, whose size is unknown; inflate it first (dcmconv +te)")
    file.seek(0)
    tags = [*_HEADER, *(_PIXELS if pixels else ())]
    try:
        data = pydicom.dcmread(file, stop_before_pixels=not pixels, specific_tags=tags)
    except Exception as error:
        raise _failure(name, error) from None
    _size(data, name)
    return data


def _failure(name: str, error: Exception) -> ImageError:
    if isinstance(error, MemoryError):
        return ImageError(f"{name}: there is not enough memory to read it; pass fewer slices")
    return ImageError(f"{name}: truncated or damaged DICOM ({type(error).__name__}); export it again")


def _size(data: Any, name: str) -> int:
    """Return the number of pixels that the header says, of all frames."""
    try:
        rows, columns, frames = (int(data.get(tag) or 1) for tag in ("Rows", "Columns", "NumberOfFrames"))
        good = "Rows" in data and "Columns" in data and min(rows, columns, frames) > 0
    except (TypeError, ValueError):
        good = False
    if not good:
        raise ImageError(f"{name}: this DICOM file holds no picture; pass one with pixels in it")
    return rows * columns * frames


def _check_total(total: int, max_pixels: int, name: str) -> None:
    if total > max_pixels:
        raise ImageError(
            f"{name}: {total:,} pixels, more than max_pixels={max_pixels:,}; pass fewer slices or raise "
            "max_pixels (--max-pixels)"
        )


def _stack(files: Sequence[tuple[Any, str]], max_pixels: int, name: str) -> Raw:
    """Return the frames of some files as one picture or stack."""
    _check_total(sum(_size(data, own) for data, own in files), max_pixels, name)
    frames: list[np.ndarray] = []
    owners: list[tuple[Any, int]] = []
    notes: list[str] = []
    for data, own in files:
        pixels = _pixels(data, own)
        several = int(data.get("NumberOfFrames") or 1) > 1
        for k, frame in enumerate(pixels if several else pixels[None]):
            frames.append(_rescaled(frame, data, k))
            owners.append((data, k))
        for tag, word in (("ModalityLUTSequence", "modality"), ("VOILUTSequence", "VOI")):
            if tag in data:
                notes.append(f"its {word} LUT was not applied")
    if len({frame.shape for frame in frames}) > 1:
        raise ImageError(f"{name}: its slices differ in size; leave out the others (localizers)")
    order, geometry = sorted_slices(owners, name, notes) if len(frames) > 1 else ([0], None)
    values = np.stack([frames[k] for k in order]) if len(frames) > 1 else frames[0]
    first = files[0][0]
    window = _window(first, notes) if first.get("SamplesPerPixel", 1) == 1 else None
    if len(frames) == 1:
        geometry = affine_of([owners[0]])
    inverted = str(first.get("PhotometricInterpretation", "")) == "MONOCHROME1"
    if inverted:
        notes.append("low values are bright (MONOCHROME1)")
    bits, notes = int(first.get("BitsStored") or 0), list(dict.fromkeys(notes))
    return Raw(values, "DICOM", tuple(notes), window, bits, inverted, geometry, len(frames) > 1)


def _pixels(data: Any, name: str) -> np.ndarray:
    pydicom = _pydicom()
    syntax: Any = getattr(getattr(data, "file_meta", None), "TransferSyntaxUID", None)
    kind = str(data.get("PhotometricInterpretation", ""))
    old = int(pydicom.__version__.split(".")[0]) < 3
    util = importlib.import_module("pydicom.pixel_data_handlers.util" if old else "pydicom.pixels")
    try:
        pixels: np.ndarray = data.pixel_array
        if kind == "PALETTE COLOR":
            pixels = util.apply_color_lut(pixels, data)
            return (pixels // 256).astype(np.uint8) if pixels.dtype == np.uint16 else pixels
        if kind.startswith("YBR_FULL") and old:
            pixels = util.convert_color_space(pixels, kind, "RGB")
        return pixels
    except Exception as error:
        if isinstance(error, MemoryError) or not getattr(syntax, "is_compressed", False):
            raise _failure(name, error) from None
        packages = next((need for heads, need in _DECODERS if str(syntax).startswith(heads)), "pydicom")
        raise ImageError(
            f"{name}: its pixels are compressed ({syntax.name}) and not decoded; unless they are damaged: "
            f"pip install {packages}"
        ) from None


def _rescaled(frame: np.ndarray, data: Any, number: int) -> np.ndarray:
    slope, intercept = (numbers_of(tag_of(data, tag, number)) for tag in ("RescaleSlope", "RescaleIntercept"))
    if frame.ndim > 2 or not (slope and intercept) or (slope[0], intercept[0]) == (1.0, 0.0):
        return frame
    return (frame.astype(np.float64) * slope[0] + intercept[0]).astype(np.float32)


def _window(data: Any, notes: list[str]) -> Range | None:
    """Return the first window that the tags name, from the value that is black to the one that is white."""
    centre, width = (numbers_of(tag_of(data, tag)) for tag in ("WindowCenter", "WindowWidth"))
    if not centre or not width or width[0] < 1:
        return None
    c, w = centre[0], width[0]
    shape = str(tag_of(data, "VOILUTFunction") or "LINEAR")
    if shape == "SIGMOID":
        notes.append("its sigmoid window is treated as linear")
    if shape == "LINEAR" and w > 1:  # DICOM PS3.3, C.11.2.1.2
        low, high = c - 0.5 - (w - 1) / 2, c - 0.5 + (w - 1) / 2
    else:
        low, high = c - w / 2, c + w / 2
    notes.append(f"window from its tags, {low:g} to {high:g}; window= sets another")
    return low, high
