"""What stands at a model's end: activations, and what is put together from them.

The end may be put together from several activations: heads joined, cut, moved, averaged, scaled, a logarithm
or another activation on top.  What is found can be put together again from anything that stands for each
activation: the logits before it, the probabilities after it, or marks that tell whose they are.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import attrs
import numpy as np


class Reading(Protocol):
    """What stands for each activation while an end is put together again."""

    def of(self, op: Any, kind: str, inner: End | None) -> Any:
        """Return what stands for an activation; `inner` is the end in front of it, if there is one."""

    def other(self, values: Any) -> Any:
        """Return what stands for 1 - p where `values` stand for p."""

    def cast(self, values: Any, dtype: Any) -> Any:
        """Return the values cast as the model casts them."""

    def mixed(self, parts: list[Any]) -> None:
        """Take note of what is averaged."""


@attrs.frozen(eq=False)
class End:
    """A tensor at the model's end that is computed from activations.

    Attributes:
        again: puts it together from what stands for each activation.
        kinds: of the activations: "softmax", "log_softmax", "sigmoid", "tanh".
        low, high: its values lie between these, clipping left out.
        traits: what was met: "cut", "moved", "averaged", "turned" (1 - p), "nested", "log".
        leaves: what went into the activations.
    """

    again: Callable[[Reading], Any]
    kinds: frozenset[str]
    low: float
    high: float
    traits: frozenset[str]
    leaves: tuple[Any, ...]

    @property
    def probable(self) -> bool:
        """Whether its values are made of probabilities, and not of logarithms of them."""
        return "log" not in self.traits and not self.kinds & {"log_softmax"}

    @property
    def within(self) -> bool:
        """Whether the values lie in [0, 1] as they are."""
        return self.low >= -1e-3 and self.high <= 1 + 1e-3


def activation(op: Any, kind: str, given: Any, inner: End | None) -> End:
    """Return the end that an activation is.

    Args:
        op: the engine's own record of it, handed to `Reading.of`.
        kind: "softmax", "log_softmax", "sigmoid" or "tanh".
        given: what goes into it.
        inner: the end of that; counted for a softmax or sigmoid over probabilities.
    """
    low = {"log_softmax": -np.inf, "tanh": -1.0}.get(kind, 0.0)
    high = 0.0 if kind == "log_softmax" else 1.0
    if inner is not None and (
        kind not in ("softmax", "sigmoid") or not inner.probable or "tanh" in inner.kinds
    ):
        inner = None  # a softmax over logarithms of probabilities gives them back, and has logits
    traits = frozenset({"nested"} if inner else ())
    leaves = inner.leaves if inner else (given,)
    return End(lambda r: r.of(op, kind, inner), frozenset((kind,)), low, high, traits, leaves)


def after(end: End | None, change: Callable[[Any, Reading], Any], *traits: str) -> Any:
    """Return an end with one more step behind it; None of None."""
    if end is None:
        return None
    return attrs.evolve(end, again=lambda r: change(end.again(r), r), traits=end.traits | set(traits))


def exponential(end: End | None) -> End | None:
    """Return the end of the exponential of another one: of logarithms of probabilities, probabilities."""
    if end is None or end.probable or end.high != 0:
        return None
    kinds = frozenset("softmax" if kind == "log_softmax" else kind for kind in end.kinds)
    return attrs.evolve(end, kinds=kinds, traits=end.traits - {"log"}, low=0.0, high=1.0)


def logarithm(end: End | None) -> End | None:
    """Return the end of the logarithm of another one, of probabilities."""
    if end is None or not end.probable or not end.within:
        return None
    return attrs.evolve(end, traits=end.traits | {"log"}, low=-np.inf, high=0.0)


def replayed(ends: Sequence[End], make: Callable[[list[Any]], Any], traits: Sequence[str]) -> End | None:
    """Return the end of values moved, cut or joined; `make` does so with what stands for each."""
    if not ends:
        return None
    low, high = min(end.low for end in ends), max(end.high for end in ends)
    return together(ends, lambda r: make([end.again(r) for end in ends]), low, high, frozenset(traits))


def reduced(
    end: End | None,
    count: int | None,
    summed: bool,
    make: Callable[[Any], Any],
    spread: Callable[[Any], list[Any]],
) -> End | None:
    """Return the end of a mean over axes, or of a sum.

    Args:
        end: before.
        count: number of values that each is made of; None where that is open.
        summed: whether it is a sum.
        make: reduces what stands for the values.
        spread: returns the largest and the smallest of what stands for them.
    """
    if end is None or not end.probable or (summed and count is None):
        return None
    many = count or 1

    def again(reading: Reading) -> Any:
        part = end.again(reading)
        made = make(part)
        if count != 1:
            reading.mixed(spread(part))
        return made / many if summed else made

    times = many if summed else 1
    return together([end], again, end.low * times, end.high * times, frozenset({"averaged", "moved"}))


def scaled(end: End, factor: float) -> End:
    """Return the end of a multiple of another one."""
    low, high = sorted((end.low * factor, end.high * factor))
    turned: End = after(end, lambda x, r: r.other(x), "turned") if factor < 0 else end
    return attrs.evolve(turned, low=low, high=high)


def added(ends: Sequence[tuple[float, End]], shifts: Sequence[np.ndarray], wider: bool) -> End | None:
    """Return the end of a sum.

    Args:
        ends: sign and end of each term that has one.
        shifts: the constants.
        wider: whether a single end becomes wider by broadcasting.
    """
    turned = [scaled(end, sign) for sign, end in ends]
    low = sum(end.low for end in turned) + sum(float(one.min()) for one in shifts)
    high = sum(end.high for end in turned) + sum(float(one.max()) for one in shifts)
    if len(turned) == 1:
        return None if wider else attrs.evolve(turned[0], low=low, high=high)
    if any(sign < 0 for sign, _ in ends):
        return None  # a difference of two is no probability
    widths = [end.high - end.low for end in turned]

    def again(reading: Reading) -> Any:
        parts = [end.again(reading) for end in turned]
        reading.mixed(parts)
        weighed = [part * (width / sum(widths)) for part, width in zip(parts, widths, strict=True)]
        return functools.reduce(operator.add, weighed)

    return together(turned, again, low, high, frozenset({"averaged"}))


def together(
    ends: Sequence[End], again: Callable[[Reading], Any], low: float, high: float, traits: frozenset[str]
) -> End:
    """Return the end put together from others."""
    kinds = frozenset[str]().union(*(end.kinds for end in ends))
    every = traits.union(*(end.traits for end in ends))
    return End(again, kinds, low, high, every, tuple(leaf for end in ends for leaf in end.leaves))
