"""All passes of an engine, made of the three functions that are its own; NumPy is all they need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.batches import COUNTERS, Budget, in_batches, joined
from visioncam_core.engine.output import Score
from visioncam_core.engine.records import (
    AttentionResult,
    Change,
    Cotangent,
    Make,
    PassResult,
    Read,
    Reading,
    TailInputs,
)
from visioncam_core.errors import LayerError, TargetError


@attrs.frozen(eq=False)
class PassesDefaults:
    """All passes, made of three functions that a derived class brings; see `engine.interface.Passes`.

    Attributes:
        score: the score.
        reshape: the user's own `(N, ...) -> (N, *grid, K)`, or None.
        budget: what bounds a batch.
        channels_first: whether the image input is (K, *space).
    """

    score: Score
    reshape: Callable[[Any], Any] | None
    budget: Budget
    channels_first: bool

    def observe(self, flat: list[Any]) -> tuple[Any, Any, Any]:
        """Return (activations (N, *grid, K), values, answer) of a batch: the whole model, run once.

        With a `reshape` of the user's the activations are the layer's own output, and so in `gradient`.
        """
        raise NotImplementedError

    def tail_of(self, single: list[Any], activations: Any) -> tuple[Any, Any]:
        """Return (values, answer) for activations (b, *grid, K) put into the layer of one picture."""
        raise NotImplementedError

    def gradient(self, flat: list[Any], activations: Any, cotangent: Any) -> Any:
        """Return the gradient of Σ values · cotangent in the activations, (N, *grid, K)."""
        raise LayerError(
            "the engine of this model gives no gradients; choose a method that needs none, such as ScoreCAM "
            "or AblationCAM"
        )

    def probe(self, flat: list[Any], classes: np.ndarray) -> PassResult:
        """Run forward and backward for class targets."""

        def cotangent(values: Any, indices: np.ndarray, answer: Any) -> np.ndarray:
            return class_cotangent(self.score, values, classes[indices], answer)

        return self.watch(flat, [cotangent])[0]

    def watch(self, flat: list[Any], cotangents: Sequence[Cotangent]) -> list[PassResult]:
        """Run forward once, and backward for each cotangent."""

        def one(indices: np.ndarray) -> list[PassResult]:
            part = [x[int(indices[0]) : int(indices[-1]) + 1] for x in flat]
            activations, values, answer = self.observe(part)
            COUNTERS.add("forward", len(indices))
            gradients: list[Any] = []
            for cotangent in cotangents:
                gradients.append(self.gradient(part, activations, cotangent(values, indices, answer)))
                COUNTERS.add("backward", len(indices))
            seen = self._on_grid(activations)
            return [
                PassResult(seen, None if g is None else self._on_grid(g), values, answer)
                for g in gradients or [None]
            ]

        parts = list(in_batches(len(flat[0]), self.budget.plain, one))
        return [joined(list(results)) for results in zip(*parts, strict=True)]

    def _on_grid(self, values: Any) -> Any:
        return ops.wide(values if self.reshape is None else self.reshape(values))

    def forward(self, single: list[Any], image: int, make: Make, count: int, read: Read) -> Any:
        """Run the whole model on versions of one picture."""

        def one(indices: np.ndarray) -> Any:
            versions = make(indices)
            flat = [versions if i == image else _repeated(x, len(indices)) for i, x in enumerate(single)]
            _, values, answer = self.observe(flat)
            COUNTERS.add("forward", len(indices))
            return read(values, answer)

        return ops.concatenate(list(in_batches(count, self.budget.plain, one)))

    def tail(self, single: list[Any], at_layer: TailInputs | None, make: Make, count: int, read: Read) -> Any:
        """Run what is after the layer on versions of its activations."""

        def one(indices: np.ndarray) -> Any:
            values, answer = self.tail_of(single, make(indices))
            COUNTERS.add("tail", len(indices))
            return read(values, answer)

        return ops.concatenate(list(in_batches(count, self.budget.plain, one)))

    def tail_gradients(
        self, single: list[Any], at_layer: TailInputs | None, make: Make, count: int, cotangent: Cotangent
    ) -> Any:
        """Run what is after the layer forward and backward on versions of its activations."""

        def one(indices: np.ndarray) -> Any:
            versions = make(indices)
            values, answer = self.tail_of(single, versions)
            flat = [_repeated(x, len(indices)) for x in single]
            gradients = self.gradient(flat, versions, cotangent(values, indices, answer))
            COUNTERS.add("tail", len(indices))
            COUNTERS.add("backward", len(indices))
            return self._on_grid(gradients)

        return ops.concatenate(list(in_batches(count, self.budget.plain, one)))

    def through(
        self,
        single: list[Any],
        image: int,
        change: Change,
        maps: Any,
        read: Read,
        extra: Sequence[np.ndarray] = (),
    ) -> Any:
        """Run the whole model on one picture changed by each map."""
        picture = single[image]
        picture = ops.backend(picture).moveaxis(picture, 1, -1) if self.channels_first else picture

        def make(indices: np.ndarray) -> Any:
            versions = change(picture, maps[int(indices[0]) : int(indices[-1]) + 1], *extra)
            return ops.backend(versions).moveaxis(versions, -1, 1) if self.channels_first else versions

        return self.forward(single, image, make, int(maps.shape[0]), read)

    def without(
        self,
        single: list[Any],
        at_layer: TailInputs | None,
        activations: Any,
        channels: np.ndarray,
        read: Read,
    ) -> Any:
        """Run what is after the layer without each of the channels."""

        def make(indices: np.ndarray) -> Any:
            return ops.without_channels(activations, channels[indices])

        return self.tail(single, at_layer, make, len(channels), read)

    def attention(
        self, flat: list[Any], cotangent: Cotangent | None = None, reading: Reading = "score"
    ) -> AttentionResult:
        """Refuse: an engine that sees attention brings its own."""
        raise LayerError(
            "the engine of this model does not show attention weights; choose a method that needs none, such "
            "as GradCAM"
        )


def class_cotangent(score: Score, values: Any, classes: np.ndarray, answer: Any = None) -> np.ndarray:
    """Return the gradient of each picture's class in the score's values, of their shape.

    A class of -1 stands for the top class.  A single value is a binary score: class 1 is for it, 0 against
    it, and -1 whichever holds; a plain output is always for it.
    """
    shape = tuple(int(n) for n in values.shape)
    ranked = score.by_answer and answer is not None
    flat = ops.to_numpy(answer if ranked else values).reshape(shape[0], -1)
    count, asked = flat.shape[1], int(np.max(classes, initial=-1))
    most = max(count, 2) if score.binary else count
    if count == 0 or asked >= most:  # a detector has as many values as it finds objects
        wanted = "" if asked < 0 else f", and class {asked} was requested"
        raise TargetError(
            f"output {score.output!r} has {count} values for this picture{wanted}; pass one of these, or "
            "another picture"
        )
    gradient = np.zeros(flat.shape, np.float32)
    if flat.shape[1] > 1:
        gradient[np.arange(len(flat)), np.where(classes < 0, flat.argmax(axis=1), classes)] = 1.0
    elif not score.binary:
        gradient[:] = 1.0
    else:
        holds = flat[:, 0] >= (0.5 if ranked else score.middle)
        gradient[:, 0] = 2.0 * np.where(classes < 0, holds, classes) - 1.0
    return gradient.reshape(shape)


def _repeated(value: Any, count: int) -> Any:
    return ops.concatenate([value] * count)
