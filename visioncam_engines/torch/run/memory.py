"""Where arrays lie, how much of them fits, and which errors say that it was too much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import ceil, prod
from typing import Any

import numpy as np
import torch

from visioncam_core.engine import batches
from visioncam_engines.torch.tape.model_trace import Trace


def to_host(tensor: Any) -> Any:
    """Return a tensor as methods see it: NumPy on the CPU, the tensor itself on an accelerator.

    Half precision is widened to float32, since sums over positions lose it.
    """
    tensor = tensor.detach()
    if tensor.dtype in (torch.float16, torch.bfloat16):
        tensor = tensor.float()
    return tensor.numpy() if tensor.device.type == "cpu" else tensor


def to_tensor(values: Any, like: Any) -> Any:
    """Return changed pictures or activations as a tensor beside another, in its dtype.

    Whole numbers are rounded and kept in range.
    """
    found = values if isinstance(values, torch.Tensor) else from_numpy(values)
    if not like.dtype.is_floating_point and found.dtype.is_floating_point:
        bounds = torch.iinfo(like.dtype)
        found = found.round().clamp(bounds.min, bounds.max)
    return found.to(like.device, like.dtype)


def from_numpy(array: Any) -> Any:
    """Return a NumPy array as a tensor of the host, which torch may write into."""
    array = np.ascontiguousarray(array) if np.ndim(array) else np.array(array)
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def repeated(value: Any, count: int) -> Any:
    """Repeat one picture's values along the batch axis, also where windows were folded into it."""
    if count == 1 or value.dim() == 0:
        return value
    if len(value) == 1:
        return value.expand(count, *value.shape[1:])
    return value.repeat(count, *[1] * (value.dim() - 1))


def in_batches(count: int, size: int, run: Callable[[np.ndarray], Any]) -> list[Any]:
    """Return `run(indices)` for `count` items in even parts of at most `size`, fewer once memory runs out."""
    return list(batches.in_batches(count, ceil(count / max(1, ceil(count / size))), run, exhausted))


def exhausted(error: BaseException) -> bool:
    """Return whether an error says that memory ran out; the allocator's cache is then given back."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, out_of_memory()):
        torch.cuda.empty_cache()
        return True
    return type(error) is RuntimeError and "can't allocate memory" in str(error)


@lru_cache
def out_of_memory() -> type[BaseException]:
    """Return torch's error; torch 2.4 has it for CUDA alone."""
    return getattr(torch, "OutOfMemoryError", None) or torch.cuda.OutOfMemoryError


def need_of(trace: Trace, feeds: Sequence[int], fetches: Sequence[int]) -> int:
    """Return the bytes that one more picture needs while a cut runs: its values, each until it is last read.

    A value in the same storage as another counts twice, so this is an upper bound.
    """
    order = sorted(trace.ancestors(fetches, set(feeds)))
    last = {value: number for number in order for value in trace.inputs_of(number)}
    live = most = sum(bytes_of(trace, value) for value in feeds)
    for number in order:
        node = trace.nodes[number]
        live += sum(bytes_of(trace, value) for value in node.made)
        most = max(most, live)
        live -= sum(
            bytes_of(trace, value)
            for value in dict.fromkeys(trace.inputs_of(number))
            if last[value] == number and value not in fetches
        )
    return most


def bytes_of(trace: Trace, value: int) -> int:
    if not trace.batch_first(value):
        return 0
    return int(prod(trace.shapes[value])) * int(trace.dtypes[value].itemsize)
