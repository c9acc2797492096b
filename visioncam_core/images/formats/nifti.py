"""NIfTI volumes, `.nii` and `.nii.gz`: axes and affine as stored.  Needs the extra `nifti`."""

from __future__ import annotations

import gzip
import math
from typing import Any, BinaryIO

import numpy as np

from visioncam_core.errors import BackendError, ImageError
from visioncam_core.images.values import Raw

FARTHEST = 16_000_000  # bytes in front of the values


def nibabel() -> Any:
    """Return the module; raises `BackendError`, with the extra to install, where it is missing."""
    try:
        import nibabel
    except ImportError as error:
        raise BackendError(
            f"NIfTI files are read and written by nibabel ({error}); install it with: pip install "
            '"visioncam[nifti]"'
        ) from error
    return nibabel


def read_nifti(file: BinaryIO, name: str, max_pixels: int) -> Raw:
    """Return the volume of an open file, in its own order of axes; a fourth axis stays, as channels.

    Raises:
        BackendError: nibabel is not installed.
        ImageError: damaged, too large, or of values that are no real numbers.
    """
    nib = nibabel()
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    try:
        with gzip.GzipFile(fileobj=file) if packed else _Kept(file) as stream:
            return _read(nib, stream, name, max_pixels)
    except (ImageError, BackendError):
        raise
    except MemoryError:
        raise ImageError(f"{name}: there is not enough memory to read it") from None
    except Exception as error:
        raise ImageError(
            f"{name}: truncated or damaged NIfTI ({type(error).__name__}); save it again"
        ) from error


class _Kept:
    """A file that stays open behind a `with` block."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def __enter__(self) -> BinaryIO:
        return self.file

    def __exit__(self, *error: object) -> None:
        pass


def _read(nib: Any, stream: Any, name: str, max_pixels: int) -> Raw:
    second = stream.read(8)[4:7] in (b"n+2", b"ni2")
    stream.seek(0)
    header = (nib.Nifti2Header if second else nib.Nifti1Header).from_fileobj(stream, check=False)
    if header["magic"].item()[:2] == b"ni":
        raise ImageError(f"{name}: is half of an .hdr/.img pair; save it as .nii")
    shape, dtype, start = header.get_data_shape(), header.get_data_dtype(), int(header["vox_offset"])
    size = math.prod(shape)
    if not size or len(shape) < 2 or not 0 <= start <= FARTHEST:
        raise ImageError(f"{name}: truncated or damaged NIfTI (shape {shape}); save it again")
    if size > max_pixels:
        raise ImageError(
            f"{name}: {size:,} values of shape {shape}, more than max_pixels={max_pixels:,}; cut it or raise "
            "max_pixels (--max-pixels)"
        )
    stream.seek(start)
    data = stream.read(size * dtype.itemsize)
    if len(data) < size * dtype.itemsize:
        raise ImageError(f"{name}: is truncated: its header says {shape} {dtype}; save it again")
    values = np.frombuffer(data, dtype).reshape(shape, order="F")
    notes: list[str] = []
    if dtype.fields:
        values = np.stack([values[part] for part in ("R", "G", "B")], axis=-1)
    elif dtype.kind not in "iuf":
        raise ImageError(f"{name}: holds {dtype}, not real numbers; save it as float32")
    while values.ndim > 3 and values.shape[3] == 1 and not dtype.fields:
        values = values[:, :, :, 0]
    slope, intercept = header.get_slope_inter()
    if slope is not None and (slope, intercept) != (1.0, 0.0):
        values = (values.astype(np.float64) * slope + (intercept or 0.0)).astype(np.float32)
    low, high = float(header["cal_min"]), float(header["cal_max"])
    window = (low, high) if np.isfinite([low, high]).all() and low < high else None
    if window is not None:
        notes.append(f"window from its header (cal_min, cal_max), {low:g} to {high:g}; window= sets another")
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    return Raw(values, "NIfTI", tuple(notes), window, affine=header.get_best_affine(), volume=True, across=2)
