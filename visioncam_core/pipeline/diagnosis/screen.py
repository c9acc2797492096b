"""Which pictures of a batch need no look of their own: nothing that `diagnose` says could apply to them.

Sums over the batch answer that for all pictures at once, on the device where they lie.  They are coarser than
those of `diagnose`, so each bound leaves room for rounding: too many pictures are looked at, never too few.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.images.preprocessing import range_note
from visioncam_core.pipeline.apply import Applied
from visioncam_core.pipeline.batch import Batch
from visioncam_core.pipeline.diagnosis import diagnose
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.pipeline.gather import Observation

ROOM = 1.1
"""By which a bound is wider than the one that decides."""
NEAR = 100 * ops.RELATIVE_ZERO
"""Share of its terms below which a float32 sum may be what `diagnose` takes for zero."""


@attrs.frozen(eq=False)
class Screen:
    """What is seen of all pictures of a batch, before any method.

    Attributes:
        plain: (N,) bool: activations, gradients and score are finite and not zero, and so is the input what
            the model takes.
        positive: (N,) bool: no activation is negative.
        moves: (N,) Σ |G·A|; infinite where there are no gradients.
        sizes: (N,) of the scores, at least 1 for logits of classes.
        doubtful: (N,) bool: the probabilities may not be what they are taken for.
    """

    plain: np.ndarray
    positive: np.ndarray
    moves: np.ndarray
    sizes: np.ndarray
    doubtful: np.ndarray

    @classmethod
    def of(cls, batch: Batch, observation: Observation) -> Screen:
        evidence, head = observation.evidence, observation.head
        A, scores = evidence.activations, np.abs(np.asarray(evidence.score))
        xp, axes = ops.backend(A), tuple(range(1, len(A.shape)))
        low = ops.to_numpy(xp.min(A, axis=axes))
        with np.errstate(all="ignore"):
            terms = evidence.gradients * A if evidence.has_gradients else A
            moves = ops.to_numpy(xp.sum(xp.abs(terms), axis=axes))
        plain = (moves > 0) & (moves < np.inf) & np.isfinite(scores) & _as_expected(batch)
        if len(A.shape) < 3 or max(A.shape[1:-1]) == 1:
            plain = np.zeros_like(plain)  # one position
        logit = batch.view.score.kind == "logit" and all(one.index is not None for one in observation.targets)
        answer = observation.answer.reshape(len(scores), -1)
        inside = (answer.min(1) >= 0) & (answer.max(1) <= 1)
        doubtful = np.full(len(scores), bool(head.assumed)) | (~inside & head.own)
        return cls(
            plain & (_unsaturated(batch, observation) if batch.view.score.kind == "probability" else True),
            low >= 0,
            moves if evidence.has_gradients else np.full(len(scores), np.inf),
            np.maximum(scores, 1.0) if logit else scores,
            doubtful,
        )

    def quiet(self, method: Any, one: Applied, evidence: Evidence, kind: str, probable: bool) -> np.ndarray:
        """Return which pictures nothing needs to be said of, (N,) bool, about the map of one method."""
        assert one.raw is not None
        needs = getattr(method, "needs", ("gradients",))
        raw = one.raw.reshape(len(one.raw), -1)
        part = {"for": raw, "against": -raw, "signed": np.abs(raw)}[kind]
        top = part.max(1)
        with np.errstate(all="ignore"):
            varies = np.ptp(raw if kind == "signed" else part, axis=1) > ROOM * diagnose.GREY * top
        found = self.plain & (top > 0) & varies & np.isfinite(raw).all(1)
        if getattr(method, "assumes_positive", False):
            found &= self.positive
        if "gradients" in needs:
            found &= self.moves > ROOM * diagnose.FAINT * self.sizes
            if (sums := getattr(method, "sums", "")) and evidence.has_gradients:
                found &= _adds_up(evidence, sums)
        if probable:
            found &= ~self.doubtful
        return found & (not one.accounts)


def _as_expected(batch: Batch) -> np.ndarray:
    """Return for which pictures nothing is said of what was passed in."""
    quiet = []
    x = batch.arrays[batch.view.image]
    rows = x.reshape(len(x), -1)
    for sample, low, high in zip(batch.samples, rows.min(1).tolist(), rows.max(1).tolist(), strict=True):
        geometry, values = sample.geometry, sample.flat[batch.view.image]
        quiet.append(
            not sample.notes
            and not sample.unused
            and not (batch.expected.known and range_note(values, batch.expected, low, high))
            and (low > -20 or high < 20 if geometry is None else geometry.area == (0, 0, *geometry.size))
            and (geometry is None or not sample.whole or not any(diagnose.of_view(geometry)))
        )
    return np.asarray(quiet)


def _unsaturated(batch: Batch, observation: Observation) -> np.ndarray:
    values = [
        one.probability(observation.values[i : i + 1], observation.answer[i : i + 1])[0]
        if one.index is not None
        else 0.0
        for i, one in enumerate(observation.targets)
    ]
    return np.asarray(values) <= diagnose.SATURATED


def _adds_up(evidence: Evidence, sums: str) -> np.ndarray:
    """Return in which pictures the terms that a method sums do not cancel; see `diagnose.of_sums`."""
    what, _, over = sums.partition(" over ")
    terms = evidence.gradients if what == "G" else evidence.gradients * evidence.activations
    xp, count = ops.backend(terms), int(terms.shape[0])
    with np.errstate(all="ignore"):
        axes = -1 if over == "channels" else ops.space(terms)
        kept, size = (
            ops.to_numpy(xp.sum(one, axis=axes)).reshape(count, -1) for one in (terms, xp.abs(terms))
        )
        least = diagnose.DOUBTFUL if what == "G" else diagnose.LEFT
        if over == "channels":
            least = diagnose.RANDOM / np.sqrt(int(terms.shape[-1]))
        kept, whole = np.abs(kept), size.sum(1)
        gone = np.where(kept <= NEAR * size, size, 0).sum(1)
        return (kept.sum(1) > ROOM * least * whole) & ((gone < whole / 2 / ROOM) | (over == "channels"))
