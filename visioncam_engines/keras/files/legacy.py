"""Files of Keras 2: opened with tf_keras where it is installed and Keras 3 cannot.

`tf_keras` imports any module that a file names and calls any function of TensorFlow, so what Keras 3 itself
refuses is refused here: modules that nobody named, and operations that are no arithmetic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

ENGINE = ("Functional", "Sequential", "Model", "InputLayer")
"""Classes of `keras.engine`, where Keras 2 has what makes a model."""
_ANY_CALL = ("ClassMethod", "InstanceMethod", "TensorFlowOpLayer")
OPERATIONS = ("TFOpLambda", "SlicingOpLambda", "InstanceProperty")
_ARITHMETIC = re.compile(
    r"((compat\.v1\.)?(math|nn)|__operators__|linalg|signal|bitwise|image|random|strings|keras\.activations)"
    r"\.\w+(\.\w+)?|abs|add(_n)?|arg(max|min|sort)|boolean_mask|broadcast_to|cast|clip_by_(value|norm)|concat|"
    r"cos|cosh|cumsum|divide|einsum|equal|exp|expand_dims|eye|fill|floor|gather(_nd)?|(greater|less)(_equal)?|"
    r"identity|logical_(and|not|or)|matmul|maximum|meshgrid|minimum|multiply|negative|norm|not_equal|one_hot|"
    r"(ones|zeros)(_like)?|pad|pow|range|rank|realdiv|reduce_\w+|repeat|reshape|reverse|roll|round|scalar_mul|"
    r"scatter_nd|shape|sigmoid|sign|sin|sinh|size|slice|sort|split|sqrt|square|squeeze|stack|stop_gradient|"
    r"strided_slice|subtract|tan|tanh|tensordot|tile|transpose|truediv|unstack|where"
)


def is_legacy(version: str) -> bool:
    """Return whether this version of Keras is one of tf_keras's."""
    return version.startswith(("1.", "2."))


def is_installed() -> bool:
    return find_spec("tf_keras") is not None


def unsafe_operation(name: str, config: Mapping[str, Any]) -> str:
    """Return what a layer that stands for an operation calls, where it is no arithmetic; else ""."""
    if name in _ANY_CALL:
        return f"calls arbitrary code ({name})"
    called = str(config.get("function", ""))
    if name in OPERATIONS[:2] and not _ARITHMETIC.fullmatch(called):
        return f"calls tf.{called}"
    return ""


def load(file: str, objects: Mapping[str, Any], safe: bool) -> Any:
    """Return the model in a file that was checked, not compiled."""
    import tf_keras

    return tf_keras.models.load_model(file, custom_objects=dict(objects), compile=False, safe_mode=safe)
