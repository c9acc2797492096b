"""Targets: the scalar that is explained, one for each picture.

A class is an index; everything else is a function of the score's values, which are the logits where
they can be found.  Such a function takes a `(b, ...)` tensor and returns `(b,)`; it must be
differentiable for gradient methods.

A target object may have `resolve(head)`, which checks it against the explained output and finds class
names, and `label()`, how it reads in a title.
"""

from __future__ import annotations

from typing import Any, Literal

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.output import Head
from visioncam_core.errors import TargetError
from visioncam_core.options.fields import in_range, option
from visioncam_core.targets.class_names import check_index, find_class
from visioncam_core.targets.detection import Box
from visioncam_core.targets.regions import Region
from visioncam_core.targets.similarity import Similarity
from visioncam_core.text import brief

__all__ = ["Binary", "Box", "Class", "Contrast", "Ranked", "Region", "Regression", "Similarity"]

NEAREST = 3
"""Rivals of a class where none are named."""


@attrs.frozen
class Class:
    """One class, by index or name; the same as passing it directly."""

    which: int | str = option(attrs.NOTHING, help="class index or name")


@attrs.frozen
class Ranked:
    """The model's best class for each picture, its second best, and so on.

    Attributes:
        rank: 0 for the top class, 1 for the one after it.
    """

    rank: int = option(attrs.NOTHING, help="0 for the top class", validator=in_range(0, None))

    def resolve(self, head: Head) -> Ranked:
        """Return the target, checked against the explained output."""
        if head.varies:
            return self
        if head.dense or head.classes < 2:
            what = "has a value for every position" if head.dense else "is a single value"
            raise TargetError(f"Ranked({self.rank}) needs a list of classes, and the explained output {what}")
        if self.rank >= head.classes:
            raise TargetError(
                f"Ranked({brief(self.rank)}) is out of range: the model has {head.classes} classes, ranks 0 "
                f"to {head.classes - 1}"
            )
        return self

    def index_in(self, values: np.ndarray, head: Head) -> int:
        """Return the class of this rank in one picture's (1, C) values."""
        flat = np.asarray(values).reshape(-1)
        if head.binary:
            flat = np.asarray([2 * head.middle - flat[0], flat[0]])
            return int(flat[1] >= flat[0]) if self.rank == 0 else int(flat[1] < flat[0])
        return int(np.argsort(-flat, kind="stable")[self.rank])


@attrs.frozen
class Binary:
    """The positive or the negative class of a model with one output value.

    Attributes:
        positive: explain the evidence for (True) or against (False) the positive class.
    """

    positive: bool = option(True, help="the positive class, or the negative one")

    def resolve(self, head: Head) -> int | Binary:
        """Return the class index, or the target itself where the one value is no probability."""
        if head.binary:
            return int(self.positive)
        if head.classes == 1 and not head.dense:
            return self
        raise TargetError(
            f"Binary() is for a model with one output value, this one has {head.classes} classes"
            f"{' at every position' if head.dense else ''}; pass a class index"
        )

    def __call__(self, values: Any) -> Any:
        """Return (b,) the value, negated for the negative class."""
        flat = _flat(values)[:, 0]
        return flat if self.positive else -flat

    def label(self) -> str:
        """Return how the target reads in a title."""
        return "positive" if self.positive else "negative"


@attrs.frozen
class Regression:
    """One value of a regression model.

    Attributes:
        direction: "up" explains what raises the value, "down" what lowers it.
        index: which of the model's values.
    """

    direction: Literal["up", "down"] = option("up", help="explain what raises the value, or what lowers it")
    index: int = option(0, help="which of the model's values", validator=in_range(0, None))

    def resolve(self, head: Head) -> Regression:
        """Return the target, checked against the explained output."""
        if head.dense:
            raise TargetError(
                "Regression() is for a list of values, and the explained output has one for every position; "
                "pass targets.Region(channel, where), or a function of the outputs"
            )
        count = 1 if head.binary else head.classes
        if self.index >= count:
            raise TargetError(
                f"Regression(index={brief(self.index)}) is out of range: the model has {count} "
                f"value{'s' if count != 1 else ''}, 0 to {count - 1}"
            )
        return self

    def __call__(self, values: Any) -> Any:
        """Return (b,) the value, negated for "down"."""
        return _flat(values)[:, self.index] * (1.0 if self.direction == "up" else -1.0)

    def label(self) -> str:
        """Return how the target reads in a title."""
        return f"output {self.index} {self.direction}"


@attrs.frozen
class Contrast:
    """Why class `a` and not class `b`, or several: its logit minus the mean of theirs; Finer-CAM.

    Notes:
        S = z_a − γ · mean of z_d over d in b

        z: the logits, averaged over the positions of a dense output.  With `b=None` the rivals are the three
        classes whose logits for the picture are nearest to that of `a`, chosen once for each picture.  With a
        method that is linear in S, such as Grad-CAM, the map is M(a) − γ · mean of M(d).

    Differences:
        torchcam's γ is 0.6; pytorch-grad-cam leaves the rivals' probabilities in the gradient.

    Attributes:
        a: the class explained, by index or name.
        b: the class it is compared with, by index or name, or several; None for the three nearest.
        labels: how they read in a title; found by `resolve`.
        gamma: γ.

    References:
        Zhang et al., "Finer-CAM: Spotting the difference reveals finer details for visual explanation",
        CVPR 2025, arXiv:2501.11309.
    """

    a: int | str = option(attrs.NOTHING, help="the class explained")
    b: int | str | tuple[int | str, ...] | None = option(
        None, help="the class it is compared with, or several; the three nearest by default"
    )
    labels: tuple[str, ...] = option((), help="how they read in a title")
    gamma: float = option(
        1.0, help="weight of the other classes, which is subtracted", validator=in_range(0, 10)
    )

    @property
    def rivals(self) -> tuple[Any, ...]:
        """The classes it is compared with; () for those that each picture has nearest."""
        return () if self.b is None else self.b if isinstance(self.b, tuple) else (self.b,)

    def resolve(self, head: Head) -> Contrast:
        """Return the target with all classes as indices, checked against the explained output."""
        if head.binary or head.classes == 1:
            raise TargetError(
                "Contrast() needs two values to compare, and the model has one; pass a class index"
            )
        if self.b == ():
            raise TargetError(f"{self._call} names no rival; leave it out for the three nearest classes")
        a, *b = (find_class(x, head.known) if isinstance(x, str) else x for x in (self.a, *self.rivals))
        for index in (a, *b):
            check_index(index, head.classes)
        if a in b:
            raise TargetError(f"{self._call} compares a class with itself; pass two classes")
        if len(set(b)) < len(b):
            raise TargetError(f"{self._call} names a class twice; pass each once")
        groups = {head.groups[i] for i in ((a, *b) if b else range(head.classes))} if head.groups else {0}
        if len(groups) > 1 and not head.scored:
            raise TargetError(
                f"{self._call} compares logits of two groups of classes, each with a softmax or sigmoid of "
                "its own; pass two classes of one group, or score='probability'"
            )
        named = (
            (a, *b) if b else (a, *range(head.classes))
        )  # names of all, where rivals are still to be found
        labels = tuple((head.name(i) or f"class {i}").split(",")[0] for i in named)
        return Contrast(a, None if self.b is None else tuple(b), labels, self.gamma)

    def bind(self, values: np.ndarray) -> Contrast:
        """Return the target with the rivals that one picture's clean (1, ...) values have nearest."""
        if self.b is not None:
            return self
        z = np.asarray(values).reshape(-1, np.shape(values)[-1]).mean(axis=0)
        check_index(self.a, len(z))
        order = np.argsort(np.abs(z - z[self.a]), kind="stable")
        b = tuple(int(i) for i in order if i != self.a)[:NEAREST]
        labels = (self.labels[0], *(self.labels[1 + i] for i in b)) if self.labels else ()
        return attrs.evolve(self, b=b, labels=labels)

    def __call__(self, values: Any) -> Any:
        """Return (b,) values of `a` minus γ times the rivals' mean, averaged over the positions of a map."""
        for index in (self.a, *self.rivals):
            check_index(index, int(values.shape[-1]))
        others = sum(values[..., i] for i in self.rivals)
        difference = values[..., self.a] - others * (self.gamma / len(self.rivals))
        axes = tuple(range(1, len(difference.shape)))
        return ops.backend(difference).mean(difference, axis=axes) if axes else difference

    def label(self) -> str:
        """Return how the target reads in a title."""
        a, *b = self.labels or [f"class {i}" for i in (self.a, *self.rivals)]
        if self.b is None:
            b = ["the classes nearest to it"]
        text = " and ".join(filter(None, (", ".join(b[:-1]), b[-1])))
        return f"{a} rather than {text}" + (f", γ = {self.gamma:g}" if self.gamma != 1 else "")

    @property
    def _call(self) -> str:
        rivals = "" if self.b is None else f", {list(self.b) if isinstance(self.b, tuple) else self.b!r}"
        return f"Contrast({self.a!r}{rivals})"


def _flat(values: Any) -> Any:
    """Return (b, n) values, also of an output of shape (b,) or (b, 1, 1, n)."""
    return ops.backend(values).reshape(values, (int(values.shape[0]), -1))
