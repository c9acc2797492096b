"""Running work in bounded batches, what goes wrong in them told plainly; and bringing results home."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from visioncam_core.engine import batches
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
    """Yield `run(indices)` for `count` items, at most `size` at a time, fewer once memory runs out."""
    return batches.in_batches(count, size, run, _exhausted)


def _exhausted(error: BaseException) -> bool:
    import tensorflow as tf

    full = "no space left" in str(error).lower()  # a full disk has the same name
    return isinstance(error, tf.errors.ResourceExhaustedError | MemoryError) and not full


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
