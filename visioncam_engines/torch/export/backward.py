"""The gradients of operations as operations of a forward pass, where torch itself has no such rule."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch._decomp import core_aten_decompositions
from torch.utils._python_dispatch import _disable_current_modes

aten = torch.ops.aten
TABLE: dict[Any, Callable[..., Any]] = {
    operation: rule for operation, rule in core_aten_decompositions().items() if "backward" in str(operation)
}
"""Operation -> what it is made of; forward passes stay as they are."""


def rule(*operations: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def keep(function: Callable[..., Any]) -> Callable[..., Any]:
        TABLE.update(dict.fromkeys(operations, function))
        return function

    return keep


@rule(aten.convolution_backward.default)
def _convolution(
    slope: Any, x: Any, weight: Any, biases: Any, stride: Any, padding: Any, dilation: Any,
    transposed: bool, output_padding: Any, groups: int, wanted: Any,
) -> Any:  # fmt: skip
    if wanted[1] or wanted[2]:
        return NotImplemented
    if transposed:
        none = [0] * len(stride)
        return (
            aten.convolution(slope, weight, None, stride, padding, dilation, False, none, groups),
            None,
            None,
        )
    more = [
        x.shape[i + 2] - ((slope.shape[i + 2] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (k - 1) + 1)
        for i, k in enumerate(weight.shape[2:])
    ]
    found = aten.convolution(slope, weight, None, stride, padding, dilation, True, more, groups)
    return found, None, None


@rule(aten.max_pool2d_with_indices_backward.default, aten.adaptive_max_pool2d_backward.default)
def _largest_2d(slope: Any, x: Any, *options: Any) -> Any:
    return _put(slope, x, options[-1], 2)


@rule(aten.max_pool3d_with_indices_backward.default, aten.adaptive_max_pool3d_backward.default)
def _largest_3d(slope: Any, x: Any, *options: Any) -> Any:
    return _put(slope, x, options[-1], 3)


def _put(slope: Any, x: Any, at: Any, rank: int) -> Any:
    """Return a slope put at the places, counted through the last axes, of what had been the largest."""
    none = torch.zeros_like(x).flatten(-rank)
    return none.scatter_add(-1, at.flatten(-rank), slope.flatten(-rank)).reshape(x.shape)


def _mean(forward: Any, rank: int) -> Callable[..., Any]:
    def back(
        slope: Any, x: Any, kernel: Any, stride: Any, padding: Any, ceil: bool, counted: bool, divisor: Any
    ) -> Any:
        if divisor is not None:
            slope, counted = slope * (prod(kernel) / divisor), True

        def one(line: Any, axis: int) -> Any:
            along = [
                [value[axis] if i == axis else other for i in range(rank)]
                for value, other in ((kernel, 1), (stride or kernel, 1), (padding, 0))
            ]
            return forward(line, *along, ceil, counted)

        return _separable(slope, x.shape, rank, one)

    return back


def _adaptive(forward: Any, rank: int) -> Callable[..., Any]:
    def back(slope: Any, x: Any) -> Any:
        def one(line: Any, axis: int) -> Any:
            return forward(line, [slope.shape[i - rank] if i == axis else 1 for i in range(rank)])

        return _separable(slope, x.shape, rank, one)

    return back


def _resized(forward: Any, rank: int) -> Callable[..., Any]:
    corners = int("align_corners" in str(forward._schema))

    def back(slope: Any, size: Any, shape: Any, *options: Any) -> Any:
        scales = (*options[corners:], *[None] * rank)

        def one(line: Any, axis: int) -> Any:
            sides = [size[i] if i == axis else 1 for i in range(rank)]
            kept = [scales[i] if i == axis else None for i in range(rank)]
            return forward(line, sides, *options[:corners], *kept)

        return _separable(slope, shape, rank, one)

    return back


def _padded(forward: Any, rank: int) -> Callable[..., Any]:
    def back(slope: Any, x: Any, pads: Any) -> Any:
        def one(line: Any, axis: int) -> Any:
            last = rank - 1 - axis  # pads begin with the last axis
            return forward(line, [pad if i // 2 == last else 0 for i, pad in enumerate(pads)])

        return _separable(slope, x.shape, rank, one)

    return back


def _separable(slope: Any, shape: Any, rank: int, forward: Callable[[Any, int], Any]) -> Any:
    """Return the gradient of what is a product with a matrix along each of the last axes.

    Args:
        slope: (N, K, *sides).
        shape: of what the operation was given, (N, K, *sides).
        rank: number of sides.
        forward: (lines such as (n, 1, 1, n), of length 1 along all sides but one, which side) -> what the
            operation makes of them.
    """
    for axis in range(rank):
        n = int(shape[axis - rank])
        with _disable_current_modes(), torch.no_grad():
            sides = [n if i == axis else 1 for i in range(rank)]
            matrix = forward(torch.eye(n).reshape(n, 1, *sides), axis).reshape(
                n, -1
            )  # of each position: whither
        slope = torch.matmul(slope.movedim(axis - rank, -1), matrix.T.contiguous()).movedim(-1, axis - rank)
    return slope


_LINEAR = {
    _mean: ("avg_pool2d", "avg_pool3d"),
    _padded: tuple(f"replication_pad{rank}d" for rank in (1, 2, 3)),
    _adaptive: ("_adaptive_avg_pool2d", "_adaptive_avg_pool3d"),
    _resized: (
        *(f"{name}{rank}d" for name in ("upsample_nearest", "_upsample_nearest_exact") for rank in (1, 2, 3)),
        "upsample_linear1d", "upsample_bilinear2d", "upsample_bicubic2d", "upsample_trilinear3d",
    ),
}  # fmt: skip
for _make, _names in _LINEAR.items():
    for _name in _names:
        _back = getattr(aten, f"{_name}_backward").default
        rule(_back)(_make(getattr(aten, _name).default, int(_name[-2])))
