"""The functions of the array API for TensorFlow's tensors: those of `keras.ops`, some under other names.

`visioncam_core.ops` finds this module by the name of the tensors' package.
"""

from __future__ import annotations

from typing import Any

import keras

astype, concat, permute_dims = keras.ops.cast, keras.ops.concatenate, keras.ops.transpose


def asarray(values: Any, device: Any = None) -> Any:
    """Return values as a tensor; TensorFlow places it by itself."""
    return keras.ops.convert_to_tensor(values)


def __getattr__(name: str) -> Any:
    """Return any other function of `keras.ops`."""
    return getattr(keras.ops, name)
