"""`visioncam_core.ops` on arrays of any framework: by the array API's names alone, and TensorFlow's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from visioncam_core import ops

A = np.random.default_rng(0).normal(size=(1, 4, 5, 3)).astype(np.float32)
MAPS = np.random.default_rng(1).uniform(size=(2, 4, 5)).astype(np.float32)
W = np.random.default_rng(2).normal(size=(1, 3)).astype(np.float32)


class Plain:
    """An array of a library that has the array API's names and no others, and takes no other's arrays."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    dtype = property(lambda self: self.values.dtype)
    shape = property(lambda self: self.values.shape)
    ndim = property(lambda self: self.values.ndim)
    size = property(lambda self: self.values.size)
    device = "cpu"

    def __array_namespace__(self, api_version: Any = None) -> Any:
        return NAMESPACE

    def to_device(self, device: Any) -> Any:
        return self

    def numpy(self) -> np.ndarray:
        return self.values

    def __getitem__(self, key: Any) -> Plain:
        return Plain(self.values[key])


def inner(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        raise TypeError("an array of NumPy among others")
    if isinstance(value, list):
        return [inner(one) for one in value]
    return value.values if isinstance(value, Plain) else value


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **keywords: Plain(
        function(*map(inner, args), **{name: inner(value) for name, value in keywords.items()})
    )


for name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "pow",
    "gt",
    "ge",
    "lt",
    "and",
    "or",
    "neg",
    "radd",
    "rsub",
    "rmul",
    "rtruediv",
):
    setattr(Plain, f"__{name}__", wrapped(getattr(np.ndarray, f"__{name}__")))
NAMES = (
    "maximum minimum sum mean max min abs where exp sqrt tanh reshape matmul moveaxis tensordot take stack "
    "ones_like zeros_like"
)
NAMESPACE = SimpleNamespace(
    __name__="plain",
    **{name: wrapped(getattr(np, name)) for name in NAMES.split()},
    float32=np.float32,
    concat=wrapped(np.concatenate),
    astype=lambda values, dtype: Plain(values.values.astype(dtype)),
    asarray=lambda values, device=None: Plain(values),
)

CALLS: dict[str, Callable[[Any], Any]] = {
    "relu": lambda like: ops.relu(like(A)),
    "sum_space": lambda like: ops.sum_space(like(A)),
    "mean_space": lambda like: ops.mean_space(like(A), keepdims=True),
    "sum_channels": lambda like: ops.sum_channels(like(A)),
    "weigh": lambda like: ops.weigh(like(A), like(W)),
    "divide_by_sum": lambda like: ops.divide_by_sum(like(W), like(A)),
    "spread": lambda like: ops.spread(like(A)),
    "softmax": lambda like: ops.softmax(like(A)),
    "sigmoid": lambda like: ops.sigmoid(like(A)),
    "norm": lambda like: ops.norm(like(A)),
    "resize": lambda like: ops.resize(like(MAPS), (7, 9)),
    "read_only_array": lambda like: ops.read_only_array(like(A)),
    "stack": lambda like: ops.stack([like(A), like(A)]),
    "concatenate": lambda like: ops.concatenate([like(A), like(A)]),
    "live_channels": lambda like: ops.live_channels(like(A)),
    "varying_channels": lambda like: ops.varying_channels(like(A)),
    "channels": lambda like: ops.channels(like(A), np.array([2, 0])),
    "without_channels": lambda like: ops.without_channels(like(A), np.array([2, 0])),
    "channel_norms": lambda like: ops.channel_norms(like(A)),
    "unit_range": lambda like: ops.unit_range(like(MAPS)),
    "place": lambda like: ops.place(like(W)[0, :2], np.array([2, 0]), like(A)),
    "wide": lambda like: ops.wide(like(A.astype(np.float16))),
    "stop_gradient": lambda like: ops.stop_gradient(like(A)),
}


@pytest.mark.parametrize("kind", [Plain, tf.constant], ids=["array API", "TensorFlow"])
@pytest.mark.parametrize("name", CALLS)
def test_every_function_is_that_of_numpy(name: str, kind: Any) -> None:
    wanted, found = CALLS[name](lambda x: x), CALLS[name](kind)
    assert isinstance(found, np.ndarray) == (name in ("live_channels", "varying_channels", "channel_norms"))
    assert ops.dtype_name(found) == wanted.dtype.name
    np.testing.assert_allclose(ops.to_numpy(found), wanted, rtol=1e-5, atol=1e-6)


def test_every_function_is_tried() -> None:
    own = (name for name, value in vars(ops).items() if getattr(value, "__module__", "") == ops.__name__)
    others = {"backend", "astype", "dtype_name", "as_array", "like", "space", "divide", "to_numpy"}
    assert {name for name in own if not name.startswith("_")} - others == set(CALLS)


def test_a_tensor_that_needs_a_gradient_or_lies_elsewhere_is_brought_home() -> None:
    class Tensor(SimpleNamespace):
        def detach(self) -> Any:
            return SimpleNamespace(cpu=lambda: SimpleNamespace(numpy=lambda: A))

    assert ops.to_numpy(Tensor()) is A


def test_tensors_reach_ops_before_anything_else_was_loaded() -> None:
    script = (
        "import tensorflow as tf\nfrom visioncam_core import ops\n"
        "print(float(ops.sum_channels(ops.relu(tf.constant([[1.0, -1.0]])))[0]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1.0"


def test_what_is_no_array_is_refused() -> None:
    with pytest.raises(TypeError):
        ops.backend("text")
    with pytest.raises(TypeError, match="of type NoneType is not an array"):
        ops.as_array(None)
