"""What crosses between an engine and everything else: records of arrays, and kinds of functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import attrs
import numpy as np

from visioncam_core import ops

Note = tuple[str, str]
"""(code of a diagnostic, what it is about): what was given up to trace a model."""
Make = Callable[[np.ndarray], Any]
"""Indices (b,) -> b versions of the picture or of the activations."""
Read = Callable[[Any, Any], Any]
"""(values, answer) of a batch -> what is kept, one row a version."""
Change = Callable[..., Any]
"""(picture (1, *space, C), maps (b, ...), *extra) -> (b, *space, C) changed pictures, written in `ops`."""
Cotangent = Callable[..., Any]
"""(values (b, ...), indices (b,) of their pictures, answer (b, ...)) -> the target's gradient in the values.

An engine whose scores are never `by_answer` may leave the answer out.
"""
Reading = Literal["score", "blocks", "mean"]
"""What attention's gradient is of: the score; or each block's own score, read off the block's tokens as the
model reads the last block's, or off the mean of these tokens.
"""


@attrs.frozen
class Mark:
    """What an engine sees of a model's state, without running it; compared with `==`.

    Attributes:
        model: unequal once the model computes otherwise; it is then traced again.
        weights: unequal once the weights have other values, as far as that is quick to see; the trace is
            then compared with the model's own answer.
    """

    model: object
    weights: object = None


@attrs.frozen
class Scaling:
    """How pixels become what a model takes: `(factor * x - mean) / std` in each channel, RGB.

    Attributes:
        mean: one number per channel, or one for all.
        std: the same.
        factor: of the pixels, 0 to 255.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    factor: float = 1 / 255

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Return (N, h, w, C) pixels 0 to 255 as model input, float32."""
        values = np.asarray(batch, np.float32) * np.float32(self.factor)
        return (values - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """Return model input (..., C) as pixels."""
        back = values * np.asarray(self.std, np.float32) + np.asarray(self.mean, np.float32)
        return np.asarray(back / np.float32(self.factor), np.float32)

    @property
    def channels(self) -> int:
        """Of the pictures it is for; 1 where it is for any."""
        return max(len(self.mean), len(self.std))

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest value that a picture can have."""
        ends = self(np.array([[0.0] * self.channels, [255.0] * self.channels], np.float32))
        return float(ends.min()), float(ends.max())


@attrs.frozen(eq=False)
class PictureSteps:
    """What a framework's own preprocessing of pictures does, given as `explain(preprocess=)`.

    Attributes:
        why: what it was read from, in words.
        preprocess: what is done to the fitted picture, as in `explain(preprocess=)`.
        geometry: how a picture is fitted, as in `explain(geometry=)`; None where its size is not changed.
        whole: (H, W, C) uint8 picture -> (h, w, C) model input, where it can only be called and not read;
            where the picture's parts come to lie is then not known.
    """

    why: str
    preprocess: Callable[[np.ndarray], np.ndarray] | None = None
    geometry: object = None
    whole: Callable[[np.ndarray], np.ndarray] | None = None


@attrs.frozen
class Hints:
    """What a model says of itself; nothing is run for it.

    Attributes:
        title: the model's name.
        kind: what kind of model it is, in words.
        weights: number of weights.
        preprocessing: how its pictures are preprocessed, a name of `images.preprocessing` or a `Scaling`; ""
            where that is not known.
        why: where that comes from, or why it is not known.
        geometry: how its pictures are fitted, as in `explain(geometry=)`; None for the default.
        class_names: one name per output index, or None.
        features: where the output has no classes, why and what to do; else "".
    """

    title: str
    kind: str = ""
    weights: int = 0
    preprocessing: str | Scaling = ""
    why: str = "the model does not say how its pictures are preprocessed"
    geometry: object = None
    class_names: tuple[str, ...] | None = None
    features: str = ""


@attrs.frozen(eq=False)
class TailInputs:
    """What a pass over one picture left for passes that start at the layer.

    Attributes:
        activations: the layer's own outputs, batch 1, as the engine has them; () where there are none.
        sides: what the tail needs besides; None where it was not computed.
    """

    activations: tuple[Any, ...] = ()
    sides: tuple[Any, ...] | None = None


@attrs.frozen(eq=False)
class PassResult:
    """What passes over a batch gave, on the grid of the layer.

    Attributes:
        activations: (N, *grid, K), at least float32.
        gradients: the same shape, or None if none were requested.
        values: (N, ...) float32 values of the score, one for each class.
        answer: (N, ...) float32 output of the model.
        at_layer: of a single picture, for passes that start at the layer; or None.
    """

    activations: Any
    gradients: Any
    values: Any
    answer: Any
    at_layer: TailInputs | None = None


@attrs.frozen(eq=False)
class AttentionResult:
    """What the blocks of a transformer attend to, in call order.

    Attributes:
        weights: of each block (N, heads, T, T) after softmax, at least float32; a row is a query's, sum 1.
        read: (N, T) share of each token in what the score reads off the last block, rows of sum 1: the class
            token alone, or all patches alike.
        gradients: of each block the same shape as its weights, or () if none were requested.
    """

    weights: tuple[Any, ...]
    read: np.ndarray
    gradients: tuple[Any, ...] = ()

    @classmethod
    def joined(cls, parts: Sequence[AttentionResult]) -> AttentionResult:
        """Return the results of several batches as one."""
        if len(parts) == 1:
            return parts[0]
        weights, gradients = (
            tuple(
                ops.concatenate(list(each))
                for each in zip(*(getattr(one, name) for one in parts), strict=True)
            )
            for name in ("weights", "gradients")
        )
        return cls(weights, np.concatenate([one.read for one in parts]), gradients)


def read_shares(slopes: np.ndarray, tokens: int) -> np.ndarray:
    """Return `AttentionResult.read` from a gradient in the last block's tokens, (N, *tokens, K)."""
    sizes = np.abs(np.asarray(slopes, np.float32)).max(-1).reshape(len(slopes), tokens)
    found = (sizes > 1e-6 * sizes.max(1, keepdims=True)).astype(np.float32)
    return np.asarray(found / np.maximum(found.sum(1, keepdims=True), 1), np.float32)
