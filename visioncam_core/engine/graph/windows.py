"""What windows that move over the picture, resampling and products make of a space."""

from __future__ import annotations

import string
from collections.abc import Sequence

import attrs
import numpy as np

from visioncam_core.engine.space import Axis, Space, contracted, own, unplaced, without
from visioncam_core.engine.space_moves import slid

Numbers = Sequence[float] | np.ndarray


def windowed(
    space: Space,
    axes: Sequence[int],
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    rates: Sequence[int],
    before: Numbers,
    looks: Numbers | None = None,
) -> Space:
    """Return the space after windows moved over axes; lists have one entry an axis.

    Args:
        space: before.
        axes: of the tensor.
        sizes: their new lengths.
        kernel: number of taps.
        strides: old positions from one window to the next.
        rates: old positions from one tap to the next.
        before: padding in front.
        looks: the tap that a kernel looks at; its middle by default.
    """
    for i, axis in enumerate(axes):
        middle = (kernel[i] - 1) / 2 if looks is None else float(looks[i])
        space = slid(space, axis, sizes[i], strides[i], middle * rates[i] - before[i])
    return space


def spread(
    space: Space,
    axes: Sequence[int],
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    rates: Sequence[int],
    before: Numbers,
    looks: Numbers | None = None,
) -> Space:
    """Return the space after a transposed convolution: each position is spread over `kernel` new ones.

    The arguments are those of `windowed`, of the convolution that it is the transpose of.
    """
    for i, axis in enumerate(axes):
        middle = ((kernel[i] - 1) / 2 if looks is None else float(looks[i])) * rates[i]
        space = slid(space, axis, sizes[i], 1 / strides[i], (before[i] - middle) / strides[i])
    return space


def resampled(space: Space, axis: int, size: int, corners: bool = False, half_pixels: bool = True) -> Space:
    """Return the space after an axis was resized.

    Args:
        space: before.
        axis: of the tensor.
        size: its new length.
        corners: the outermost positions stay where they are.
        half_pixels: positions are the middle of their cells; else their beginning.
    """
    before = space.axes[axis].size
    if corners and size > 1:
        return slid(space, axis, size, (before - 1) / (size - 1), 0.0)
    ratio = before / size
    return slid(space, axis, size, ratio, 0.5 * ratio - 0.5 if half_pixels else 0.0)


def mixed(space: Space, axis: int, channels: int) -> Space:
    """Return the space with other channels, once those, which may hold positions, were summed over."""
    held = space.axes[axis]
    start = without(space, [axis], keep=True).start if held.placed else space.start
    return attrs.evolve(
        space.with_axis(axis, unplaced(held, channels) if channels > 1 else Axis()), start=start
    )


def blocks(
    space: Space, axes: Sequence[int], sizes: Sequence[int], ratio: float, last: int, channels: int
) -> Space:
    """Return the space after blocks of pixels went into channels (a ratio above 1), or the other way."""
    for axis, size in zip(axes, sizes, strict=True):
        space = slid(space, axis, size, ratio, (ratio - 1) / 2)
    return space.with_axis(last, own(channels))


# ---- products


def einsum_terms(equation: str, ranks: Sequence[int], rank: int) -> tuple[list[list[str]], list[str]]:
    """Return the labels of each operand and of the result.

    Args:
        equation: such as "...ij,jk->...ik"; without an arrow the labels that are met once remain.
        ranks: of the operands.
        rank: of the result.
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    if not arrow:
        alone = sorted(label for label in set(left) if left.count(label) == 1 and label.isalpha())
        right = ("..." if "." in left else "") + "".join(alone)
    terms = [_labels(term, n) for term, n in zip(left.split(","), ranks, strict=True)]
    if any(len(set(term)) < len(term) for term in terms):
        raise ValueError("a diagonal")
    return terms, _labels(right, rank)


def _labels(term: str, rank: int) -> list[str]:
    """Return a label an axis; those that an ellipsis stands for are counted from the end."""
    before, dots, behind = term.partition("...")
    if not dots:
        return list(term)
    hidden = rank - len(before) - len(behind)
    return [*before, *(f"…{hidden - i}" for i in range(hidden)), *behind]


def matmul_terms(
    one: int, other: int, transposed: tuple[bool, bool] = (False, False)
) -> tuple[list[list[str]], list[str]]:
    """Return the labels of two factors of these ranks and of their product."""
    first = ["k", "m"] if transposed[0] else ["m", "k"]
    second = ["n", "k"] if transposed[1] else ["k", "n"]
    batch = list(string.ascii_uppercase[: max(one, other) - 2])
    terms = [[*batch[len(batch) - one + 2 :], *first], [*batch[len(batch) - other + 2 :], *second]]
    return terms, [*batch, "m", "n"]


def multiplied(
    spaces: Sequence[Space | None],
    terms: Sequence[Sequence[str]],
    out: Sequence[str],
    shape: Sequence[int | None],
) -> Space:
    """Return the space of a sum of products; None is a factor that does not depend on the picture.

    Args:
        spaces: of the factors.
        terms: labels of each factor.
        out: labels of the result.
        shape: its lengths, None for an open one.
    """
    held = [(space, labels) for space, labels in zip(spaces, terms, strict=False) if space is not None]
    sizes: dict[str, int] = {}
    for space, labels in held:
        for label, size in zip(labels, space.sizes, strict=True):
            sizes[label] = max(sizes.get(label, 1), size)
    lengths = [sizes.get(label, 1) if n is None else n for label, n in zip(out, shape, strict=True)]
    return contracted(held, out, lengths)
