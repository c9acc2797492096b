"""Checks that a method works on every grid, and on a batch as on one picture."""

from __future__ import annotations

import attrs
import numpy as np

from visioncam_core.testing.checks.options import variants
from visioncam_core.testing.checks.subject import MethodSubject, assert_same
from visioncam_core.testing.examples.array_net import ArrayNet


def shape(subject: MethodSubject) -> None:
    """One value for each position of each picture, for one picture and for several."""
    net = ArrayNet.random(grid=(4, 4))
    for count in (1, 3):
        subject.map(subject.evidence(net, net.pictures(count)), f"{count} picture(s) on a grid of (4, 4)")


def non_square(subject: MethodSubject) -> None:
    """Grids higher than wide and wider than high, and a single position."""
    for grid in ((2, 5), (5, 2), (1, 7), (1, 1)):
        net = ArrayNet.random(grid)
        subject.finite(subject.evidence(net, net.pictures(2)), f"a grid of {grid}")


def one_axis(subject: MethodSubject) -> None:
    """Signals: a grid of one axis, one picture at a time and in a batch."""
    _batch(subject, (7,))


def three_axes(subject: MethodSubject) -> None:
    """Volumes: a grid of three axes, one picture at a time and in a batch."""
    _batch(subject, (2, 3, 4))


def axis_of_length_one(subject: MethodSubject) -> None:
    """A picture seen as a volume one position deep, or one high, gives the same map; noise aside."""
    if subject.on == "input":
        return  # the picture is another one
    net = ArrayNet.random((3, 4), biases=True)
    x = net.pictures(2)
    raw, other = (subject.map(subject.evidence(net, x, seed=s), "pictures") for s in (0, 1))
    if not np.array_equal(raw, other, equal_nan=True):
        return  # noise of another shape is other noise
    for axis in (1, 2):
        deeper = attrs.evolve(net, q=np.expand_dims(net.q, axis - 1))
        volumes = np.repeat(np.expand_dims(x, axis), 2, axis=axis)
        what = f"a grid of {deeper.grid}"
        deep = subject.map(subject.evidence(deeper, volumes), what)
        deep = deep if subject.on == "layer" else deep.sum(axis=axis)  # the picture itself is two deep
        assert_same(
            deep.reshape(raw.shape),
            raw,
            f"{subject.name} gives a different map on a grid of {deeper.grid} than on {net.grid}; reduce "
            "over all spatial axes (visioncam_core.ops.space)",
        )


def one_channel(subject: MethodSubject) -> None:
    """A layer with a single channel."""
    net = ArrayNet.random(channels=1)
    subject.finite(subject.evidence(net, net.pictures(2)), "a layer with one channel")


def every_choice(subject: MethodSubject) -> None:
    """Each switch turned over, each choice, each lower bound gives a finite map."""
    net = ArrayNet.random(biases=True)
    x = net.pictures(2)
    for method in variants(subject, highest=False):
        other = attrs.evolve(subject, instance=method)
        other.finite(other.evidence(net, x), f"random pictures, as {method!r}")


def batch_equals_singles(subject: MethodSubject) -> None:
    """A batch gives what its pictures give one by one."""
    _batch(subject, (3, 5))


def _batch(subject: MethodSubject, grid: tuple[int, ...]) -> None:
    net = ArrayNet.random(grid, biases=True)
    x = net.pictures(3)
    x[1] *= 4.0  # statistics taken over the batch would show
    batch = subject.finite(subject.evidence(net, x), f"three pictures on a grid of {grid}")
    for i in range(len(x)):
        single = subject.finite(subject.evidence(net, x[i : i + 1]), f"one picture on a grid of {grid}")
        assert_same(
            batch[i : i + 1],
            single,
            f"{subject.name} gives picture {i} a different map in a batch than alone, on a grid of {grid}; "
            "reduce over space and channels, never over the batch",
        )
