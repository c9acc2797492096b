"""Diagnostics of one map: what its reader should know."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.layer_table import LayerRow
from visioncam_core.engine.output import Head, Score
from visioncam_core.images.geometry import Geometry
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.results.diagnostics import Diagnostic

SATURATED = 0.9999
SLACK = 1e-3  # by which rounding may carry a probability out of [0, 1]
SEEN = 1 / 3  # share of a picture's pixels, below which a crop is worth a word


@attrs.frozen
class Facts:
    """What is seen in one picture's activations, gradients and score, before any method.

    Attributes:
        path: the layer's path.
        positions: number of positions.
        broken: number of NaN or infinite activations and scores.
        dead: every activation is zero.
        negative: share of negative activations.
        broken_gradients: number of NaN or infinite gradients.
        flat: every gradient is zero; False where none were asked for.
    """

    path: str
    positions: int
    broken: int
    dead: bool
    negative: float
    broken_gradients: int
    flat: bool

    @classmethod
    def of(cls, evidence: Evidence, path: str) -> Facts:
        A = ops.to_numpy(evidence.activations)
        score = ops.to_numpy(evidence.score)
        G = ops.to_numpy(evidence.gradients) if evidence.has_gradients else None
        return cls(
            path=path,
            positions=int(np.prod(A.shape[1:-1])),
            broken=_broken(A) + _broken(score),
            dead=not A.any(),
            negative=float((A < 0).mean()) if A.min() < 0 else 0.0,
            broken_gradients=0 if G is None else _broken(G),
            flat=G is not None and not G.any(),
        )

    def diagnostics(self, method: object) -> Iterator[Diagnostic]:
        """Yield what the reader of one method's map should know.

        Args:
            method: it may declare `assumes_positive` and what it `needs`.
        """
        if self.broken:
            yield Diagnostic(
                "non-finite", f"{self.broken} activations of {self.path!r} or scores are NaN or infinite"
            )
        elif self.dead:
            yield Diagnostic("dead-layer", f"every activation of {self.path!r} is zero for this picture")
        elif self.negative and getattr(method, "assumes_positive", False):
            message = f"{self.negative:.0%} of the activations of {self.path!r} are negative"
            yield Diagnostic("signed-activations", message)
        if self.positions == 1:
            message = f"layer {self.path!r} has a single position, so every pixel gets the same value"
            yield Diagnostic("trivial-grid", message)
        if "gradients" not in getattr(method, "needs", ("gradients",)):
            return
        if self.broken_gradients:
            message = f"{self.broken_gradients} gradients at {self.path!r} are NaN or infinite"
            yield Diagnostic("non-finite", message)
        elif self.flat:
            yield Diagnostic(
                "zero-gradient", f"the gradient of the score at {self.path!r} is zero everywhere"
            )


def _broken(values: np.ndarray) -> int:
    return 0 if np.all(np.isfinite(values)) else int((~np.isfinite(values)).sum())


def of_layer(row: LayerRow) -> Iterator[Diagnostic]:
    if row.projects:
        yield Diagnostic("patch-projection", f"layer {row.path!r} only cuts the picture into patches")
    elif row.is_score:
        message = f"layer {row.path!r} holds the explained score itself, or is computed from it"
        yield Diagnostic("score-layer", message)


def of_score(kind: str, probability: float | None) -> Iterator[Diagnostic]:
    """Yield what is seen in the score: a probability that has no room to change."""
    if kind == "probability" and probability is not None and probability > SATURATED:
        yield Diagnostic(
            "saturated-probability", f"the probability is {probability:.6f}, where it hardly changes"
        )


def of_output(kind: str, probable: bool) -> Iterator[Diagnostic]:
    """Yield what is seen in the model's own output: probabilities whose logits were not found."""
    if kind == "output" and probable:
        yield Diagnostic(
            "score-not-logit",
            "the output looks like probabilities, but no softmax or sigmoid was found in front of it; the "
            "output itself is explained, which hardly changes where it is near 0 or 1",
        )


def of_composed(score: Score) -> Iterator[Diagnostic]:
    """Yield how an output is put together, where that decides what is explained."""
    if score.composed:
        yield Diagnostic("output-composed", f"the output {score.output!r} is {score.composed}")


def of_assumed(head: Head, answer: np.ndarray) -> Iterator[Diagnostic]:
    """Yield what is doubtful about probabilities that the model does not give itself."""
    low, high = float(answer.min()), float(answer.max())
    lies = f"the output lies in [{low:.3g}, {high:.3g}]"
    inside = low >= -SLACK and high <= 1 + SLACK
    if head.assumed:
        text = "no softmax or sigmoid was found in front of the output; "
        text += f"a {head.assumed} was applied to it, as to logits"
        text += f", though {lies} like probabilities" if inside else ""
        yield Diagnostic("probability-assumed", text)
    elif head.own and not inside:
        text = "and was taken for probabilities, as it stays in [0, 1] on pictures of noise"
        yield Diagnostic("probability-assumed", f"{lies}, {text}")


def of_map(raw: np.ndarray, evidence: str) -> Iterator[Diagnostic]:
    """Yield what is seen in one finite raw map (*grid); `evidence` is "for", "against" or "signed"."""
    part = {"for": raw, "against": -raw, "signed": np.abs(raw)}[evidence]
    if part.max(initial=0.0) <= 0:
        word = {"for": "positive", "against": "negative", "signed": "any"}[evidence]
        lies = f"lies in [{raw.min():.3g}, {raw.max():.3g}]" if raw.any() else "is zero everywhere"
        message = f"there is no {word} evidence at any position: the raw map {lies}"
        fix = {"fix": "look at evidence='for'"} if evidence == "against" else {}
        yield Diagnostic("no-positive-evidence", message, **fix)


def of_view(geometry: Geometry) -> Iterator[Diagnostic]:
    """Yield whether the model was shown a small part of the picture: a blank map means nothing elsewhere."""
    top, left, bottom, right = geometry.view
    share = (bottom - top) * (right - left) / (geometry.shape[0] * geometry.shape[1])
    if share < SEEN:
        yield Diagnostic("mostly-unseen", f"{geometry.name} shows the model {share:.0%} of the picture")
