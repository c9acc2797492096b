"""Diagnostics of one map: what its reader should know."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.layer_table import LayerChoice, LayerRow
from visioncam_core.engine.output import Head, Score
from visioncam_core.errors import VisionCamError
from visioncam_core.images.geometry import Geometry
from visioncam_core.images.sample import Sample
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.resize import Placement
from visioncam_core.results.accounts import LARGE, Account
from visioncam_core.results.diagnostics import Diagnostic

SATURATED = 0.9999
FAINT = 1e-4  # share of the score that a layer moves, below which rounding may be all there is
LEFT, DOUBTFUL = 1e-3, 0.05  # shares that sums over the picture leave: they cancel, or may do
STILL = 5e-4  # share of what its gradient says that a score moves where it does not see a shift at all
RANDOM = 0.1  # the same over channels, as a part of what random signs would leave
GREY = 1 / 255  # what is seen of a map
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
        moves: Σ |G·A|, what the layer moves the score by at most.
    """

    path: str
    positions: int
    broken: int
    dead: bool
    negative: float
    broken_gradients: int
    flat: bool
    moves: float

    @classmethod
    def of(cls, evidence: Evidence, path: str) -> Facts:
        A = ops.to_numpy(evidence.activations)
        score = ops.to_numpy(evidence.score)
        G = ops.to_numpy(evidence.gradients) if evidence.has_gradients else None
        with np.errstate(all="ignore"):
            moves = 0.0 if G is None else float(np.abs(G * A).sum())
        plain = 0 < moves < np.inf  # then every number is finite, and neither A nor G is zero
        return cls(
            path=path,
            positions=int(np.prod(A.shape[1:-1])),
            broken=_broken(score) + (0 if plain else _broken(A)),
            dead=not (plain or A.any()),
            negative=float((A < 0).mean()) if A.min() < 0 else 0.0,
            broken_gradients=0 if plain or G is None else _broken(G),
            flat=not plain and G is not None and not G.any(),
            moves=moves,
        )

    def diagnostics(self, method: object, score: float = 0.0) -> Iterator[Diagnostic]:
        """Yield what the reader of one method's map should know.

        Args:
            method: it may declare `assumes_positive` and what it `needs`.
            score: its size; of a logit at least 1, which is what a softmax can tell apart.
        """
        if self.broken:
            yield Diagnostic(
                "non-finite", f"{self.broken} activations of {self.path!r} or scores are NaN or infinite"
            )
        elif self.dead:
            yield Diagnostic("dead-layer", f"all activations of {self.path!r} are zero for this picture")
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
        elif 0 < self.moves <= FAINT * score:
            message = f"{self.path!r} moves the score by {self.moves:.1g} at most: this may be rounding noise"
            yield Diagnostic("faint-gradient", message)


def _broken(values: np.ndarray) -> int:
    return 0 if np.all(np.isfinite(values)) else int((~np.isfinite(values)).sum())


def sums_of(method: object, raw: np.ndarray, facts: Facts) -> str:
    """Return what a method sums; where it says nothing and its map is blank, what is most often averaged."""
    if facts.broken or facts.broken_gradients or "gradients" not in getattr(method, "needs", ("gradients",)):
        return ""
    return str(getattr(method, "sums", "" if raw.any() else "G over positions"))


def of_sums(evidence: Evidence, sums: str, row: LayerRow, rows: Sequence[LayerRow]) -> Iterator[Diagnostic]:
    """Yield whether the terms that a method sums cancel, so that rounding or an epsilon decides the map.

    Args:
        evidence: of one picture, with gradients.
        sums: what the method says of itself: "G over positions", "GA over positions" or "GA over channels".
        row: the layer.
        rows: all layers in call order, among them perhaps what normalises this one.
    """
    A, G = ops.to_numpy(evidence.activations), ops.to_numpy(evidence.gradients)
    what, _, over = sums.partition(" over ")
    every = list(range(A.ndim))
    axes = every[:-1] if over == "channels" else [0, A.ndim - 1]
    with np.errstate(all="ignore"):
        terms = G if what == "G" else G * A
        kept = np.abs(np.einsum(terms, every, axes, dtype=np.float64, casting="same_kind"))
        size = np.einsum(np.abs(terms), every, axes)
    if not 0 < (whole := float(size.sum())) < np.inf:
        return
    left, gone = float(kept.sum()) / whole, float(size[kept <= ops.RELATIVE_ZERO * size].sum()) / whole
    if over == "channels" and left <= RANDOM / np.sqrt(A.shape[-1]):
        message = (
            f"activation times gradient cancels over the channels of {row.path!r} at every position, except "
            f"for {left:.0e} of its terms: a normalisation over channels reads this layer"
        )
        yield Diagnostic("terms-cancel", message, **_normalised(row, rows))
    elif over == "positions" and (
        gone > 0.5 or left <= LEFT or (what == "G" and _blind(evidence, A, G, left))
    ):
        message = (
            f"the {'gradients' if what == 'G' else 'terms'} at {row.path!r} cancel over the picture except "
            f"for {left:.0e} of them, to nothing in {gone:.0%} of the layer: a normalisation or softmax "
            "over the picture reads it"
        )
        yield Diagnostic("terms-cancel", message, **_normalised(row, rows))


def _blind(evidence: Evidence, A: np.ndarray, G: np.ndarray, left: float) -> bool:
    """Return whether the score does not see channels shifted: then the sums are 0 but for rounding."""
    axes = ops.space(A)
    if left > DOUBTFUL:
        return False
    shift = A.std(axis=axes, keepdims=True) * np.sign(G.sum(axis=axes, keepdims=True))
    shifted = ops.like((A + shift).astype(np.float32), evidence.activations)
    try:
        moved = evidence.score_activations(lambda indices: shifted, 1)
    except VisionCamError:  # a reshape= of the user's own, or no model behind the evidence
        return False
    return bool(
        np.abs(ops.to_numpy(moved) - ops.to_numpy(evidence.score)).max() <= STILL * np.abs(shift * G).sum()
    )


def _normalised(row: LayerRow, rows: Sequence[LayerRow]) -> dict[str, str]:
    """Return the advice to take the output of what normalises a layer, where that comes next; else none."""
    alike = [one for one in rows if one.grid == row.grid and (not one.copy_of or one.path == row.path)]
    reader = next((b for a, b in itertools.pairwise(alike) if a.path == row.path), None)
    if reader is None or not any(word in reader.kind.lower() for word in ("norm", "softmax")):
        return {}
    return {"fix": f"choose layer={reader.path!r}, the normalised output, or another method"}


def of_layer(choice: LayerChoice) -> Iterator[Diagnostic]:
    row = choice.row
    if choice.placement.why:
        yield Diagnostic(
            "placement-stretched", f"the map of {row.path!r} is spread evenly: {choice.placement.why}"
        )
    if row.projects:
        yield Diagnostic("patch-projection", f"layer {row.path!r} only cuts the picture into patches")
    elif row.is_score:
        message = f"layer {row.path!r} holds the explained score itself, or is computed from it"
        yield Diagnostic("score-layer", message)


def of_mixing(off: float) -> Iterator[Diagnostic]:
    """Yield that pictures in a batch influence each other, by this share of the largest value."""
    if off:
        message = f"the model's answer for a picture changes by {off:.0%} when another one is in its batch"
        yield Diagnostic("batch-mixes", message)


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
            "the output looks like probabilities, but no softmax or sigmoid was found before it; the "
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
        text = "no softmax or sigmoid was found before the output; "
        text += f"a {head.assumed} was applied to it, as to logits"
        text += f", though {lies} like probabilities" if inside else ""
        yield Diagnostic("probability-assumed", text)
    elif head.own and not inside:
        text = "and was taken as probabilities, because it stays in [0, 1] on pictures of noise"
        yield Diagnostic("probability-assumed", f"{lies}, {text}")


def of_map(raw: np.ndarray, evidence: str) -> Iterator[Diagnostic]:
    """Yield what is seen in one finite raw map (*grid); `evidence` is "for", "against" or "signed"."""
    part = _part(raw, evidence)
    if part.max(initial=0.0) <= 0:
        word = {"for": "positive", "against": "negative", "signed": "any"}[evidence]
        lies = f"lies in [{raw.min():.3g}, {raw.max():.3g}]" if raw.any() else "is zero everywhere"
        message = f"there is no {word} evidence at any position: the raw map {lies}"
        fix = {"fix": "look at evidence='for'"} if evidence == "against" else {}
        yield Diagnostic("no-positive-evidence", message, **fix)
    elif raw.size > 1 and np.ptp(raw if evidence == "signed" else part) <= GREY * part.max():
        message = f"the raw map is the same everywhere: it lies in [{raw.min():.6g}, {raw.max():.6g}]"
        yield Diagnostic("constant-map", message)


def of_bars(raw: np.ndarray, evidence: str, sample: Sample, placement: Placement) -> Iterator[Diagnostic]:
    """Yield whether a finite raw map is largest beside the picture, in the bars, where nobody sees it."""
    geometry, part = sample.geometry, _part(raw, evidence)
    if geometry is None or not sample.whole or geometry.area == (0, 0, *geometry.size) or part.max() <= 0:
        return
    (t, l, b, r), (h, w) = geometry.area, geometry.size  # noqa: E741
    cells = np.argwhere(part >= part.max())[:, -2:].T
    plane = attrs.evolve(placement, start=placement.start[-2:], step=placement.step[-2:])
    pixels = plane.pixels(part.shape[-2:], (h, w))
    y, x = (np.clip(at[cell] + 0.5, 0.5, n - 0.5) for at, cell, n in zip(pixels, cells, (h, w), strict=True))
    if not ((t <= y) & (y < b) & (l <= x) & (x < r)).any():
        share = float(sample.project(np.maximum(part, 0), placement).max() / part.max())
        yield Diagnostic(
            "peak-in-bars",
            f"the map is largest outside the picture, in the bars of {geometry.name!r}; on the picture its "
            f"maximum is {share:.0%} of that",
        )


def _part(raw: np.ndarray, evidence: str) -> np.ndarray:
    return {"for": raw, "against": -raw, "signed": np.abs(raw)}[evidence]


def of_account(account: Account | None) -> Iterator[Diagnostic]:
    """Yield what is missing in a sum that was promised, and what another seed would change."""
    if account is None:
        return
    if account.share is not None and account.share > LARGE:
        yield Diagnostic(
            "incomplete",
            f"contributions add up to {account.total:.4g}, but should add up to {account.expected:.4g}",
        )
    if account.error is not None and account.error > LARGE:
        yield Diagnostic(
            "unsteady-sample",
            f"the standard error of a contribution is {account.error:.0%} of the largest, after "
            f"{account.samples} scores",
        )


def of_view(geometry: Geometry) -> Iterator[Diagnostic]:
    """Yield whether the model was shown a small part of the picture: a blank map means nothing elsewhere."""
    top, left, bottom, right = geometry.view
    share = (bottom - top) * (right - left) / (geometry.shape[0] * geometry.shape[1])
    if share < SEEN:
        yield Diagnostic("mostly-unseen", f"{geometry.name} shows the model {share:.0%} of the picture")
