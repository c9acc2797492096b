"""From what the user asked to one scalar a picture: class indices checked, names found, callables bound."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.interface import Engine
from visioncam_core.engine.output import Head
from visioncam_core.errors import OptionError, TargetError, TargetTypeError
from visioncam_core.ops import to_numpy
from visioncam_core.targets.class_names import find_class
from visioncam_core.targets.classes import Class, Ranked, Region
from visioncam_core.targets.functions import function_name, scalars, slope
from visioncam_core.text import shown, whole

__all__ = ["TOP", "Head", "Pick", "Wish", "function_name", "pick", "scalars", "slope", "top_class", "wishes"]

TOP = -1

Wish = int | Any
"""A class index (-1: the top class), a function of the values, or an object that `bind`s to them."""


def wishes(target: Any, count: int, head: Head) -> list[Wish]:
    """Return one wish for each of `count` pictures.

    Args:
        target: None, an index, a name, a target object, a callable, or a list of these.
        count: number of pictures.
        head: the explained output.

    Raises:
        TargetError: out of range, unknown, or a list of another length.
        TargetTypeError: a boolean, a float, or something else that is no target.
        OptionError: class names that are too many or too few for this output.
    """
    head.check_names()
    target = _plain(target)
    if isinstance(target, np.ndarray) and target.ndim == 1:
        target = list(target)
    if isinstance(target, list | tuple):
        if len(target) != count:
            raise TargetError(
                f"{len(target)} target{'s' if len(target) != 1 else ''} for {count} picture"
                f"{'s' if count != 1 else ''}: pass one for each, or a single one for all"
            )
        return [_wish(one, head) for one in target]
    return [_wish(target, head)] * count


def _plain(target: Any) -> Any:
    """Return a tensor as an array, and a number or text of NumPy's as Python's own."""
    if hasattr(target, "numpy") and not callable(target):
        target = to_numpy(target)
    if isinstance(target, np.ndarray) and target.ndim == 0:
        target = target[()]
    return str(target) if isinstance(target, str) else target


def _wish(target: Any, head: Head) -> Wish:
    target = _plain(target)
    if target is None:
        head.check_classes()
        return TOP
    if isinstance(target, type):
        name = target.__name__
        raise TargetTypeError(
            f"target={name} is a class; have you forgotten the ()? write target={name}(...)"
        )
    if isinstance(target, Class):
        target = target.which
    elif hasattr(target, "resolve") and not isinstance(target, os.PathLike):
        target = target.resolve(head)
    if isinstance(target, str):
        if re.fullmatch(r"top\d+", target) and target not in (head.known or ()):
            raise TargetError(
                f"target={target!r} gives a stack of maps for each picture, and here there is room for one; "
                f"pass it alone to visioncam.explain, as targets={target!r} to visioncam.compare, or "
                "targets.Ranked(0), Ranked(1), ..."
            )
        target = find_class(target, head.known)
    index = whole(target)
    if index is not None:
        head.check_classes()
        if not 0 <= index < head.classes:
            raise TargetError(
                f"class index {shown(index)} is out of range: the model has {head.classes} "
                f"class{'es' if head.classes != 1 else ''}, 0 to {head.classes - 1}"
            )
        return Region(index).resolve(head) if head.dense else index
    if callable(target) or hasattr(target, "bind") or isinstance(target, Ranked):
        return target
    raise TargetTypeError(
        f"target={shown(target, 60)} of type {type(target).__name__} is not understood; pass a class index, "
        "a class name, a target of visioncam.targets, a function of the outputs, or a list with one for each"
    )


@attrs.frozen(eq=False)
class Pick:
    """The scalar of one picture, fixed on its clean values.

    Attributes:
        index: class index, or None for a function.
        function: (b, ...) values -> (b,) scores, or None for a class.
        head: the explained output.
        engine: of the model whose values they are.
        source: what the function was made of, for its name.
    """

    index: int | None
    function: Callable[[Any], Any] | None
    head: Head
    engine: Engine
    source: Any = None

    def score(self, values: Any, answer: Any = None) -> np.ndarray:
        """Return (b,) scores from (b, ...) score values."""
        if self.function is not None:
            return scalars(self.engine, self.function, values)
        assert self.index is not None
        values = np.asarray(values)
        if self.head.binary:
            flat = values.reshape(len(values))
            return flat if self.index == 1 else 2 * self.head.middle - flat
        return values.reshape(len(values), -1)[:, self.index]

    def slope(self, values: Any) -> Any:
        """Return the gradient of the target in (b, ...) values, of their shape."""
        if self.function is not None:
            return slope(self.engine, self.function, values)[1]
        shape = tuple(int(n) for n in values.shape)
        gradient = np.zeros((shape[0], int(np.prod(shape[1:]))), np.float32)
        gradient[:, 0 if self.head.binary else self.index] = (
            -1.0 if self.head.binary and not self.index else 1.0
        )
        return gradient.reshape(shape)

    def probability(self, values: Any, answer: Any) -> np.ndarray:
        """Return (b,) probabilities of the class; `answer` is the model's own output."""
        given = self._probabilities(values, answer)
        if self.head.binary:
            return given[:, 0] if self.index == 1 else 1.0 - given[:, 0]
        return given[:, self.index]

    def remainder(self, values: Any, answer: Any) -> np.ndarray:
        """Return (b,) 1 - probability, as the sum of the other classes' where they exclude each other.

        The sum is exact also near 0.
        """
        given = self._probabilities(values, answer).astype(np.float64)
        if self.head.binary:
            return 1.0 - given[:, 0] if self.index == 1 else given[:, 0]
        assert self.index is not None
        if self.head.apart:
            return np.asarray(1.0 - given[:, self.index])
        others = np.delete(given, self.index, axis=1)
        return np.asarray(others.sum(axis=1) if others.shape[1] else 1.0 - given[:, self.index])

    def _probabilities(self, values: Any, answer: Any) -> np.ndarray:
        if self.index is None:
            raise OptionError(
                "weights='probability' needs a class as target, received a function; use weights='softmax'"
            )
        values = np.asarray(values)
        given = self.head.probabilities(values, np.asarray(answer))
        given = _softmax(values) if given is None else given
        return given.reshape(len(given), -1)


def pick(wish: Wish, values: np.ndarray, head: Head, engine: Engine) -> Pick:
    """Return the pick of one picture from its wish and its clean (1, ...) values."""
    if isinstance(wish, Ranked):
        return Pick(wish.index_in(values, head), None, head, engine)
    if isinstance(wish, int) and not (wish == TOP and head.dense):
        return Pick(top_class(values, head) if wish == TOP else wish, None, head, engine)
    source: Any = Region.of_top(values, head) if isinstance(wish, int) else wish
    bind = getattr(source, "bind", None)
    if bind is None:
        return Pick(None, source, head, engine, source)
    clean = engine.tensors([values])[0] if getattr(source, "binds_tensors", False) else values
    return Pick(None, bind(clean), head, engine, source)


def top_class(values: np.ndarray, head: Head) -> int:
    """Return the top class of one picture's (1, ...) values; of a dense output the most frequent one."""
    values = np.asarray(values)
    if head.binary:
        return int(values.reshape(-1)[0] >= head.middle)
    if head.dense:
        return int(np.bincount(values[0].argmax(-1).reshape(-1)).argmax())
    return int(values.reshape(-1).argmax())


def _softmax(values: np.ndarray) -> np.ndarray:
    if values.shape[-1] == 1 or values.ndim == 1:
        return 0.5 * (1.0 + np.tanh(0.5 * values))
    powers = np.exp(values - values.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


MOST = 5


def stack_size(target: Any, names: tuple[str, ...] | None) -> int:
    """Return how many classes a target such as `"top5"` asks for; 0 for every other target.

    Args:
        target: any target.
        names: class names; one that is called "top5" is that class.

    Raises:
        TargetError: none, or more than five.
    """
    if not isinstance(target, str) or target in (names or ()) or not re.fullmatch(r"top\d+", target):
        return 0
    size = int(target[3:5])
    if len(target) > 5 or not 1 <= size <= MOST:
        raise TargetError(
            f"target={shown(target, 40)} is out of range: a stack holds the best 1 to {MOST} classes, 'top1' "
            f"to 'top{MOST}'; targets.Ranked(n) is a single class further down"
        )
    return size


def questions(target: Any, size: int, count: int, head: Head) -> list[list[Wish]]:
    """Return what is asked of each of `count` pictures: once, or once for each of the best classes.

    Args:
        target: any target; not looked at where `size` is not 0.
        size: how many classes, best first; a model with fewer gives as many as it has.
        count: number of pictures.
        head: the explained output.

    Raises:
        TargetError: of a stack, an output that is no list of classes; else as `picks.wishes`.
    """
    if not size:
        return [wishes(target, count, head)]
    return [wishes(Ranked(rank), count, head) for rank in range(max(1, min(size, head.classes)))]
