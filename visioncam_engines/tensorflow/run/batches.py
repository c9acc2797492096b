"""Running work in bounded batches, halved when memory runs out; and bringing results home."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from visioncam_core.engine.counters import COUNTERS
from visioncam_core.errors import ModelError
from visioncam_core.text import said


@contextlib.contextmanager
def running(model: Any) -> Iterator[None]:
    """Turn TensorFlow's own errors inside the block into a `ModelError` that a user can read."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        name = getattr(model, "name", "model")
        fix = (
            "pass a smaller batch_size=, or a smaller picture"
            if isinstance(error, tf.errors.ResourceExhaustedError)
            else "check that model(input) itself works on this machine"
        )
        raise ModelError(f"the model {name!r} failed while it ran ({said(error)}); {fix}") from error


def in_batches(count: int, size: int, run: Callable[[np.ndarray], Any]) -> Iterator[Any]:
    """Yield `run(indices)` for `count` items, at most `size` at a time.

    A batch that does not fit into memory is halved and tried again; the smaller size is kept.  One
    item that does not fit raises.
    """
    import tensorflow as tf

    start = 0
    while start < count:
        indices = np.arange(start, min(start + size, count), dtype=np.int32)
        try:
            result = run(indices)
        except (tf.errors.ResourceExhaustedError, MemoryError) as error:
            if len(indices) == 1 or "no space left" in str(error).lower():  # a full disk has the same name
                raise
            size = max(1, len(indices) // 2)
            COUNTERS.add("halved")
            continue
        yield result
        start += len(indices)


def home(tensor: Any) -> Any:
    """Return a tensor as methods see it: NumPy on the CPU, the tensor itself on an accelerator.

    Half precision is widened to float32, since sums over positions lose it.
    """
    import tensorflow as tf

    if tensor.dtype in (tf.float16, tf.bfloat16):
        tensor = tf.cast(tensor, tf.float32)
    if "CPU" in tensor.device or not tensor.device:
        return tensor.numpy()
    return tensor


def fed(values: Any, dtype: Any) -> Any:
    """Return changed pictures in the dtype a model takes; whole numbers are rounded and kept in range."""
    import tensorflow as tf

    values = tf.convert_to_tensor(values)
    if dtype.is_integer and values.dtype.is_floating:
        return tf.saturate_cast(tf.round(values), dtype)
    return tf.cast(values, dtype)


def in_place(images: Any, flat: Sequence[Any], place: int, channels_first: bool) -> list[Any]:
    """Return flat inputs with other pictures where the picture was; what was beside it is repeated.

    Args:
        images: (M, *space, C).
        flat: the flat inputs of one picture.
        place: of the picture among them.
        channels_first: whether the model takes (C, *space).
    """
    import tensorflow as tf

    count = int(images.shape[0])
    images = np.moveaxis(np.asarray(images), -1, 1) if channels_first else images
    images = fed(images, flat[place].dtype)
    return [images if i == place else tf.repeat(x, count, axis=0) for i, x in enumerate(flat)]


def joined(parts: list[Any]) -> Any:
    """Return one array or tensor from parts along the batch axis."""
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    import tensorflow as tf

    return tf.concat(parts, axis=0)
