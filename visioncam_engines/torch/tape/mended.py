"""Steps of torch that are wrong or slow for some layouts of memory, and what is run in their place.

On a CPU, the maximum over windows takes a third of the time where the channels lie last (torch 2.14), the
copies there and back included; the values are the same.

On a CPU, the gradient of a batch norm at rest is wrong for a single picture where the gradient that comes in
has another order of memory than the picture: the stride of a batch of one misleads torch (2.14).  So it is
where a convolution and its norm are flattened to tokens, as in LeViT and XCiT.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from visioncam_engines.torch.tape.reads import VALUE_READS, without_gradient


def _in_plain_order(norm: Callable[..., Any]) -> Callable[..., Any]:
    def run(values: Any, *args: Any, **kwargs: Any) -> Any:
        if values.shape[0] != 1:
            return norm(values, *args, **kwargs)
        result = norm(values.contiguous(), *args, **kwargs)
        if result.requires_grad:
            result.register_hook(torch.Tensor.contiguous)
        return result

    return run


def _max_pool(values: Any, *args: Any, **kwargs: Any) -> Any:
    if torch.is_grad_enabled() or values.dim() != len("NCHW") or values.device.type != "cpu":
        return functional.max_pool2d(values, *args, **kwargs)
    if values.numel() < _WORTH or not values.is_contiguous() or values.dtype is not torch.float32:
        return functional.max_pool2d(values, *args, **kwargs)
    last = values.contiguous(memory_format=torch.channels_last)
    return functional.max_pool2d(last, *args, **kwargs).contiguous()


_WORTH = 4096
"""Values from which on the copies are worth it."""

MENDED: dict[Any, Callable[..., Any]] = {
    norm: _in_plain_order(norm)
    for norm in (functional.batch_norm, torch.batch_norm, functional.instance_norm, torch.instance_norm)
} | {functional.max_pool2d: _max_pool}
"""Function -> what is run in its place."""


class Mending(TorchFunctionMode):  # type: ignore[misc]
    """A block in which a model that is run as it is takes the mended steps too."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in VALUE_READS:
            args = without_gradient(args)
        return MENDED.get(func, func)(*args, **(kwargs or {}))
