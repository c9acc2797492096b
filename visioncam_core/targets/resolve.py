"""From the user's target to one scalar per picture: class indices checked, names found, callables bound."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.interface import Engine
from visioncam_core.engine.output import Head
from visioncam_core.errors import OptionError, TargetError, TargetTypeError
from visioncam_core.targets.class_names import check_index, find_class
from visioncam_core.targets.classes import Class, Ranked, Region
from visioncam_core.targets.functions import scalars, slope
from visioncam_core.text import brief, whole

TOP = -1
MOST = 5
"""Classes of a stack."""

TargetSpec = int | Any
"""A class index (-1: the top class), a function of the values, or an object that `bind`s to them."""


def target_specs(target: Any, count: int, head: Head) -> list[TargetSpec]:
    """Return one spec for each of `count` pictures.

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
            target = [one.item() if isinstance(one, np.generic) else one for one in target]
            if len(target) == head.classes and sorted(target, key=str) == [0] * (len(target) - 1) + [1]:
                raise TargetError(
                    f"target={brief(target, 40)} looks like a one-hot class; pass its index, "
                    f"{target.index(1)}"
                )
            raise TargetError(
                f"{len(target)} target{'s' if len(target) != 1 else ''} for {count} picture"
                f"{'s' if count != 1 else ''}: pass one for each, or a single one for all; several maps of "
                f"each picture are visioncam.compare(..., targets={brief(target, 40)})"
            )
        return [_spec(one, head) for one in target]
    return [_spec(target, head)] * count


def _plain(target: Any) -> Any:
    """Return a tensor as an array, and a number or text of NumPy's as Python's own."""
    if hasattr(target, "numpy") and not callable(target):
        target = ops.to_numpy(target)
    if isinstance(target, np.ndarray) and target.ndim == 0:
        target = target[()]
    return str(target) if isinstance(target, str) else target


def one_each(target: Any, count: int) -> list[Any]:
    """Return a target for each of `count` pictures: their own from a list, or the one for all.

    Raises:
        OptionError: the list has another length.
    """
    if not isinstance(target, list | tuple | np.ndarray):
        return [target] * count
    if len(target) != count:
        raise OptionError(f"{len(target)} targets for {count} pictures; pass one each, or one for all")
    return list(target)


def _spec(target: Any, head: Head) -> TargetSpec:
    target = _plain(target)
    if target is None or isinstance(target, Ranked):
        head.check_ranks()
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
                f"target={target!r} gives a stack of maps for each picture, but only one fits here; "
                f"pass it alone to visioncam.explain, as targets={target!r} to visioncam.compare, or "
                "targets.Ranked(0), Ranked(1), ..."
            )
        target = find_class(target, head.known)
    index = whole(target)
    if index is not None:
        head.check_classes()
        check_index(index, max(index + 1, 1) if head.varies else head.classes)
        return Region(index).resolve(head) if head.dense else index
    if callable(target) or hasattr(target, "bind") or isinstance(target, Ranked):
        return target
    theirs = whole(getattr(target, "category", None))  # pytorch-grad-cam's ClassifierOutputTarget
    raise TargetTypeError(
        f"target={brief(target, 60)} of type {type(target).__name__} is not understood; pass "
        f"{'a class index' if theirs is None else f'target={theirs}'}, "
        "a class name, a target of visioncam.targets, a function of the outputs, or a list with one for each"
    )


@attrs.frozen(eq=False)
class Target:
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
        others = self.head.excluding(self.index)
        if others is None:
            return np.asarray(1.0 - given[:, self.index])
        return np.asarray(np.compress(others, given, axis=1).sum(axis=1))

    def _probabilities(self, values: Any, answer: Any) -> np.ndarray:
        if self.index is None:
            raise OptionError(
                "weights='probability' needs a class as target, received a function; use weights='softmax'"
            )
        values = np.asarray(values)
        given = self.head.probabilities(values, np.asarray(answer))
        if given is None:
            given = ops.sigmoid(values) if values.shape[-1] == 1 or values.ndim == 1 else ops.softmax(values)
        return given.reshape(len(given), -1)


def fix_target(
    spec: TargetSpec, values: np.ndarray, head: Head, engine: Engine, answer: np.ndarray | None = None
) -> Target:
    """Return the target of one picture from its spec, its clean (1, ...) values and the model's answer."""
    ranked, reads = head.ranked(values, answer)
    place = spec.rank if isinstance(spec, Ranked) else spec if isinstance(spec, int) else None
    if head.varies and place is not None and max(place, 0) >= values.size:
        raise TargetError(
            f"the output has {values.size} values for this picture, and number {max(place, 0)}, counted from "
            "0, was requested; pass one of these, or another picture"
        )
    if isinstance(spec, Ranked):
        return Target(spec.index_in(ranked, reads), None, head, engine)
    if isinstance(spec, int) and not (spec == TOP and head.dense):
        index = spec
        if spec == TOP:
            flat = np.asarray(ranked).reshape(-1)
            index = int(flat[0] >= reads.middle) if head.binary else int(flat.argmax())
        return Target(index, None, head, engine)
    source: Any = Region.of_top(ranked, reads) if isinstance(spec, int) else spec
    bind = getattr(source, "bind", None)
    if bind is None:
        return Target(None, source, head, engine, source)
    if isinstance(source, Region):
        bind, values = attrs.evolve(source, middle=reads.middle).bind, ranked
    clean = engine.tensors([values])[0] if getattr(source, "binds_tensors", False) else values
    bound = bind(clean)
    return Target(None, bound, head, engine, bound if hasattr(bound, "label") else source)


def fix_targets(
    specs: Sequence[TargetSpec], values: np.ndarray, head: Head, engine: Engine, answer: np.ndarray
) -> list[Target]:
    """Return the targets of the pictures of a batch; those of the same class are one object."""
    if head.dense or head.varies or not all(isinstance(spec, int) for spec in specs):
        return [
            fix_target(spec, values[i : i + 1], head, engine, answer[i : i + 1])
            for i, spec in enumerate(specs)
        ]
    ranked, reads = head.ranked(values, answer)
    flat = ranked.reshape(len(ranked), -1)
    top = flat[:, 0] >= reads.middle if head.binary else flat.argmax(axis=1)
    indices = [int(best) if spec == TOP else spec for spec, best in zip(specs, top.tolist(), strict=True)]
    found = {index: Target(index, None, head, engine) for index in set(indices)}
    return [found[index] for index in indices]


def scores_of(targets: Sequence[Target], values: np.ndarray) -> np.ndarray:
    """Return the (N,) scores of N pictures from their (N, ...) values, each by its own target."""
    same: dict[int, list[int]] = {}
    for i, one in enumerate(targets):
        same.setdefault(id(one), []).append(i)
    found = np.zeros(len(targets), np.float32)
    for which in same.values():
        found[which] = targets[which[0]].score(values[which] if len(same) > 1 else values)
    return found


def stack_size(target: Any, names: tuple[str, ...] | None) -> int:
    """Return how many classes a target such as `"top5"` asks for; 0 for others, and for a class of that name.

    Raises:
        TargetError: none, or more than five.
    """
    if not isinstance(target, str) or target in (names or ()) or not re.fullmatch(r"top\d+", target):
        return 0
    size = int(target[3:5])
    if len(target) > 5 or not 1 <= size <= MOST:
        raise TargetError(
            f"target={brief(target, 40)} is out of range: a stack holds the best 1 to {MOST} classes, 'top1' "
            f"to 'top{MOST}'; targets.Ranked(n) is a single class further down"
        )
    return size


def specs_of_call(target: Any, size: int, count: int, head: Head) -> list[list[TargetSpec]]:
    """Return the specs of each of `count` pictures: once, or once for each of the `size` best classes.

    A model with fewer classes gives as many as it has; `target` is not looked at where `size` is not 0.

    Raises:
        TargetError: of a stack, an output that is no list of classes; else as `target_specs`.
    """
    if not size:
        return [target_specs(target, count, head)]
    return [target_specs(Ranked(rank), count, head) for rank in range(max(1, min(size, head.classes)))]
