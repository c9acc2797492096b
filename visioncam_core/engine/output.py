"""What is known of the explained output: its classes, their names, whether it gives probabilities."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import numpy as np

from visioncam_core.errors import OptionError, TargetError
from visioncam_core.text import brief, listing, whole


@attrs.frozen(eq=False)
class Score:
    """The values a target picks its scalar from.

    Attributes:
        output: name of the explained output.
        kind: "logit", "log-probability", "probability" or "output".
        shape: of its values, None for the batch and for what is open: (None, C), or (None, *space, C).
        answer_shape: of the model's own output, alike.
        activation: the final activation that was found, "softmax", "log_softmax", "sigmoid" or "softmax and
            sigmoid"; or "".
        assumed: none was found, and one was applied to the output as to logits.
        own: where none was found: whether the output is probabilities as it is.  None where the engine cannot
            tell; then rows that sum to 1 are.
        groups: for each class the number of its group where several softmaxes share the output, -1 for one
            with a sigmoid of its own; () where all classes are alike.
        complete: whether the probabilities of classes that exclude each other sum to 1.
        by_answer: the values of different classes cannot be compared; which one is on top the answer tells.
        composed: how the output is put together, in words, where that decides what is explained; or "".
        varies: each picture has a number of values of its own, as of a detector, one for each object.
    """

    output: str
    kind: str
    shape: tuple[int | None, ...]
    answer_shape: tuple[int | None, ...]
    activation: str = ""
    assumed: bool = False
    own: bool | None = None
    groups: tuple[int, ...] = ()
    complete: bool = True
    by_answer: bool = False
    composed: str = ""
    varies: bool = attrs.field(default=False, kw_only=True)

    @property
    def binary(self) -> bool:
        """Whether one value stands for two classes, if there is but one: a sigmoid's, or a probability."""
        probable = self.kind == "probability" or self.activation == "sigmoid" or bool(self.own)
        return probable and not self.varies

    @property
    def middle(self) -> float:
        """Where one value turns from the negative to the positive class."""
        return 0.5 if self.kind == "probability" or self.own else 0.0


@attrs.frozen
class Head:
    """What is known of the explained output before anything runs.

    Attributes:
        classes: number of classes; 2 where one value stands for two.
        binary: one value stands for two classes (a sigmoid).
        dense: a value for every position.
        names: class names as given, or None.
        probable: whether the model's own output is a probability.
        middle: where one value turns from the negative to the positive class: 0 for a logit.
        log: whether the model's own output is the logarithm of a probability.
        scored: whether the score's values are probabilities themselves (`score="probability"`).
        bare: a value for every pixel of the picture, without an axis of classes: (N, H, W).
        apart: each of several classes has a sigmoid of its own: their probabilities do not sum to 1.
        assumed: the activation that makes probabilities of the output as of logits, as none was found; or "".
        own: the output is probabilities as it is, though no activation was found.
        groups, complete, by_answer, varies: as in `Score`.
        features: as in `Hints`.
    """

    classes: int
    binary: bool
    dense: bool
    names: tuple[str, ...] | None
    probable: bool
    middle: float = 0.0
    log: bool = False
    scored: bool = False
    apart: bool = False
    bare: bool = False
    assumed: str = ""
    own: bool = False
    groups: tuple[int, ...] = ()
    complete: bool = True
    by_answer: bool = False
    varies: bool = False
    features: str = ""

    @property
    def known(self) -> tuple[str, ...] | None:
        """A name for each class; a binary output without names has "negative" and "positive"."""
        if not self.binary or (self.names is not None and len(self.names) == 2):
            return self.names
        return (f"not {self.names[0]}", self.names[0]) if self.names else ("negative", "positive")

    def check_names(self) -> None:
        """Raise `OptionError` unless there is a name for each class: one too many shifts them all."""
        fitting = {1, 2} if self.binary else {self.classes}
        if self.names is not None and len(self.names) not in fitting:
            count = "1 or 2" if self.binary else f"{self.classes}, one for each class"
            raise OptionError(
                f"class_names holds {len(self.names)} names, but the explained output takes {count}; "
                "pass them in the model's own order, or leave class_names= out"
            )

    def check_classes(self) -> None:
        """Raise `TargetError` where the explained output has no axis of classes."""
        if self.bare:
            raise TargetError(
                "a class needs an axis of classes, and the explained output has one value for each pixel; "
                "end the model with keras.layers.Reshape((height, width, 1)), or pass a function of the "
                "outputs"
            )

    def check_ranks(self) -> None:
        """Raise `TargetError` where there are no classes of which one could be the best."""
        if self.features:
            raise TargetError(self.features)

    def name(self, index: int) -> str | None:
        known = self.known
        return known[index] if known is not None and 0 <= index < len(known) else None

    def probabilities(self, values: np.ndarray, answer: np.ndarray) -> np.ndarray | None:
        """Return (b, ...) probabilities from the score's values and the model's output; None if not known."""
        if self.scored:
            return values
        if not self.probable:
            return None
        return np.exp(answer) if self.log else answer

    def ranked(self, values: np.ndarray, answer: np.ndarray | None) -> tuple[np.ndarray, Head]:
        """Return the numbers by which the classes of pictures are ranked, and the head as they mean it.

        They are the score's values where these can be compared, else the model's own probabilities.
        """
        given = self.probabilities(values, answer) if self.by_answer and answer is not None else None
        return (values, self) if given is None else (given, attrs.evolve(self, middle=0.5))

    def excluding(self, index: int) -> np.ndarray | None:
        """Return which classes share the rest of the probability of one; None where it is 1 - p."""
        if self.apart or not self.complete or (self.groups and self.groups[index] < 0):
            return None
        others = np.asarray(self.groups or [0] * self.classes) == (self.groups or (0,) * self.classes)[index]
        others[index] = False
        return others if others.any() else None


def head_of(
    score: Score, names: tuple[str, ...] | None, given: bool = True, space: tuple[int, ...] = ()
) -> Head:
    """Return what is known of the output behind an engine's score.

    Args:
        score: its shape, kind and activation.
        names: class names, or None.
        given: whether the user passed them; those that came with the model are left out if they do not fit.
        space: lengths of the picture's axes.
    """
    shape = score.shape
    classes = 1 if len(shape) == 1 else int(shape[-1] or 0)
    dense = len(shape) > 2 and any(n is None or n > 1 for n in shape[1:-1])
    scored = score.kind == "probability"
    binary = classes == 1 and not dense and score.binary
    probable = not score.assumed and (scored or bool(score.activation or score.own))
    if not given and names is not None and len(names) not in ({1, 2} if binary else {classes}):
        names = None
    return Head(
        classes=2 if binary else classes,
        binary=binary,
        dense=dense,
        names=names,
        probable=bool(score.activation or score.own),
        middle=score.middle,
        log=score.activation == "log_softmax",
        scored=scored,
        bare=len(space) > 1 and _covers(shape[1:], space),
        apart=score.varies or (score.activation == "sigmoid" and not binary),
        assumed="" if probable else "sigmoid" if classes == 1 or score.varies else "softmax",
        own=bool(score.own),
        groups=score.groups,
        complete=score.complete,
        by_answer=score.by_answer,
        varies=score.varies,
    )


def _covers(shape: tuple[int | None, ...], space: tuple[int, ...]) -> bool:
    """Return whether an output has one value at each place of the picture and nothing else."""
    return len(shape) == len(space) and all(n in (None, side) for n, side in zip(shape, space, strict=True))


def looks_probable(answer: np.ndarray) -> bool:
    """Return whether an output looks like class probabilities: within [0, 1], several values summing to 1."""
    inside = bool(np.all(answer >= 0) and np.all(answer <= 1))
    if not inside or answer.ndim < 2 or answer.shape[-1] == 1:
        return False
    return bool(np.allclose(answer.sum(-1), 1.0, atol=1e-3))


def named_output(outputs: Iterable[str], output: str | int | None) -> str:
    """Return the name of the output asked for, by name or position; the first one by default.

    Raises:
        TargetError: there is no such output.
    """
    names = list(outputs)
    if output is None:
        return names[0]
    index = whole(output)
    if index is not None and -len(names) <= index < len(names):
        return names[index]
    if isinstance(output, str) and output in names:
        return output
    raise TargetError(
        f"the model has no output {brief(output, 60)}; its outputs are {listing(names)}, pass one by name or "
        "by index"
    )
