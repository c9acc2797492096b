"""`.npy` and `.npz`: one array of a picture, a series or a volume; nothing is unpickled."""

from __future__ import annotations

import math
import zipfile
from contextlib import closing
from typing import BinaryIO

import numpy as np

from visioncam_core.errors import ImageError
from visioncam_core.text import listing


def read_npy(file: BinaryIO, name: str, max_pixels: int) -> np.ndarray:
    """Return the array of an open `.npy`; its header is read first, so that a false size costs nothing.

    Args:
        file: at its beginning.
        name: for messages.
        max_pixels: the most values, times the four channels of a picture.

    Raises:
        ImageError: too large, not of real numbers, or less than its header says.
    """
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = header(file)
    if dtype.kind not in "biuf" or dtype.hasobject:
        raise ImageError(f"{name}: holds {str(dtype)[:40]}, not real numbers; save it as float32 or uint8")
    size = math.prod(shape)
    if size > 4 * max_pixels:
        raise ImageError(
            f"{name}: {size:,} values of shape {shape}, more than four for each of "
            f"max_pixels={max_pixels:,}; cut it into parts or raise max_pixels (--max-pixels)"
        )
    data = file.read(size * dtype.itemsize)
    if len(data) < size * dtype.itemsize or not size:
        raise ImageError(f"{name}: is empty or truncated: its header says {shape} {dtype}; save it again")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    return array.astype(np.uint8) if dtype.kind == "b" else array.astype(dtype.newbyteorder("="), copy=False)


def read_npz(file: BinaryIO, name: str, array: str, max_pixels: int) -> np.ndarray:
    """Return one array of an open `.npz`: the only one, or the one that is named.

    Raises:
        ImageError: it holds several, or none of that name; and as `read_npy`.
    """
    with closing(zipfile.ZipFile(file)) as archive:
        names = [one.removesuffix(".npy") for one in archive.namelist() if one.endswith(".npy")]
        if not array and len(names) != 1:
            have = f"the arrays {listing(names[:9])}" if names else "no array"
            hint = f"; name one: {name.strip(chr(39))}:{names[0]}" if names else "; pass a picture"
            raise ImageError(f"{name}: holds {have}{hint}")
        if array and array not in names:
            raise ImageError(f"{name}: holds no array {array!r}; it has {listing(names[:9])}")
        with archive.open(f"{array or names[0]}.npy") as entry:
            return read_npy(entry, name, max_pixels)  # type: ignore[arg-type]
