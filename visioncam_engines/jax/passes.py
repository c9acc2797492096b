"""The passes through a model that evidence is made of, for one layer and one score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.batches import COUNTERS, FEW, in_batches, joined
from visioncam_core.engine.default_passes import PassesDefaults
from visioncam_core.engine.half_precision import try_multiples
from visioncam_core.engine.layouts import from_grid, to_grid
from visioncam_core.engine.records import (
    AttentionResult,
    Cotangent,
    Make,
    PassResult,
    Read,
    Reading,
    TailInputs,
)
from visioncam_core.ops import concatenate
from visioncam_engines.jax.attention import attention
from visioncam_engines.jax.cuts import array_functions, differentiated, exhausted, fitting, rows, to_host
from visioncam_engines.jax.functions import Functions
from visioncam_engines.jax.graph import Value
from visioncam_engines.jax.score import JaxScore

Env = dict[Value, Any]
AT_ONCE = 16


@attrs.frozen(eq=False)
class JaxPasses(PassesDefaults):
    """Passes through one traced model; see `engine.interface.Passes`.

    Attributes:
        cuts: the functions of the layer and the score.
    """

    score: JaxScore
    cuts: Functions = attrs.field(kw_only=True)

    def _size(self, need: int) -> int:
        most = self.budget.pictures or min(max(self.budget.memory // max(need, 1), 1), AT_ONCE)
        return fitting(min(most, FEW) if self.budget.pictures is None else most)

    # ---- passes

    def _grid(self, values: Any) -> Any:
        xp = array_functions(values)
        grid = to_grid(xp, values, self.cuts.layout) if self.reshape is None else self.reshape(values)
        return grid if isinstance(grid, np.ndarray) or not hasattr(grid, "devices") else to_host(grid)

    def probe(self, flat: list[Any], classes: np.ndarray) -> PassResult:
        """Run forward and backward for class targets."""
        run, weights = self.cuts.probe(), self.cuts.trace.weights()
        half = self.cuts.at[0].dtype.name == "float16"

        def one(indices: np.ndarray) -> PassResult:
            part, chosen = rows(flat, indices), classes[indices].astype(np.int32)

            def scaled(scale: float) -> tuple[Any, list[Any]]:
                found = differentiated(
                    run, weights, [*part, chosen, np.full(len(indices), scale, np.float32)]
                )
                COUNTERS.add("forward", len(indices))
                COUNTERS.add("backward", len(indices))
                return found[1], found

            gradient, (at, _, values, answer) = try_multiples(scaled) if half else scaled(1.0)
            held = TailInputs((at[0],), None if self.cuts.sides() else ()) if len(indices) == 1 else None
            return PassResult(self._grid(at), self._grid(gradient), values, answer, held)

        return joined(
            list(in_batches(len(flat[0]), self._size(self.cuts.need(self.cuts.graph.inputs)), one, exhausted))
        )

    def watch(self, flat: list[Any], cotangents: Sequence[Cotangent]) -> list[PassResult]:
        """Run forward once, and backward for each cotangent."""
        head, weights = self.cuts.head(), self.cuts.trace.weights()
        backward = self.cuts.backward() if cotangents else None
        half = self.cuts.at[0].dtype.name == "float16"

        def one(indices: np.ndarray) -> list[PassResult]:
            at, values, answer, *sides = head(weights, rows(flat, indices))
            COUNTERS.add("forward", len(indices))
            held = TailInputs((at[0],), tuple(side[0] for side in sides)) if len(indices) == 1 else None
            seen = PassResult(self._grid(at), None, values, answer, held)
            if backward is None:
                return [seen]
            found = []
            for cotangent in cotangents:
                slope = np.asarray(cotangent(values, indices, answer), np.float32)

                def scaled(scale: float, slope: Any = slope) -> tuple[Any, None]:
                    COUNTERS.add("backward", len(indices))
                    given = [at, *sides, slope * np.float32(scale)]
                    return differentiated(backward, weights, given)[0], None

                gradient = (try_multiples(scaled) if half else scaled(1.0))[0]
                found.append(attrs.evolve(seen, gradients=self._grid(gradient)))
            return found

        size = self._size(self.cuts.need(self.cuts.graph.inputs))
        parts = list(in_batches(len(flat[0]), size, one, exhausted))
        return [joined(list(results)) for results in zip(*parts, strict=True)]

    def forward(self, single: list[Any], image: int, make: Make, count: int, read: Read) -> Any:
        """Run the whole model on versions of one picture."""
        run, weights = self.cuts.whole(), self.cuts.trace.weights()

        def one(indices: np.ndarray) -> Any:
            versions = cast_to(make(indices), single[image].dtype)
            part = [versions if i == image else repeated(x, len(indices)) for i, x in enumerate(single)]
            values, answer = run(weights, part)
            COUNTERS.add("forward", len(indices))
            return read(values, answer)

        size = self._size(self.cuts.need(self.cuts.graph.inputs))
        return concatenate(list(in_batches(count, size, one, exhausted)))

    def tail(self, single: list[Any], at_layer: TailInputs | None, make: Make, count: int, read: Read) -> Any:
        """Run what is after the layer on versions of its activations."""
        run, weights = self.cuts.tail(), self.cuts.trace.weights()
        known = self._tail_inputs(single, at_layer)

        def one(indices: np.ndarray) -> Any:
            versions = make(indices)
            values, answer = run(weights, [versions], [*known.activations, *(known.sides or ())])
            COUNTERS.add("tail", len(indices))
            return read(values, answer)

        need = self.cuts.need([*self.cuts.at, *self.cuts.sides()])
        return concatenate(list(in_batches(count, self._size(need), one, exhausted)))

    def tail_gradients(
        self, single: list[Any], at_layer: TailInputs | None, make: Make, count: int, cotangent: Cotangent
    ) -> Any:
        """Run what is after the layer forward and backward on versions of its activations."""
        forward, backward, weights = self.cuts.tail(), self.cuts.backward(), self.cuts.trace.weights()
        known = self._tail_inputs(single, at_layer)
        sides = [np.asarray(one)[None] for one in known.sides or ()]

        def one(indices: np.ndarray) -> Any:
            versions = make(indices)
            values, answer = forward(weights, [versions], [*known.activations, *(known.sides or ())])
            slope = np.asarray(cotangent(values, indices, answer), np.float32)
            COUNTERS.add("tail", len(indices))
            COUNTERS.add("backward", len(indices))
            original = repeated(np.asarray(known.activations[0])[None], len(indices))
            at = from_grid(array_functions(versions), versions, self.cuts.layout, original)
            others = [repeated(side, len(indices)) for side in sides]
            return self._grid(differentiated(backward, weights, [at, *others, slope])[0])

        need = self.cuts.need([*self.cuts.at, *self.cuts.sides()])
        return concatenate(list(in_batches(count, self._size(need), one, exhausted)))

    def attention(
        self, flat: list[Any], cotangent: Cotangent | None = None, reading: Reading = "score"
    ) -> AttentionResult:
        """Run forward with every attention's weights kept, and backward to them."""
        return attention(self, flat, cotangent, reading)

    def _tail_inputs(self, single: list[Any], known: TailInputs | None) -> TailInputs:
        """Return what the tail needs for one picture; the head runs again only for what is not `known`."""
        if known is not None and known.activations and known.sides is not None:
            return known
        at, _, _, *sides = self.cuts.head()(self.cuts.trace.weights(), single)
        COUNTERS.add("head")
        return TailInputs((at[0],), tuple(side[0] for side in sides))


def repeated(value: Any, count: int) -> Any:
    return array_functions(value).repeat(value, count, axis=0)


def cast_to(values: Any, dtype: Any) -> Any:
    """Return changed pictures in the dtype a model takes; whole numbers are rounded and kept in range."""
    xp = array_functions(values)
    if np.dtype(dtype).kind in "iu" and np.dtype(values.dtype).kind == "f":
        bounds = np.iinfo(dtype)
        values = xp.clip(xp.rint(values), bounds.min, bounds.max)
    return values.astype(dtype)
