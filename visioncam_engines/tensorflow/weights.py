"""A model's fingerprint for records: which weights made a map."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np


def model_digest(model: Any) -> str:
    """Return the SHA-256 of a model's weights, 64 hexadecimal digits.

    It covers every weight's shape, type and bytes in the model's own order, not their names: a model that
    was saved and loaded again has the same one.

    Args:
        model: a built Keras model.
    """
    digest = hashlib.sha256()
    for weight in model.weights:
        values = np.asarray(weight.numpy() if hasattr(weight, "numpy") else weight)
        digest.update(f"{values.dtype} {values.shape}\n".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
