"""Functions whose windows move over the picture: convolution, pooling, padding, resampling."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import attrs
import numpy as np
from torch.nn import functional

from visioncam_core.engine.graph.windows import blocks, mixed, resampled, spread, windowed
from visioncam_core.engine.space import Space, own, without
from visioncam_core.engine.space_moves import padded, permuted, sliced, slid
from visioncam_core.engine.space_reshape import reshaped
from visioncam_engines.torch.space.walk import Found, Step, listed, rule


def _axes(space: Space, rank: int) -> list[int]:
    """Return the sliding axes: the last ones."""
    return list(range(len(space.axes) - rank, len(space.axes)))


def _windows(step: Step, space: Space, rank: int, kernel: Any, pace: Any, padding: Any, rates: Any) -> Space:
    axes = _axes(space, rank)
    taps, rate = listed(kernel, rank), listed(rates, rank)
    if isinstance(padding, str):
        reach = [(n - 1) * r for n, r in zip(taps, rate, strict=True)]
        before = [0] * rank if padding == "valid" else [n // 2 for n in reach]
    else:
        before = listed(padding, rank)
    steps = listed(taps if pace is None or pace == [] else pace, rank)
    sizes = [step.shape[axis] for axis in axes]
    return windowed(space, axes, sizes, taps, steps, rate, before, step.walk.centres.get(step.number))


@rule("conv1d", "conv2d", "conv3d")
def _convolved(step: Step) -> Found:
    space, rank = step.first, int(step.name[4])
    kernel = step.lengths(step.get(1, "weight"))
    options = [step.number_of(*one) for one in ((3, "stride", 1), (4, "padding", 0), (5, "dilation", 1))]
    moved = _windows(step, space, rank, list(kernel[2:]), *options)
    last = len(space.axes) - rank - 1
    groups = step.number_of(6, "groups", 1)
    apart = groups > 1 and groups == kernel[0] == space.axes[last].size
    return moved if apart else mixed(moved, last, kernel[0])


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _transposed(step: Step) -> Found:
    space, rank = step.first, int(step.name[-2])
    kernel = step.lengths(step.get(1, "weight"))
    pace, padding, rates = (
        listed(step.number_of(*one), rank)
        for one in ((3, "stride", 1), (4, "padding", 0), (7, "dilation", 1))
    )
    axes, last = _axes(space, rank), len(space.axes) - rank - 1
    sizes = [step.shape[axis] for axis in axes]
    looks = step.walk.centres.get(step.number)
    moved = spread(space, axes, sizes, kernel[2:], pace, rates, padding, looks)
    channels = step.shape[last]
    return mixed(moved, last, channels).with_axis(last, own(channels))


def _pool(*kinds: str) -> list[str]:
    return [f"{kind}{rank}d{more}" for kind in kinds for rank in (1, 2, 3) for more in ("", "_with_indices")]


@rule(*_pool("max_pool", "_max_pool", "avg_pool", "_avg_pool", "lp_pool"))
def _pooled(step: Step) -> Found:
    name = step.name.removeprefix("_").removesuffix("_with_indices")
    rank = int(name[-2])
    shift = name.startswith("lp")  # its first option is the norm
    kernel, pace = step.number_of(1 + shift, "kernel_size"), step.number_of(2 + shift, "stride")
    padding = 0 if shift else step.number_of(3, "padding", 0)
    rates = step.number_of(4, "dilation", 1) if name.startswith("max") else 1
    moved = _windows(step, step.first, rank, kernel, pace, padding, rates)
    return [moved] * len(step.node.made)


@rule(*_pool("adaptive_avg_pool", "adaptive_max_pool", "_adaptive_avg_pool"))
def _fitted(step: Step) -> Found:
    space = step.first
    axes = _axes(space, int(step.name.removesuffix("_with_indices")[-2]))
    whole = [axis for axis in axes if step.shape[axis] == 1]
    for axis in axes:
        if axis not in whole:
            space = resampled(space, axis, step.shape[axis])
    return [without(space, whole, keep=True)] * len(step.node.made)


@rule("max_unpool1d", "max_unpool2d", "max_unpool3d")
def _unpooled(step: Step) -> Found:
    space, rank = step.first, int(step.name[-2])
    kernel = listed(step.number_of(2, "kernel_size"), rank)
    pace = listed(step.number_of(3, "stride") or kernel, rank)
    axes = _axes(space, rank)
    sizes = [step.shape[axis] for axis in axes]
    return spread(space, axes, sizes, kernel, pace, [1] * rank, listed(step.number_of(4, "padding", 0), rank))


@rule("pad", "constant_pad_nd", "reflection_pad2d", "replication_pad2d")
def _padded(step: Step) -> Found:
    space = step.first
    amounts = step.number_of(1, "pad")
    for i in range(len(amounts) // 2):
        axis = len(space.axes) - 1 - i
        before, behind = amounts[2 * i : 2 * i + 2]
        if min(before, behind) < 0:  # it crops
            size = space.axes[axis].size
            space = sliced(space, axis, max(-before, 0), size + min(before, 0) + min(behind, 0))
        space = padded(space, axis, max(before, 0), max(behind, 0))
    return space


@rule("interpolate", "upsample", "upsample_nearest", "upsample_bilinear")
def _resized(step: Step) -> Found:
    space = step.first
    rank = len(space.axes) - 2
    factors = step.number_of(2, "scale_factor")
    named = step.name.removeprefix("upsample_") if "_" in step.name else "nearest"
    mode = step.get(3, "mode", named)
    corners = bool(step.get(4, "align_corners", step.name == "upsample_bilinear"))
    kept = factors is not None and not step.get(5, "recompute_scale_factor")
    for i, axis in enumerate(_axes(space, rank)):
        size, before = step.shape[axis], space.axes[axis].size
        ratio = 1 / listed(factors, rank)[i] if kept else before / size
        if mode.startswith("nearest"):
            exact = Fraction(ratio).limit_denominator(4096)
            at = np.arange(exact.denominator) + (0.5 if mode == "nearest-exact" else 0)
            shift = float((np.floor(at * ratio + 1e-9) - np.arange(exact.denominator) * ratio).mean())
            space = slid(space, axis, size, ratio, shift)
        elif corners:
            space = resampled(space, axis, size, corners=True)
        else:
            space = slid(space, axis, size, ratio, 0.5 * ratio - 0.5)
    return space


@rule("pixel_shuffle", "pixel_unshuffle")
def _blocks(step: Step) -> Found:
    space = step.first
    factor = step.number_of(1, "upscale_factor", step.node.kwargs.get("downscale_factor"))
    axes = _axes(space, 2)
    last = len(space.axes) - 3
    ratio = 1 / factor if step.name == "pixel_shuffle" else float(factor)
    sizes = [step.shape[axis] for axis in axes]
    return blocks(space, axes, sizes, ratio, last, step.shape[last])


@rule("unfold")
def _unfolded(step: Step) -> Found:
    """`Tensor.unfold`: windows of an axis, whose entries are a new last axis; or patches cut out of a map."""
    if step.node.func is functional.unfold:
        return _cut_out(step)
    space = step.first
    axis = step.number_of(1, "dimension") % len(space.axes)
    size, pace = step.number_of(2, "size"), step.number_of(3, "step")
    count = step.shape[axis]
    if size == pace and count * size == space.axes[axis].size:
        lengths = space.sizes
        apart = reshaped(space, [*lengths[:axis], count, size, *lengths[axis + 1 :]])
        order = [i for i in range(len(lengths) + 1) if i != axis + 1]
        return permuted(apart, [*order, axis + 1])
    moved = slid(space, axis, count, pace, (size - 1) / 2)
    return attrs.evolve(moved, axes=(*moved.axes, own(size)))


def _options(step: Step, place: int) -> list[list[int]]:
    """Return kernel, dilation, padding and stride, from a place on."""
    names = ("kernel_size", 1), ("dilation", 1), ("padding", 0), ("stride", 1)
    return [listed(step.number_of(place + i, *one), 2) for i, one in enumerate(names)]


def _counts(lengths: list[int], options: list[list[int]]) -> list[int]:
    found = []
    for size, kernel, rate, edge, pace in zip(lengths, *options, strict=True):
        found.append((size + 2 * edge - rate * (kernel - 1) - 1) // pace + 1)
    return found


def _cut_out(step: Step) -> Space:
    space = step.first
    options = _options(step, 1)
    kernel, rates, before, pace = options
    axes = _axes(space, 2)
    sizes = _counts([space.axes[axis].size for axis in axes], options)
    moved = mixed(windowed(space, axes, sizes, kernel, pace, rates, before), len(axes) - 1, step.shape[-2])
    return reshaped(moved, [None, *step.shape[-2:]])


@rule("fold")
def _folded(step: Step) -> Found:
    """What lies in windows is added up where they overlap."""
    space, size = step.first, listed(step.number_of(1, "output_size"), 2)
    options = _options(step, 2)
    kernel, rates, before, pace = options
    counts = _counts(size, options)
    held = space.axes[1]
    if held.placed:
        raise ValueError("positions within the windows")
    apart = reshaped(space.with_axis(1, own(step.shape[1])), [None, step.shape[1], *counts])
    return spread(apart, [2, 3], size, kernel, pace, rates, before)
