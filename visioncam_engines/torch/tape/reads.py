"""Functions that give a model's Python a value to decide by."""

from __future__ import annotations

from typing import Any

import torch

VALUE_READS = frozenset(
    {
        *("item", "tolist", "numpy", "__bool__", "__int__", "__float__", "__index__", "__complex__"),
        *("__contains__", "__array__", "equal", "allclose", "is_nonzero", "__dlpack__"),
    }
)


def without_gradient(args: Any) -> Any:
    """Return arguments from which a value can be read: the model at rest has no gradients, a run here may."""
    return tuple(one.detach() if isinstance(one, torch.Tensor) else one for one in args)
