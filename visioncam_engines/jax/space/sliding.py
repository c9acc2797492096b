"""Primitives whose windows move over the picture, that resample it, and products."""

from __future__ import annotations

import string
from math import prod

import numpy as np

from visioncam_core.engine.graph.windows import mixed, multiplied
from visioncam_core.engine.space import Space
from visioncam_core.engine.space_moves import padded, permuted, sliced, slid
from visioncam_engines.jax.graph import Step
from visioncam_engines.jax.space.walk import Walk, rule

WIDE = 3.0
"""Positions within which a row of weights must gather what it takes, to be a resampling."""


@rule("conv_general_dilated")
def _convolved(walk: Walk, step: Step) -> Space | None:
    space, numbers, params = walk.of(step.inputs[0]), step.params["dimension_numbers"], step.params
    if space is None:
        return None
    batch, channel, *axes = (int(i) for i in numbers.lhs_spec)
    out_batch, out_channel, *out_axes = (int(i) for i in numbers.out_spec)
    kernel = [step.inputs[1].shape[i] for i in numbers.rhs_spec[2:]]
    looks, shape = walk.looks.get(step), step.outputs[0].shape
    for i, axis in enumerate(axes):
        apart, rate = int(params["lhs_dilation"][i]), int(params["rhs_dilation"][i])
        middle = (kernel[i] - 1) / 2 if looks is None else float(looks[i])
        shift = (middle * rate - int(params["padding"][i][0])) / apart
        if kernel[i] == 1 and shift == 0 and shape[out_axes[i]] == space.axes[axis].size:
            continue
        space = slid(space, axis, shape[out_axes[i]], int(params["window_strides"][i]) / apart, shift)
    space = mixed(space, channel, shape[out_channel])
    order = {out_batch: batch, out_channel: channel, **dict(zip(out_axes, axes, strict=True))}
    return permuted(space, [order[i] for i in range(len(shape))])


@rule("reduce_window_sum", "reduce_window_max", "reduce_window_min", "reduce_window")
def _pooled(walk: Walk, step: Step) -> Space | None:
    space, params = walk.of(step.inputs[0]), step.params
    if space is None:
        return None
    for axis, taps in enumerate(params["window_dimensions"]):
        by, before = int(params["window_strides"][axis]), int(params["padding"][axis][0])
        apart, rate = int(params["base_dilation"][axis]), int(params["window_dilation"][axis])
        if taps > 1 or by > 1 or any(params["padding"][axis]):
            shift = ((taps - 1) / 2 * rate - before) / apart
            space = slid(space, axis, step.outputs[0].shape[axis], by / apart, shift)
    return space


@rule("pad")
def _padded(walk: Walk, step: Step) -> Space | None:
    space = walk.of(step.inputs[0])
    if space is None:
        return None
    for axis, (before, behind, between) in enumerate(step.params["padding_config"]):
        before, behind, between = int(before), int(behind), int(between)
        if between:
            space = slid(space, axis, (space.axes[axis].size - 1) * (between + 1) + 1, 1 / (between + 1), 0.0)
        if before < 0 or behind < 0:
            size = space.axes[axis].size
            space = sliced(space, axis, max(-before, 0), size + min(before, 0) + min(behind, 0))
        space = padded(space, axis, max(before, 0), max(behind, 0))
    return space


@rule("dot_general")
def _product(walk: Walk, step: Step) -> Space:
    (left, right), (left_batch, right_batch) = step.params["dimension_numbers"]
    names = iter(string.ascii_letters)
    first, second = ([""] * len(one.shape) for one in step.inputs)
    for i, j in [*zip(left, right, strict=True), *zip(left_batch, right_batch, strict=True)]:
        first[i] = second[j] = next(names)
    first, second = ([label or next(names) for label in one] for one in (first, second))
    shared = [first[i] for i in left_batch]
    free = [label for i, label in enumerate(first) if i not in (*left, *left_batch)]
    free += [label for j, label in enumerate(second) if j not in (*right, *right_batch)]
    spaces = [walk.of(one) for one in step.inputs]
    found = _resampled(walk, step, [first, second], [*shared, *free])
    if found is not None:
        return found
    return multiplied(spaces, [first, second], [*shared, *free], step.outputs[0].shape)


def _resampled(walk: Walk, step: Step, terms: list[list[str]], out: list[str]) -> Space | None:
    """Return the space where one factor is a matrix of constants that resamples an axis of the picture."""
    spaces = [walk.of(one) for one in step.inputs]
    place = next((i for i, space in enumerate(spaces) if space is None), None)
    if place is None or len(step.inputs[place].shape) != 2:
        return None
    space, labels, (row, column) = spaces[1 - place], terms[1 - place], terms[place]
    matrix = walk.graph.constant(step.inputs[place])
    summed = next((label for label in (row, column) if label in labels and label not in out), None)
    if space is None or matrix is None or summed is None:
        return None
    axis, matrix = labels.index(summed), np.abs(matrix if summed == row else matrix.T).astype(np.float64)
    if not space.axes[axis].placed:
        return None
    made = column if summed == row else row
    whole = matrix.sum(axis=0)
    if not (whole > 0).all():
        return None
    taps = np.arange(len(matrix))[:, None]
    centres = (matrix * taps).sum(axis=0) / whole
    ratio = len(matrix) / matrix.shape[1]
    middle = matrix.shape[1] // 2
    near = (matrix * np.abs(taps - centres)).sum(axis=0) / whole
    if near.max() > WIDE * max(1.0, ratio):
        return None
    steps = np.diff(centres)
    if len(steps) > 2:
        ratio = float(np.median(steps)) if np.ptp(steps[1:-1]) < 0.1 * abs(ratio) else ratio
    if len(steps) and abs(ratio - len(matrix) / matrix.shape[1]) > 0.5 * ratio:
        return None
    inner = centres[1:-1] - ratio * np.arange(1, matrix.shape[1] - 1) if matrix.shape[1] > 2 else None
    shift = float(np.mean(inner)) if inner is not None else float(centres[middle] - ratio * middle)
    space = slid(space, axis, matrix.shape[1], ratio, shift)
    names = [made if label == summed else label for label in labels]
    return permuted(space, [names.index(label) for label in out])


def window_of(step: Step) -> tuple[int, ...] | None:
    """Return the lengths of a convolution's kernel along space; None of other steps, and of single taps."""
    if step.name != "conv_general_dilated":
        return None
    spec = step.params["dimension_numbers"].rhs_spec
    kernel = tuple(step.inputs[1].shape[i] for i in spec[2:])
    return kernel if prod(kernel) > 1 else None
