"""The gradients of operations as operations of a forward pass, where torch itself has no such rule."""

from __future__ import annotations

from collections.abc import Callable
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
        return aten.convolution(slope, weight, None, stride, padding, dilation, False, none, groups), None, None
    more = [
        x.shape[i + 2] - ((slope.shape[i + 2] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (k - 1) + 1)
        for i, k in enumerate(weight.shape[2:])
    ]
    found = aten.convolution(slope, weight, None, stride, padding, dilation, True, more, groups)
    return found, None, None


@rule(aten.max_pool2d_with_indices_backward.default)
def _max_pool(slope: Any, x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool, at: Any) -> Any:
    flat = torch.zeros_like(x).flatten(-2)
    return flat.scatter_add(-1, at.flatten(-2), slope.flatten(-2)).reshape(x.shape)


@rule(aten.avg_pool2d_backward.default)
def _avg_pool(
    slope: Any, x: Any, kernel: Any, stride: Any, padding: Any, ceil: bool, counted: bool, divisor: Any
) -> Any:
    if divisor is not None:
        slope = slope * (kernel[0] * kernel[-1] / divisor)
        counted = True

    def forward(line: Any, axis: int) -> Any:
        def along(values: Any, other: int) -> Any:
            return [values[-1 if axis else 0], other] if not axis else [other, values[-1]]

        step = stride or kernel
        return aten.avg_pool2d(line, along(kernel, 1), along(step, 1), along(padding, 0), ceil, counted)

    return _separable(slope, x.shape, forward)


@rule(aten._adaptive_avg_pool2d_backward.default)
def _adaptive(slope: Any, x: Any) -> Any:
    sizes = slope.shape[-2:]
    return _separable(
        slope,
        x.shape,
        lambda line, axis: aten._adaptive_avg_pool2d(line, [1, sizes[1]] if axis else [sizes[0], 1]),
    )


def _resized(forward: Any, aligned: bool) -> Callable[..., Any]:
    def back(slope: Any, size: Any, shape: Any, *options: Any) -> Any:
        corners, scales = (options[:1], options[1:]) if aligned else ((), options)

        def one(line: Any, axis: int) -> Any:
            lengths = [1, size[1]] if axis else [size[0], 1]
            kept = [scale if i == axis else None for i, scale in enumerate(scales)]
            return forward(line, lengths, *corners, *kept)

        return _separable(slope, shape, one)

    return back


for _name, _aligned in (("bilinear2d", True), ("bicubic2d", True), ("nearest2d", False)):
    _forward = getattr(aten, f"upsample_{_name}").default
    rule(getattr(aten, f"upsample_{_name}_backward").default)(_resized(_forward, _aligned))


def _separable(slope: Any, shape: Any, forward: Callable[[Any, int], Any]) -> Any:
    """Return the gradient of what is a product with a matrix along each of the last two axes.

    Args:
        slope: (N, K, h, w).
        shape: of what the operation was given, (N, K, H, W).
        forward: (lines (n, 1, n, 1) or (n, 1, 1, n), 0 or 1) -> what the operation makes of them.
    """
    for axis in (0, 1):
        n = int(shape[2 + axis])
        with _disable_current_modes(), torch.no_grad():
            line = torch.eye(n).reshape((n, 1, 1, n) if axis else (n, 1, n, 1))
            matrix = forward(line, axis).reshape(n, -1)  # what each position gives to those made of it
            matrix = (matrix if axis else matrix).contiguous()
        slope = torch.matmul(slope, matrix.T) if axis else torch.matmul(matrix, slope)
    return slope
