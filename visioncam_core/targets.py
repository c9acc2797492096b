"""Targets: the scalar that is explained, one for each picture.

A class is an index; everything else is a function of the score's values, which are the logits where
they can be found.  Such a function takes a `(b, ...)` tensor and returns `(b,)`; it must be
differentiable for gradient methods.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import attrs
import numpy as np

from visioncam_core.errors import TargetError, TargetTypeError


@attrs.frozen
class Class:
    """One class, by index or name; the same as passing it directly."""

    which: int | str


@attrs.frozen
class Binary:
    """The positive or the negative class of a model with one output value.

    Attributes:
        positive: explain the evidence for (True) or against (False) the positive class.
    """

    positive: bool = True


@attrs.frozen
class Regression:
    """One value of a regression model.

    Attributes:
        direction: "up" explains what raises the value, "down" what lowers it.
        index: which of the model's values.
    """

    direction: Literal["up", "down"] = attrs.field(
        default="up", validator=attrs.validators.in_(("up", "down"))
    )
    index: int = 0

    def __call__(self, values: Any) -> Any:
        """Return (b,) the value, negated for "down"."""
        flat = _flat(values)
        _check_index(self.index, int(flat.shape[-1]))
        return flat[:, self.index] * (1.0 if self.direction == "up" else -1.0)

    def label(self) -> str:
        """Return how the target reads in a title."""
        return f"output {self.index} {self.direction}"


@attrs.frozen
class Contrast:
    """Why class `a` and not class `b`: the difference of their logits.

    Attributes:
        a: the class explained, by index.
        b: the class it is compared with, by index.
    """

    a: int
    b: int

    def __call__(self, values: Any) -> Any:
        """Return (b,) values of `a` minus values of `b`."""
        for index in (self.a, self.b):
            _check_index(index, int(values.shape[-1]))
        difference = values[..., self.a] - values[..., self.b]
        return _mean_positions(difference)

    def label(self) -> str:
        """Return how the target reads in a title."""
        return f"class {self.a} rather than {self.b}"


@attrs.frozen(eq=False)
class Similarity:
    """Cosine similarity of the model's embedding with a reference embedding.

    Attributes:
        reference: (D,) embedding, or (1, D).
    """

    reference: Any

    def __call__(self, values: Any) -> Any:
        """Return (b,) cosine similarities, in [-1, 1]."""
        import keras

        ops = keras.ops
        flat = ops.reshape(values, (ops.shape(values)[0], -1))
        reference = ops.reshape(ops.convert_to_tensor(np.asarray(self.reference, np.float32)), (-1,))
        if int(flat.shape[-1]) != int(reference.shape[0]):
            raise TargetError(
                f"the reference embedding has {int(reference.shape[0])} values, the model's output {int(flat.shape[-1])}"
            )
        norms = ops.norm(flat, axis=-1) * ops.norm(reference)
        return ops.sum(flat * reference, axis=-1) / ops.maximum(norms, 1e-12)

    def label(self) -> str:
        """Return how the target reads in a title."""
        return "similarity to the reference"


@attrs.frozen(eq=False)
class Region:
    """A class over a part of a dense output (segmentation): its mean logit there.

    Attributes:
        class_: class index.
        where: "predicted" (the positions where the model predicts the class, frozen on the clean picture), "all", a boolean
            mask of the output's positions, a box (top, left, bottom, right) or a point (row, column),
            both in the output's positions.
    """

    class_: int
    where: Any = "predicted"

    def bind(self, values: Any) -> Callable[[Any], Any]:
        """Return the target with its mask fixed on one clean picture's (1, *space, C) values."""
        mask = self._mask(np.asarray(values)[0])

        def mean_there(changed: Any) -> Any:
            import keras

            chosen = changed[..., self.class_] * keras.ops.convert_to_tensor(mask[None])
            return keras.ops.sum(chosen, axis=tuple(range(1, len(chosen.shape)))) / float(mask.sum())

        return mean_there

    def _mask(self, values: np.ndarray) -> np.ndarray:
        if values.ndim < 2:
            raise TargetError(f"Region needs a value for every position, the output has shape {values.shape}")
        single = values.shape[-1] == 1
        _check_index(self.class_, 1 if single else values.shape[-1])
        space = values.shape[:-1]
        if isinstance(self.where, str):
            if self.where == "all":
                return np.ones(space, np.float32)
            if self.where != "predicted":
                raise TargetError(
                    f"where={self.where!r} is not understood; pass 'predicted', 'all', a mask, a box or a point"
                )
            predicted = values[..., 0] > 0 if single else values.argmax(-1) == self.class_
            if not predicted.any():
                raise TargetError(
                    f"the model predicts class {self.class_} nowhere in this picture; pass where='all', a mask or a box"
                )
            return predicted.astype(np.float32)
        area = np.asarray(self.where)
        mask = np.zeros(space, np.float32)
        if area.shape == space:
            mask[area.astype(bool)] = 1.0
        elif area.shape == (2 * len(space),):
            mask[
                tuple(
                    slice(int(a), int(b)) for a, b in zip(area[: len(space)], area[len(space) :], strict=True)
                )
            ] = 1.0
        elif area.shape == (len(space),):
            mask[tuple(int(i) for i in area)] = 1.0
        else:
            raise TargetError(f"where has shape {area.shape}; pass a mask of shape {space}, a box or a point")
        if not mask.any():
            raise TargetError(f"where={self.where!r} covers no position of the output's {space}")
        return mask

    def label(self) -> str:
        """Return how the target reads in a title."""
        return f"class {self.class_} in a region"


def _flat(values: Any) -> Any:
    return values[:, None] if len(values.shape) == 1 else values


def _mean_positions(values: Any) -> Any:
    import keras

    return (
        keras.ops.mean(values, axis=tuple(range(1, len(values.shape)))) if len(values.shape) > 1 else values
    )


def _check_index(index: int, classes: int) -> None:
    if isinstance(index, bool) or not isinstance(index, int | np.integer):
        raise TargetTypeError(
            f"a class index is a whole number, received {index!r} of type {type(index).__name__}"
        )
    if not 0 <= index < classes:
        raise TargetError(
            f"class index {int(index)} is out of range: the model has {classes} classes, 0 to {classes - 1}"
        )
