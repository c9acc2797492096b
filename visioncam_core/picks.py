"""From what the user asked to one scalar a picture: class indices checked, names found, callables bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.class_names import find_class
from visioncam_core.errors import OptionError, TargetError, TargetTypeError
from visioncam_core.targets import Binary, Class, Region

TOP = -1


@attrs.frozen
class Head:
    """What is known of the explained output before anything runs.

    Attributes:
        classes: number of classes; 2 where one value stands for two.
        binary: one value stands for two classes (a sigmoid).
        dense: a value for every position.
        names: class names, or None.
        probable: whether the model's own output is a probability.
        middle: where one value turns from the negative to the positive class: 0 for a logit.
    """

    classes: int
    binary: bool
    dense: bool
    names: tuple[str, ...] | None
    probable: bool
    middle: float = 0.0


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
    """
    if hasattr(target, "numpy") and not callable(target):
        target = target.numpy()
    if isinstance(target, np.ndarray) and target.ndim == 1:
        target = list(target)
    if isinstance(target, list | tuple):
        if len(target) != count:
            raise TargetError(
                f"{len(target)} targets were given for {count} picture{'s' if count != 1 else ''}; "
                "pass one for each, or a single one for all"
            )
        return [_wish(one, head) for one in target]
    return [_wish(target, head)] * count


def _wish(target: Any, head: Head) -> Wish:
    if isinstance(target, np.ndarray) and target.ndim == 0:
        target = target[()]
    if target is None:
        return TOP
    if isinstance(target, Class):
        target = target.which
    if isinstance(target, Binary):
        if not head.binary:
            raise TargetError(
                f"Binary() is for a model with one output value, this one has {head.classes} classes"
            )
        return int(target.positive)
    if isinstance(target, str):
        target = find_class(target, head.names)
    if isinstance(target, int | np.integer) and not isinstance(target, bool | np.bool_):
        if not 0 <= target < head.classes:
            raise TargetError(
                f"class index {int(target)} is out of range: the model has {head.classes} "
                f"class{'es' if head.classes != 1 else ''}, 0 to {head.classes - 1}"
            )
        return Region(int(target)) if head.dense else int(target)
    if callable(target) or hasattr(target, "bind"):
        return target
    raise TargetTypeError(
        f"target={target!r} of type {type(target).__name__} is not understood; pass a class index, a class name, a list "
        "with one for each picture, a target of visioncam.targets, or a function of the outputs"
    )


@attrs.frozen(eq=False)
class Pick:
    """The scalar of one picture, fixed on its clean values.

    Attributes:
        index: class index, or None for a function.
        function: (b, ...) values -> (b,) scores, or None for a class.
        head: the explained output.
        source: what the function was made of, for its name.
    """

    index: int | None
    function: Callable[[Any], Any] | None
    head: Head
    source: Any = None

    def score(self, values: Any, answer: Any = None) -> np.ndarray:
        """Return (b,) scores from (b, ...) score values."""
        if self.function is not None:
            return scalars(self.function, values)
        assert self.index is not None
        values = np.asarray(values)
        if self.head.binary:
            flat = values.reshape(len(values))
            return flat if self.index == 1 else 2 * self.head.middle - flat
        return values.reshape(len(values), -1)[:, self.index]

    @property
    def function_of_values(self) -> Callable[[Any], Any]:
        """The target as a differentiable function of (b, ...) values."""
        if self.function is not None:
            return self.function
        import tensorflow as tf

        def chosen(values: Any) -> Any:
            flat = tf.reshape(values, [int(values.shape[0]), -1])
            if self.head.binary:
                return flat[:, 0] if self.index == 1 else 2 * self.head.middle - flat[:, 0]
            return flat[:, self.index]

        return chosen

    def probability(self, values: Any, answer: Any) -> np.ndarray:
        """Return (b,) probabilities of the class; `answer` is the model's own output."""
        if self.index is None:
            raise OptionError(
                "weights='probability' needs a class as target, received a function; use weights='softmax'"
            )
        given = np.asarray(answer if self.head.probable else _softmax(np.asarray(values)))
        given = given.reshape(len(given), -1)
        if self.head.binary:
            return given[:, 0] if self.index == 1 else 1.0 - given[:, 0]
        return given[:, self.index]


def pick(wish: Wish, values: np.ndarray, head: Head) -> Pick:
    """Return the pick of one picture from its wish and its clean (1, ...) values."""
    if isinstance(wish, int):
        if wish == TOP and head.dense:
            wish = Region(top_class(values, head))
            return Pick(None, wish.bind(values), head, wish)
        return Pick(top_class(values, head) if wish == TOP else wish, None, head)
    bind = getattr(wish, "bind", None)
    return Pick(None, bind(values) if bind is not None else wish, head, wish)


def top_class(values: np.ndarray, head: Head) -> int:
    """Return the top class of one picture's (1, ...) values; of a dense output the most frequent one."""
    values = np.asarray(values)
    if head.binary:
        return int(values.reshape(-1)[0] >= head.middle)
    if head.dense:
        return int(np.bincount(values[0].argmax(-1).reshape(-1)).argmax())
    return int(values.reshape(-1).argmax())


def scalars(function: Callable[[Any], Any], values: Any) -> np.ndarray:
    """Return (b,) scores of a user's function, checked."""
    import tensorflow as tf

    return np.asarray(_checked(function, tf.convert_to_tensor(values)))


def slope(function: Callable[[Any], Any], values: Any) -> tuple[Any, Any]:
    """Return the (b,) scores of a user's function and their gradient in the (b, ...) values."""
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        scores = _checked(function, values)
    gradient = tape.gradient(scores, values)
    if gradient is None:
        raise TargetError(
            f"the target {function_name(function)} does not depend on the model's output in a differentiable way; "
            "write it with TensorFlow or keras.ops operations on its argument"
        )
    return scores, gradient


def _checked(function: Callable[[Any], Any], values: Any) -> Any:
    import tensorflow as tf

    try:
        answer = function(values)
    except (TargetError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise TargetError(
            f"the target {function_name(function)} failed on outputs of shape {tuple(values.shape)}: "
            f"{type(error).__name__}: {error}"
        ) from error
    scores = tf.cast(tf.convert_to_tensor(answer), tf.float32)
    count = int(values.shape[0])
    if scores.shape.rank == 0 and count == 1:
        scores = tf.reshape(scores, [1])
    if tuple(scores.shape) != (count,):
        raise TargetError(
            f"the target {function_name(function)} returned shape {tuple(scores.shape)} for {count} pictures; "
            f"it must return one number each, shape ({count},)"
        )
    return scores


def function_name(function: Any) -> str:
    """Return how a target function reads in a message or title."""
    label = getattr(function, "label", None)
    if callable(label):
        return str(label())
    return str(getattr(function, "__name__", None) or type(function).__name__)


def _softmax(values: np.ndarray) -> np.ndarray:
    if values.shape[-1] == 1 or values.ndim == 1:
        return 1.0 / (1.0 + np.exp(-values))
    powers = np.exp(values - values.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def name_of(index: int, names: Sequence[str] | None, binary: bool) -> str | None:
    """Return a class's name, "positive" or "negative" for one value without names, else None."""
    if names is not None and index < len(names):
        return names[index]
    if binary:
        return "positive" if index == 1 else "negative"
    return None
