"""Methods with one fault each, written as plainly as a plugin author would; the kit must reject them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import attrs
import numpy as np

from visioncam_core import ops

BOTH = frozenset({"activations", "gradients"})
ALONE = frozenset({"activations"})
DOC = """A method of the tests.

Notes:
    M_p = Σ_k w_k A_pk

References:
    Nobody, 2026.
"""


def made(call: Callable[[Any], Any], needs: frozenset[str] = BOTH) -> type:
    """Return a frozen attrs class whose `__call__` is the given function of the evidence."""
    body = {"__call__": lambda self, evidence: call(evidence), "needs": needs, "__doc__": DOC}
    body["__annotations__"] = {"needs": ClassVar[frozenset[str]]}
    cls: type = attrs.frozen(type(call.__name__.title().replace("_", ""), (), body))
    return cls


@attrs.frozen
class Fault:
    """A broken method, the check that must reject it, and words of that check's message."""

    cls: type
    check: str
    words: str
    claims: frozenset[str] = frozenset()


FAULTS: dict[str, Fault] = {}


def fault(
    check: str, words: str, needs: frozenset[str] = BOTH, claims: Iterable[str] = ()
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    def keep(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        FAULTS[call.__name__] = Fault(made(call, needs), check, words, frozenset(claims))
        return call

    return keep


def gradcam(e: Any, w: Any = None) -> Any:
    """Grad-CAM as it should be, with other weights where they are given."""
    return ops.weigh(e.activations, ops.mean_space(e.gradients) if w is None else w)


# the formula


@fault("finds-the-evidence", "is a sign or an axis wrong")
def wrong_sign(e: Any) -> Any:
    return gradcam(e, -ops.mean_space(e.gradients))


@fault("finds-the-evidence", "is a sign or an axis wrong")
def upside_down(e: Any) -> Any:
    return gradcam(e)[:, ::-1]


@fault("finds-the-evidence", "is a sign or an axis wrong", ALONE)
def drop_the_wrong_way_round(e: Any) -> Any:
    def weights(one: Any) -> Any:
        S, A = one.score, one.activations
        w = one.score_activations(lambda ks: ops.without_channels(A, ks), A.shape[-1]) - S
        return ops.weigh(A, w[None])

    return ops.concatenate([weights(one) for one in e.each()])


@fault("finds-the-evidence", "score -1.5", ALONE)
def drop_over_a_signed_score(e: Any) -> Any:
    def weights(one: Any) -> Any:
        S, A = one.score, one.activations
        w = (S - one.score_activations(lambda ks: ops.without_channels(A, ks), A.shape[-1])) / S
        return ops.weigh(A, w[None])

    return ops.concatenate([weights(one) for one in e.each()])


@fault("claim-non-negative", "smallest value is -", claims=["non-negative"])
def missing_relu(e: Any) -> Any:
    return ops.sum_channels(e.gradients * e.activations)


@fault("claim-sums-to-score", "sums are", claims=["sums-to-score"])
def missing_division(e: Any) -> Any:
    return gradcam(e, ops.sum_space(e.gradients * e.activations))


@fault("claim-sums-to-score", "sums are", claims=["sums-to-score"])
def mean_for_sum(e: Any) -> Any:
    G, A = e.gradients, e.activations
    return gradcam(e, ops.divide_by_sum(ops.mean_space(G * A), A))


@fault("claim-scale-invariant", "the score times 7", claims=["scale-invariant"])
def softmax_of_gradients(e: Any) -> Any:
    return gradcam(e, ops.softmax(ops.mean_space(e.gradients)))


@fault("claim-flip-equivariant", "flip-equivariant", claims=["flip-equivariant"])
def moved_by_one(e: Any) -> Any:
    return np.roll(gradcam(e), 1, axis=-1)


@fault("claim-pretty", "claims pretty; the claims that can be checked are scale-invariant", claims=["pretty"])
def unknown_claim(e: Any) -> Any:
    return gradcam(e)


@fault("channel-permutation", "order of the channels")
def first_channels_only(e: Any) -> Any:
    return ops.weigh(e.activations[..., :3], ops.mean_space(e.gradients)[..., :3])


@fault("zero-gradient", "reads gradients")
def adds_the_mean_activation(e: Any) -> Any:
    return gradcam(e) + e.activations.mean(axis=-1)


@fault("zero-gradient", "reads gradients", ALONE)
def adds_the_mean_activation_to_gradients_asked_for(e: Any) -> Any:
    rows = [
        ops.weigh(one.activations, ops.mean_space(one.at(one.inputs).gradients)) + one.activations.mean(-1)
        for one in e.each()
    ]
    return ops.concatenate(rows)


# axes, batches, shapes


@fault("batch-equals-singles", "never over the batch")
def mean_over_the_batch(e: Any) -> Any:
    w = ops.mean_space(e.gradients).mean(axis=0, keepdims=True)
    return gradcam(e, np.repeat(w, len(e.activations), axis=0))


@fault("batch-equals-singles", "never over the batch")
def maximum_of_the_batch(e: Any) -> Any:
    raw = gradcam(e)
    return ops.divide(raw, np.abs(raw).max(), np.abs(raw).max() > 0)


@fault("one-axis", "a grid of (7,)")
def pictures_only(e: Any) -> Any:
    return np.einsum("nk,n...k->n...", e.gradients.mean(axis=(1, 2)), e.activations)


@fault("three-axes", "a grid of (2, 3, 4)")
def no_volumes(e: Any) -> Any:
    A = e.activations
    letters = "nabk"[: A.ndim - 1] + "k"
    return np.einsum(f"{letters},nk->{letters[:-1]}", A, ops.mean_space(e.gradients))


@fault("axis-of-length-one", "reduce over all spatial axes")
def two_axes_of_three(e: Any) -> Any:
    A, G = e.activations, e.gradients
    return (G.mean(axis=tuple(range(1, A.ndim - 1))[-2:], keepdims=True) * A).sum(axis=-1)


@fault("non-square", "a grid of (2, 5)")
def square_grids_only(e: Any) -> Any:
    side = int(np.prod(e.activations.shape[1:-1]) ** 0.5)
    return gradcam(e).reshape(-1, side, side)


@fault("non-square", "returned shape (2, 5, 2)")
def transposed(e: Any) -> Any:
    return gradcam(e).swapaxes(1, -1)


@fault("shape", "returned shape (1, 4, 4, 1)")
def keeps_the_channel_axis(e: Any) -> Any:
    return gradcam(e)[..., None]


@fault("shape", "real floating-point numbers")
def whole_numbers(e: Any) -> Any:
    return np.round(gradcam(e)).astype(int)


@fault("shape", "raised TypeError")
def raises(e: Any) -> Any:
    return len(gradcam(e), 3)  # type: ignore[call-arg]


@fault("shape", "must declare them", ALONE)
def undeclared_gradients(e: Any) -> Any:
    return gradcam(e)


# numbers that break


@fault("one-channel", "NaN or infinite")
def divides_by_channels_less_one(e: Any) -> Any:
    with np.errstate(all="ignore"):
        return gradcam(e) / np.float64(e.activations.shape[-1] - 1)


@fault("dead-channels", "NaN or infinite")
def divides_by_dead_channels(e: Any) -> Any:
    with np.errstate(all="ignore"):
        return gradcam(e, ops.sum_space(e.gradients * e.activations) / ops.sum_space(e.activations))


@fault("blank-activations", "NaN or infinite")
def divides_by_the_largest_activation(e: Any) -> Any:
    A = e.activations
    with np.errstate(all="ignore"):
        return gradcam(e) / A.max(axis=tuple(range(1, A.ndim)), keepdims=True)[..., 0]


@fault("signed-activations", "NaN or infinite")
def root_of_activations(e: Any) -> Any:
    with np.errstate(all="ignore"):
        return ops.weigh(np.sqrt(e.activations), ops.mean_space(e.gradients))


@fault("large-scores", "NaN or infinite")
def exponential_of_the_score(e: Any) -> Any:
    with np.errstate(all="ignore"):
        return gradcam(e, np.exp(e.score)[:, None] * ops.mean_space(e.gradients))


# manners


@fault("same-answer-twice", "two different maps")
def unseeded_noise(e: Any) -> Any:
    return gradcam(e) + np.random.default_rng().normal(size=e.activations.shape[:-1])


@fault("random-state", "global generator")
def noise_from_numpy(e: Any) -> Any:
    np.random.seed(e.seed)  # noqa: NPY002
    return gradcam(e) + np.random.normal(size=e.activations.shape[:-1])  # noqa: NPY002


@fault("random-state", "global generator")
def seeds_python(e: Any) -> Any:
    random.seed(e.seed)
    return gradcam(e) * random.uniform(1, 2)


@fault("inputs-untouched", "evidence.gradients")
def writes_to_gradients(e: Any) -> Any:
    G = e.gradients
    G *= e.activations
    return ops.sum_channels(G)


@fault("inputs-untouched", "evidence.activations")
def writes_to_one_picture(e: Any) -> Any:
    for one in e.each():
        one.activations[...] /= 2
    return gradcam(e)


@fault("versions-in-chunks", "versions")
def ignores_which_versions_are_asked_for(e: Any) -> Any:
    def weights(one: Any) -> Any:
        A = one.activations
        every = np.arange(A.shape[-1])
        w = one.score - one.score_activations(lambda ks: ops.without_channels(A, every), len(every))
        return ops.weigh(A, w[None])

    return ops.concatenate([weights(one) for one in e.each()])
