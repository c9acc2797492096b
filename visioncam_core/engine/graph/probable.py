"""What the explained output says: probabilities, by which activations, of which groups of classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.graph.ends import End
from visioncam_core.engine.output import looks_probable

RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-30.0, 30.0))
"""Of the noise that an output is tried on."""
EXACT = 1e-3
"""How far from [0, 1], and from a sum of 1, probabilities may be by rounding."""
COMPOSED = {
    "nested": "one activation on top of another, and the score is what went into the first",
    "averaged": "an average of probabilities, and the score is the average of their logits",
    "log": "the logarithm of probabilities, which are shown instead",
}


@attrs.frozen(eq=False)
class Logits:
    """A model output with what is known of its probabilities.

    Attributes:
        tensor: the logits, of the output's shape, as the engine has them; the output itself where there are
            none.
        answer: the output, or the probabilities it is made of where its own values leave [0, 1].
        activation: "softmax", "log_softmax", "sigmoid", "softmax and sigmoid", or "" when none was found.
        own: without an activation found: whether the values are probabilities as they are.
        groups, complete, by_answer, composed: as in `visioncam_core.engine.output.Score`.
        leaves: what went into the activations, where it has the output's axes.
    """

    tensor: Any
    answer: Any
    activation: str = ""
    own: bool = False
    groups: tuple[int, ...] = ()
    complete: bool = True
    by_answer: bool = False
    composed: str = ""
    leaves: tuple[Any, ...] = ()


Marks = Callable[[End], tuple[np.ndarray, Sequence[np.ndarray]]]
"""An end -> for each class of one picture a number of its softmax (NaN for a sigmoid), and whether values
that are averaged belong to one softmax."""


def signed(end: End | None) -> bool:
    """Whether an end is a tanh's as it is, which is no probability."""
    return end is not None and "tanh" in end.kinds and not end.within


def logits_of(
    end: End,
    output: Any,
    shape: tuple[int | None, ...],
    marks: Marks,
    logits: Callable[[End], Any],
    probabilities: Callable[[End], Any],
    rank: Callable[[Any], int | None],
) -> Logits | None:
    """Return what an end says; None where classes that exclude each other are summed, or left alone.

    Args:
        end: of the output.
        output: as the engine has it.
        shape: of the output, the batch included.
        marks: runs one picture for the marks of an end.
        logits: puts an end together from logits.
        probabilities: puts it together from probabilities.
        rank: number of axes of a leaf.
    """
    kinds = {"sigmoid" if kind == "tanh" else kind for kind in end.kinds}
    log = kinds == {"log_softmax"} and "log" not in end.traits
    kinds = kinds if log else {kind.removeprefix("log_") for kind in kinds}
    single = len(shape) == 1 or shape[-1] == 1
    if single and kinds != {"sigmoid"} and end.traits & {"cut", "averaged"}:
        return None  # one class of a softmax: its logit alone says nothing without the others'
    groups: tuple[int, ...] = ()
    if kinds != {"sigmoid"} and end.traits & {"moved", "cut"}:
        found, same = marks(end)
        if any(map(np.any, same)):
            return None
        groups = _numbered(found.reshape(-1, found.shape[-1])[0])
    scaled = not (log or end.within)
    mass = end.high - end.low + end.low * (shape[-1] or 1)
    told = [text for trait, text in COMPOSED.items() if trait in end.traits]
    if scaled and "log" not in end.traits:
        told.append(f"between {end.low:.4g} and {end.high:.4g}; probabilities are shown instead")
    if groups:
        told.append("made of several groups of classes, and logits are never compared between them")
    return Logits(
        tensor=logits(end),
        answer=probabilities(end) if scaled else output,
        activation=" and ".join(sorted(kinds, reverse=True)),
        groups=groups,
        complete=not end.traits & {"cut", "turned"} and (log or scaled or abs(mass - 1) <= EXACT),
        by_answer=bool(groups or end.traits & {"averaged", "nested"}),
        composed="; it is ".join(told),
        leaves=tuple(one for one in end.leaves if rank(one) == len(shape)),
    )


def _numbered(marks: np.ndarray) -> tuple[int, ...]:
    """Return for each class the number of its group, -1 for one on its own; () where all are of one."""
    found: dict[float, int] = {}
    numbers = [-1 if np.isnan(m) else found.setdefault(round(float(m), 9), len(found)) for m in marks]
    return () if set(numbers) in ({0}, {-1}) else tuple(numbers)


def tried_logits(
    output: Any, whole: Any, factor: float, answers: Callable[[Any], Iterable[np.ndarray]]
) -> Logits:
    """Return what an output without activations says of pictures of noise.

    Args:
        output: as the engine has it.
        whole: what it is a multiple of, by a constant.
        factor: that constant.
        answers: runs one of them on noise of each of `RANGES`.
    """
    for tensor, told in (
        (output, ""),
        (whole, f"scaled by {factor:.4g}; probabilities are shown instead"),
    ):
        found = list(answers(tensor))
        if found and all(one.min() >= -EXACT and one.max() <= 1 + EXACT for one in found if one.size):
            complete = all(map(looks_probable, found))
            return Logits(tensor, tensor, own=True, complete=complete, composed=told)
        if factor == 1:
            break
    return Logits(output, output)


def score_kind(found: Logits, wanted: str) -> tuple[str, bool]:
    """Return the kind of a score, and whether an activation has to be assumed for it.

    Args:
        found: of its output.
        wanted: "logit" or "probability".
    """
    if wanted == "logit":
        return "logit" if found.activation else "output", False
    return "probability", not (found.activation or found.own)
