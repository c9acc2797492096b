"""The passes through a model on tape that evidence is made of, for one layer and one score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import torch

from visioncam_core.engine.batches import COUNTERS, Budget, joined
from visioncam_core.engine.default_passes import class_cotangent
from visioncam_core.engine.half_precision import try_multiples
from visioncam_core.engine.layer_table import Layout
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
from visioncam_core.errors import ModelError
from visioncam_core.ops import concatenate, without_channels
from visioncam_core.text import listing
from visioncam_engines.torch.placing import Placing, from_grid, to_grid
from visioncam_engines.torch.run.attention import attention
from visioncam_engines.torch.run.gradients import gradient_of
from visioncam_engines.torch.run.memory import in_batches, need_of, repeated, to_host, to_tensor
from visioncam_engines.torch.run.mixing import Mixing, mixing
from visioncam_engines.torch.run.order import at_once, ordered
from visioncam_engines.torch.score import TapeScore
from visioncam_engines.torch.tape.model_trace import Trace, at_rest
from visioncam_engines.torch.tape.records import Record

Flat = list[Any]
"""The model's inputs in flat order, each with a batch axis."""


@attrs.frozen(eq=False)
class TapePasses:
    """Passes through one traced model; see `visioncam_core.engine.interface.Passes`.

    Attributes:
        trace, score, record, layout: the model, the score, the layer, and where its space is.
        placing: device and dtype of the inputs.
        reshape: the user's own `(N, ...) -> (N, *grid, K)`, or None.
        budget: what bounds a batch.
        channels_first: whether the image input is (K, *space).
    """

    trace: Trace
    score: TapeScore
    record: Record
    layout: Layout
    placing: Placing
    reshape: Callable[[Any], Any] | None
    budget: Budget
    channels_first: bool

    # ---------------------------------------------------------------- what is cut

    def sides(self) -> list[int]:
        """The values that the tail needs besides the activations."""
        key = ("sides", self.record.value, self.score.fetches)
        return self.trace.once(key, lambda: self.trace.frontier(self.record.value, self.score.fetches))

    def head(self, flat: Flat) -> tuple[Any, list[Any]]:
        """Return the activations and the sides of some pictures."""
        at, *sides = self.trace.cut(self.trace.inputs, [self.record.value, *self.sides()])(
            len(flat[0]), *flat
        )
        return at, sides

    def behind(self, at: Any, sides: list[Any]) -> tuple[Any, Any]:
        """Return (values, answer) of activations."""
        run = self.trace.cut([self.record.value, *self.sides()], self.score.fetches)
        return self.score.read(run(len(at) // self.rows, at, *sides))

    @property
    def rows(self) -> int:
        """Rows of the layer's first axis that are one picture's: 1 but where a reshape unfolds windows."""
        shape = self.trace.shapes[self.record.value]
        return max(1, shape[0]) if shape else 1

    def whole(self, flat: Flat) -> tuple[Any, Any]:
        """Return (values, answer) of pictures."""
        run = self.trace.cut(self.trace.inputs, self.score.fetches)
        return self.score.read(run(len(flat[0]), *flat))

    def begin(self, part: Flat, gradients: bool) -> tuple[Any, list[Any], Any, Any, Any]:
        """Return activations, sides, the leaf in their place, values and answer of some pictures."""
        with at_rest():
            at, sides = self.head(part)
        with at_rest(gradients):
            leaf = at.detach().requires_grad_(gradients)
            return at, sides, leaf, *self.behind(leaf, sides)

    def grid(self, value: Any) -> Any:
        """Return a layer's output as methods see it."""
        value = self.reshape(value) if self.reshape is not None else to_grid(value, self.layout)
        return to_host(torch.as_tensor(value))

    def taken(self, flat: Flat, indices: np.ndarray) -> Flat:
        """Return some rows of the inputs, where the model takes them."""
        part = slice(int(indices[0]), int(indices[-1]) + 1)
        return self.placing.placed([x if len(indices) == len(x) else x[part] for x in flat])

    # ---------------------------------------------------------------- gradients

    def probe(self, flat: Flat, classes: np.ndarray) -> PassResult:
        """Run forward, and backward from each picture's class."""

        def cotangent(values: Any, indices: np.ndarray, answer: Any) -> np.ndarray:
            return class_cotangent(self.score, values, classes[indices], answer)

        return self.watch(flat, [cotangent])[0]

    def watch(self, flat: Flat, cotangents: Sequence[Cotangent]) -> list[PassResult]:
        """Run forward once, and backward for each cotangent."""

        def one(indices: np.ndarray) -> list[PassResult]:
            part = self.taken(flat, indices)
            part = ordered(self, part) if self.record.value in self.trace.inputs else part
            at, sides, leaf, values, answer = self.begin(part, bool(cotangents))
            COUNTERS.add("forward", len(indices))
            known, own = values.detach(), answer.detach()
            held = TailInputs((at,), tuple(sides)) if len(indices) == 1 else None
            seen = PassResult(self.grid(at), None, to_host(known), to_host(own), held)
            found = []
            for number, cotangent in enumerate(cotangents):
                slope = torch.as_tensor(cotangent(known, indices, own), device=values.device).to(values.dtype)
                last = number == len(cotangents) - 1
                found.append(attrs.evolve(seen, gradients=self.backward(values, leaf, slope, last)))
            return found or [seen]

        parts = in_batches(len(flat[0]), at_once(self, self.trace.inputs), one)
        lengths = sorted({tuple(part[0].values.shape[1:]) for part in parts})
        if len(lengths) > 1:
            raise ModelError(
                f"output {self.score.output!r} has a different number of values for each picture of this "
                f"call ({listing(lengths)}), as a detector has; pass batch_size=1"
            )
        return [joined(list(results)) for results in zip(*parts, strict=True)]

    def backward(self, values: Any, leaf: Any, slope: Any, last: bool) -> Any:
        """Return the gradient of Σ values · slope in the activations, on the grid."""
        half = leaf.dtype == torch.float16

        def scaled(scale: float) -> tuple[Any, None]:
            COUNTERS.add("backward", len(slope))
            with at_rest(True):
                return self.grid(gradient_of(self, values, leaf, slope * scale, last and not half)), None

        return (try_multiples(scaled) if half else scaled(1.0))[0]

    def attention(
        self, flat: Flat, cotangent: Cotangent | None = None, reading: Reading = "score"
    ) -> AttentionResult:
        """Run forward with every attention's weights in sight, and backward to them."""
        return attention(self, flat, cotangent, reading)

    # ---------------------------------------------------------------- changed versions

    def tail_inputs(self, single: Flat, known: TailInputs | None) -> TailInputs:
        """Return what the tail needs for one picture; the head runs again only for what is not `known`."""
        if known is not None and known.activations and known.sides is not None:
            return known
        with at_rest():
            at, sides = self.head(self.placing.placed(single))
        COUNTERS.add("head", 1)
        return TailInputs((at,), tuple(sides))

    def forward(self, single: Flat, image: int, make: Make, count: int, read: Read) -> Any:
        """Run the whole model on versions of one picture."""
        placed = self.placing.placed(single)

        def one(indices: np.ndarray) -> Any:
            with at_rest():
                return self._versions(placed, image, make(indices), read)

        return concatenate(in_batches(count, at_once(self, self.trace.inputs), one))

    def _versions(self, placed: Flat, image: int, versions: Any, read: Read) -> Any:
        versions = to_tensor(versions, placed[image])
        count = len(versions)
        flat = [versions if i == image else repeated(x, count) for i, x in enumerate(placed)]
        values, answer = self.whole(ordered(self, flat))
        COUNTERS.add("forward", count)
        return read(to_host(values), to_host(answer))

    def tail(self, single: Flat, at_layer: TailInputs | None, make: Make, count: int, read: Read) -> Any:
        """Run what is after the layer on versions of its activations."""
        known = self.tail_inputs(single, at_layer)
        original, sides = known.activations[0], known.sides or ()

        def one(indices: np.ndarray) -> Any:
            with at_rest():
                changed = from_grid(to_tensor(make(indices), original), self.layout, original)
                values, answer = self.behind(changed, [repeated(side, len(indices)) for side in sides])
            COUNTERS.add("tail", len(indices))
            return read(to_host(values), to_host(answer))

        return concatenate(in_batches(count, at_once(self, [self.record.value, *self.sides()]), one))

    def tail_gradients(
        self, single: Flat, at_layer: TailInputs | None, make: Make, count: int, cotangent: Cotangent
    ) -> Any:
        """Run what is after the layer forward and backward on versions of its activations."""
        known = self.tail_inputs(single, at_layer)
        original, sides = known.activations[0], known.sides or ()

        def one(indices: np.ndarray) -> Any:
            with at_rest():
                changed = from_grid(to_tensor(make(indices), original), self.layout, original)
            with at_rest(True):
                leaf = changed.detach().requires_grad_(True)
                values, answer = self.behind(leaf, [repeated(side, len(indices)) for side in sides])
            COUNTERS.add("tail", len(indices))
            slope = cotangent(values.detach(), indices, answer.detach())
            slope = torch.as_tensor(slope, device=values.device).to(values.dtype)
            return self.backward(values, leaf, slope, True)

        return concatenate(in_batches(count, at_once(self, [self.record.value, *self.sides()]), one))

    def through(
        self,
        single: Flat,
        image: int,
        change: Change,
        maps: Any,
        read: Read,
        extra: Sequence[np.ndarray] = (),
    ) -> Any:
        """Run the model on one picture changed by each map; pictures exist for one batch at a time."""
        placed = self.placing.placed(single)
        picture = placed[image].float()
        picture = picture.movedim(1, -1) if self.channels_first else picture
        maps = to_tensor(maps, picture)
        others = [torch.as_tensor(one, device=picture.device) for one in extra]

        def one(indices: np.ndarray) -> Any:
            with at_rest():
                versions = change(picture, maps[int(indices[0]) : int(indices[-1]) + 1], *others)
                versions = versions.movedim(-1, 1) if self.channels_first else versions
                return self._versions(placed, image, versions, read)

        need = self.trace.once(
            ("need", self.score.fetches), lambda: need_of(self.trace, self.trace.inputs, self.score.fetches)
        )
        size = min(self.budget.batch(need), at_once(self, self.trace.inputs))
        return concatenate(in_batches(len(maps), size, one))

    def without(
        self, single: Flat, at_layer: TailInputs | None, activations: Any, channels: np.ndarray, read: Read
    ) -> Any:
        """Run, without each channel, what lies behind the first step that mixes them; else the tail."""
        found = self.meeting()
        if found is None:
            make = lambda indices: without_channels(activations, channels[indices])  # noqa: E731
            return self.tail(single, at_layer, make, len(channels), read)
        trace, known = self.trace, self.tail_inputs(single, at_layer)
        at, sides = known.activations[0], known.sides or ()
        rest = trace.cut([found.result, *self.sides()], self.score.fetches)
        with at_rest():
            change, result, weights = found.begin(trace, at, self.layout)

        def one(indices: np.ndarray) -> Any:
            which = torch.from_numpy(channels[indices]).to(at.device)
            with at_rest():
                mixed = result - found.terms(change, weights, which)
                values, answer = self.score.read(
                    rest(len(indices), mixed, *[repeated(side, len(indices)) for side in sides])
                )
            COUNTERS.add("tail", len(indices))
            return read(to_host(values), to_host(answer))

        need = self.trace.once(
            ("need-without", self.record.value, self.score.fetches),
            lambda: need_of(trace, [found.result, *self.sides()], self.score.fetches),
        )
        return concatenate(in_batches(len(channels), self.budget.batch(2 * need), one))

    def meeting(self) -> Mixing | None:
        """Return where channels first meet after the layer, or None."""
        if self.trace.exact or self.reshape is not None:
            return None
        key = ("mixing", self.record.path, self.score.fetches)
        return self.trace.once(
            key, lambda: mixing(self.trace, self.record.value, self.layout, self.score.fetches)
        )
