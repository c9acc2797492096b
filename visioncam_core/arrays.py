"""Checks on arrays and tensors that are handed over as model input."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from visioncam_core.engine.inputs import ModelInput
from visioncam_core.errors import ImageError, ImageTypeError


def is_picture(value: Any, rank: int) -> bool:
    """Return whether a value is one picture, to be fitted to a model whose image input has `rank` spatial axes."""
    if isinstance(value, str | os.PathLike | bytes | bytearray | memoryview):
        return True
    if isinstance(value, np.ndarray):
        return value.dtype == np.uint8 and rank == 2 and value.ndim in (2, 3)
    if hasattr(value, "getexif") and hasattr(value, "convert"):
        return True
    dtype = getattr(value, "dtype", None)
    return (
        str(getattr(dtype, "name", dtype)) == "uint8"
        and rank == 2
        and len(getattr(value, "shape", ())) in (2, 3)
    )


def as_array(value: Any) -> np.ndarray:
    """Return the value as a numeric array; it is not copied where that can be avoided.

    Raises:
        ImageTypeError: text, objects, complex numbers, booleans, or something that is no array.
    """
    if hasattr(value, "numpy"):
        value = value.numpy()
    if not hasattr(value, "__array__") and not isinstance(value, list | tuple | int | float):
        raise ImageTypeError(
            f"an image is a path, bytes, a Pillow image, an array or a tensor; received {type(value).__name__}"
        )
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ImageTypeError(
            f"the image cannot be read as an array: {error}; pass equal shapes, or a list"
        ) from error
    if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
        raise ImageTypeError(
            f"an image array must hold real numbers, received dtype {array.dtype} of shape {array.shape}; "
            "convert it to float32 or uint8"
        )
    return array


def check_finite(array: np.ndarray, what: str) -> None:
    """Raise an error that counts and locates NaN and infinite values."""
    if array.dtype.kind != "f":
        return
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ImageError(
            f"{what} has {int(bad.sum())} NaN or infinite value{'s' if bad.sum() > 1 else ''}, the first at {first}; "
            "replace or remove them (numpy.nan_to_num)"
        )


def check_shape(array: np.ndarray, model_input: ModelInput, channels_first: bool) -> None:
    """Raise an error unless one row of an input has the shape the model takes."""
    wanted = model_input.shape
    if wanted is None:
        return
    if not model_input.strict and len(wanted) > 1 and array.ndim == len(wanted):
        keep = 0 if channels_first else -1
        wanted = tuple(n if i == keep % len(wanted) else None for i, n in enumerate(wanted))
    fits = array.ndim == len(wanted) and all(
        w is None or w == n for w, n in zip(wanted, array.shape, strict=False)
    )
    if fits and 0 not in array.shape:
        return
    text = "(" + ", ".join("any" if n is None else str(n) for n in wanted) + ")"
    hint = "resize it, or pass the picture itself (a path or a uint8 array), which is fitted"
    if array.ndim == 3 and len(wanted) == 3:
        other = tuple(array.shape[i] for i in ((2, 0, 1) if channels_first else (1, 2, 0)))
        if all(w is None or w == n for w, n in zip(wanted, other, strict=True)):
            hint = "its channels look to be on the other side; move them with numpy.moveaxis"
        elif array.shape[-1] == 4 and wanted[-1] == 3:
            hint = "drop or blend the alpha channel, or pass the picture file itself"
    raise ImageError(
        f"input {model_input.name!r} takes shape {text} (without the batch axis), received {array.shape}; {hint}"
    )
