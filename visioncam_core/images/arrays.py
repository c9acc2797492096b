"""Checks on arrays and tensors that are handed over as model input."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from visioncam_core.engine.model_inputs import ModelInput
from visioncam_core.errors import ImageError, ImageTypeError
from visioncam_core.images.values import Frame
from visioncam_core.ops import to_numpy
from visioncam_core.text import brief, error_text

KINDS = "an image is a path, bytes, a Pillow image, an array or a tensor"


def is_picture(value: Any, rank: int) -> bool:
    """Return whether a value is one picture, to be fitted to an image input with `rank` spatial axes.

    With three it is a clip: a file of frames, or (T, H, W) or (T, H, W, C) uint8.
    """
    if isinstance(value, str | os.PathLike | bytes | bytearray | memoryview | Frame):
        return True
    if hasattr(value, "getexif") and hasattr(value, "convert"):
        return True
    dtype = getattr(value, "dtype", None)
    return (
        str(getattr(dtype, "name", dtype)) == "uint8"
        and rank in (2, 3)
        and len(getattr(value, "shape", ())) in (rank, rank + 1)
    )


def has_16_bits(value: Any) -> bool:
    return str(getattr(value, "dtype", "")).rpartition(".")[2] in ("uint16", "int16")


def has_channels_first(value: Any, channels: int | None = None) -> bool:
    """Return whether an array is a picture as PyTorch reads files: (C, H, W)."""
    if not isinstance(value, np.ndarray) or value.ndim != 3:
        return False
    usual = (1, 3, 4, channels)
    return value.shape[0] in usual and value.shape[2] not in usual


def is_number(value: Any) -> bool:
    """Return whether what lists hold within each other is a number: they are one array."""
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return isinstance(value, int | float)


def as_array(value: Any, kinds: str = KINDS) -> np.ndarray:
    """Return an array, a tensor or nested lists as a numeric array, without a copy where that can be.

    Raises:
        ImageTypeError: text, objects, complex numbers, booleans, masked values, or no array at all; the
            message begins with `kinds`, which says what would have been right.
    """
    kind = type(value).__name__
    given = value
    try:
        if hasattr(value, "numpy"):
            value = to_numpy(value)
            value = value if value.ndim or value.dtype.kind not in "SUO" else value[()]  # of a text
        arrays = hasattr(value, "__array__") or isinstance(value, list | tuple)
        if not arrays or isinstance(value, str | bytes):
            raise ImageTypeError(f"{kinds}; received {brief(given, 60)} of type {kind}{_instead(given)}")
        array = np.asarray(value)
    except ImageTypeError:
        raise
    except Exception as error:  # symbolic tensors, rows of several lengths, whatever __array__ raises
        raise ImageTypeError(
            f"the {kind} cannot be read as an array ({error_text(error)}); {kinds}"
        ) from error
    if np.ma.is_masked(value):
        raise ImageTypeError(
            f"the array of shape {array.shape} has masked values; fill them first (.filled(0))"
        )
    if array.dtype.kind in "USO" and array.ndim:
        raise ImageTypeError(
            f"{kinds}; received dtype {str(array.dtype)[:40]}, shape {array.shape}, not real numbers; "
            "convert it to float32, or pass several paths or pictures as a list"
        )
    if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
        raise ImageTypeError(
            f"an image array must hold real numbers, received dtype {str(array.dtype)[:40]} of shape "
            f"{array.shape}; convert it to float32 or uint8"
        )
    return array


def _instead(value: Any) -> str:
    if hasattr(value, "read"):
        return "; pass its bytes, .read()"
    several = hasattr(value, "__iter__") and not isinstance(value, str | bytes | Mapping)
    return "; make a list of it" if several else ""


def input_dtype(dtype: str, given: np.dtype[Any] | None = None) -> np.dtype[Any]:
    """Return the dtype in which a model input is passed; float32 where NumPy has no such type.

    Args:
        dtype: of the input; "" where the model does not say: whole numbers, which may be tokens, then stay.
        given: of what is passed.
    """
    if not dtype and given is not None and given.kind in "iu":
        return given
    return np.dtype(dtype if dtype.startswith(("float", "int", "uint")) else "float32")


def as_input(array: np.ndarray, dtype: str, what: str, copy: bool = True) -> np.ndarray:
    """Return an array of real numbers in the model's dtype; what does not fit is counted and located.

    Without `copy`, one that has it already is returned itself.

    Raises:
        ImageError: NaN or infinite values, values too large for the dtype, or fractions where it has none.
    """
    expected = input_dtype(dtype, array.dtype)
    if array.dtype.kind not in "iu":
        _refuse(
            ~np.isfinite(array), what, "that are NaN or infinite", "replace or remove them (numpy.nan_to_num)"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        cast = array.astype(expected, copy=copy)
        if expected == array.dtype:
            pass
        elif expected.kind == "f":
            _refuse(
                ~np.isfinite(cast), what, f"that are too large for the model's {expected}", "scale them down"
            )
        else:
            wrong = cast.astype(np.float64) != array.astype(np.float64)
            fix = "scale and round them yourself, or pass the picture as a uint8 array"
            _refuse(wrong, what, f"that the model's {expected} cannot hold", fix)
    return cast


def _refuse(bad: np.ndarray, what: str, fault: str, fix: str) -> None:
    """Raise an error with the number and the first position of the values marked."""
    count = int(np.count_nonzero(bad))
    if count:
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        values = "value" if count == 1 else "values"
        raise ImageError(f"{what} has {count} {values} {fault}, the first at {first}; {fix}")


def check_shape(array: np.ndarray, model_input: ModelInput, channels_first: bool) -> None:
    """Raise an error unless one row of an input has the shape the model takes."""
    axes = model_input.shape
    if axes is None:
        return
    if not model_input.strict and len(axes) > 1 and array.ndim == len(axes):
        keep = 0 if channels_first else -1
        axes = tuple(n if i == keep % len(axes) else None for i, n in enumerate(axes))
    if fits(array.shape, axes) and 0 not in array.shape:
        return
    raise ImageError(
        f"{input_name(model_input)} takes shape {shape_text(axes)} (without the batch axis), received "
        f"{array.shape}; {_hint(array.shape, axes, channels_first)}"
    )


def check_size(size: tuple[int, int], model_input: ModelInput, channels_first: bool) -> None:
    """Raise an error unless a picture was fitted to the (h, w) that the model must have."""
    shape = model_input.shape
    if shape is None or not model_input.strict:
        return
    axes = shape[1:] if channels_first else shape[:-1]
    if not fits(size, axes):
        taken = " x ".join("any" if n is None else str(n) for n in axes)
        raise ImageError(
            f"the preprocessing makes inputs of {size[0]} x {size[1]} and the model takes {taken}; pass the "
            "preprocessing it was trained with, or geometry='resize'"
        )


def shape_text(axes: Sequence[int | None]) -> str:
    return "(" + ", ".join("any" if n is None else str(n) for n in axes) + ("," * (len(axes) == 1)) + ")"


def input_name(model_input: ModelInput) -> str:
    """Return how messages call an input: by its name, unless Keras made that up."""
    made_up = model_input.name.startswith("keras_tensor") or model_input.name.isdigit()
    return "the model" if made_up else f"input {model_input.name!r}"


def fits(shape: tuple[int, ...], axes: tuple[int | None, ...]) -> bool:
    """Return whether an array of this shape can be passed where these axes are taken; None is open."""
    return len(shape) == len(axes) and all(w is None or w == n for w, n in zip(axes, shape, strict=True))


def _hint(shape: tuple[int, ...], axes: tuple[int | None, ...], channels_first: bool) -> str:
    if 0 in shape:
        return "it is empty"
    if len(axes) < 2:
        return f"pass {'any number of' if None in axes else axes[0]} numbers"
    channels = axes[0] if channels_first else axes[-1]
    if len(shape) == len(axes) + 1:
        return "a list holds single images; pass a batch as one array"
    if len(shape) == len(axes) - 1 and len(shape) > 1:
        return f"it has no channel axis; repeat it to {channels} channels (numpy.stack)"
    what = "signal" if len(axes) == 2 else "image"
    if len(shape) != len(axes):
        return f"pass one {what} with its channels, or a batch of them"
    moved = (*shape[1:], shape[0]) if not channels_first else (shape[-1], *shape[:-1])
    if fits(moved, axes):
        if channels_first and len(axes) == 3:
            return (
                "its channels seem to be last; move them with array.transpose(2, 0, 1), numpy.moveaxis or "
                "tensor.permute(2, 0, 1); or, where the model takes them so, set_model_card(model, "
                "ModelCard(channels_first=False))"
            )
        return "its channels seem to be on the other side; move them with numpy.moveaxis"
    place = next((i for i, n in enumerate(shape) if fits((*shape[:i], *shape[i + 1 :], n), axes)), None)
    if place is not None and not channels_first:
        return f"its channels seem to be axis {place}; move them with numpy.moveaxis(array, {place}, -1)"
    if not channels_first and fits((*shape[1:], 1), axes):
        return f"it looks like {shape[0]} {what}s without a channel axis; add it: array[..., None]"
    has = shape[0] if channels_first else shape[-1]
    if has == 4 and channels == 3:
        return "drop or blend the alpha channel, or pass the picture file itself"
    if channels is not None and has != channels:
        return f"it has {has} channels where the model takes {channels}"
    if len(axes) == 2:
        return "cut or resample it"
    return (
        "resize it, or pass the picture itself (a path or a uint8 array), which is fitted; with "
        "window=(low, high) so is this array"
    )


def is_dataset(value: Any) -> bool:
    return hasattr(value, "element_spec") and hasattr(value, "cardinality") and hasattr(value, "batch")
