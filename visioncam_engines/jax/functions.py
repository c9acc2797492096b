"""Functions of one layer and one score: whole pass, head, tail, and their gradients, each cut once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from visioncam_core.engine.layer_table import Layout
from visioncam_core.engine.layouts import from_grid
from visioncam_core.errors import GradientError
from visioncam_engines.jax.cuts import Cut, cut, jax_row, need_of
from visioncam_engines.jax.graph import FLAT, Graph, Step, Value
from visioncam_engines.jax.score import JaxScore
from visioncam_engines.jax.tracing import Trace
from visioncam_engines.keras.records import Recorded

Env = dict[Value, Any]


@attrs.frozen(eq=False)
class Functions:
    """What is cut from a trace for one layer and one score.

    Attributes:
        trace, score, record, layout: the model, the score, the layer, and where its space is.
        axis: of the layer's output that is the batch.
    """

    trace: Trace
    score: JaxScore
    record: Recorded
    layout: Layout
    axis: int

    @property
    def at(self) -> list[Value]:
        """Return the layer's outputs: several where they are stacked over time."""
        return list(self.record.tensors)

    @property
    def graph(self) -> Graph:
        return self.trace.graph

    def _key(self, name: str) -> tuple[Any, ...]:
        return (name, self.record.path, self.score.key)

    def sides(self) -> list[Value]:
        found: list[Value] = self.trace.once(
            self._key("sides"), lambda: self.graph.sides(self.score.parts, self.at)
        )
        return found

    def need(self, feeds: Sequence[Value]) -> int:
        parts = self.score.parts
        found: int = self.trace.once(
            (*self._key("need"), len(feeds)), lambda: need_of(self.graph, parts, feeds)
        )
        return found

    def _scored(self, env: Env) -> tuple[Any, Any]:
        self.graph.evaluate(env, self.score.parts)
        return self.score.values.make(env), self.score.told.make(env)

    def _row(self, values: Sequence[Any]) -> Any:
        """Return the layer's output of the one picture, the batch axis gone; those over time are stacked."""
        import jax

        found = [jax.numpy.moveaxis(one, self.axis, 0)[0] for one in values]
        return found[0] if len(found) == 1 else jax.numpy.stack(found)

    def _put(self, env: Env, row: Any) -> None:
        """Put a picture's output into the layer."""
        import jax

        parts = [row] if len(self.at) == 1 else list(row)
        for value, part in zip(self.at, parts, strict=True):
            env[value] = jax.numpy.moveaxis(part[None], 0, self.axis).astype(value.dtype)

    def whole(self) -> Cut:
        """Return `(inputs) -> [values, answer]`."""

        def body(env: Env, mapped: list[Any], shared: list[Any]) -> list[Any]:
            env.update((value, one[None]) for value, one in zip(self.graph.inputs, mapped, strict=True))
            return [jax_row(one) for one in self._scored(env)]

        return cut(self.trace, ("whole", self.score.key), body, self.graph.ancestors(self.score.parts))

    def head(self) -> Cut:
        """Return `(inputs) -> [A, values, answer, *sides]`; sides with the batch of one that they have."""
        sides = self.sides()

        def body(env: Env, mapped: list[Any], shared: list[Any]) -> list[Any]:
            env.update((value, one[None]) for value, one in zip(self.graph.inputs, mapped, strict=True))
            self.graph.evaluate(env, [*self.score.parts, *self.at, *sides])
            scored = [jax_row(one) for one in self._scored(env)]
            return [self._row([env[one] for one in self.at]), *scored, *(env[one] for one in sides)]

        return cut(self.trace, self._key("head"), body, self.graph.ancestors([*self.score.parts, *self.at]))

    def tail(self) -> Cut:
        """Return `(changed grid of A; A, *sides) -> [values, answer]`."""
        sides = self.sides()

        def body(env: Env, mapped: list[Any], shared: list[Any]) -> list[Any]:
            import jax

            original, *others = shared
            grid = from_grid(jax.numpy, mapped[0][None], self.layout, original[None])
            self._put(env, grid[0])
            env.update(zip(sides, others, strict=True))
            return [jax_row(one) for one in self._scored(env)]

        return cut(self.trace, self._key("tail"), body, self.graph.ancestors(self.score.parts, self.at))

    def _pulled(self, env: Env, cotangent: Callable[[Any, Any], Any]) -> tuple[Any, Any, Any]:
        """Return (G, values, answer) of one picture whose layer and sides are in `env`."""
        import jax

        held = {
            value: one for value, one in env.items() if value in self.sides() or value in self.graph.weights
        }

        def behind(at: list[Any]) -> tuple[Any, Any]:
            return self._scored({**held, **dict(zip(self.at, at, strict=True))})

        values, pull, answer = jax.vjp(behind, [env[one] for one in self.at], has_aux=True)
        (gradient,) = pull(cotangent(values, answer).astype(values.dtype))
        return gradient, values, answer

    def probe(self) -> Cut:
        """Return `(inputs, class, scale) -> [A, G, values, answer]`."""
        self.check_slope()
        needed = [*self.at, *self.sides()]

        def body(env: Env, mapped: list[Any], shared: list[Any]) -> list[Any]:
            *inputs, chosen, scale = mapped
            env.update((value, one[None]) for value, one in zip(self.graph.inputs, inputs, strict=True))
            self.graph.evaluate(env, needed)
            gradient, values, answer = self._pulled(
                env, lambda v, a: class_cotangent(self.score, v, a, chosen) * scale
            )
            return [
                self._row([env[one] for one in self.at]),
                self._row(gradient),
                jax_row(values),
                jax_row(answer),
            ]

        every = self.graph.ancestors([*self.score.parts, *self.at])
        return cut(self.trace, self._key("probe"), body, every)

    def backward(self) -> Cut:
        """Return `(A, *sides, cotangent) -> [G]`."""
        self.check_slope()
        sides = self.sides()

        def body(env: Env, mapped: list[Any], shared: list[Any]) -> list[Any]:
            at, *others, slope = mapped
            self._put(env, at)
            env.update(zip(sides, others, strict=True))
            return [self._row(self._pulled(env, lambda v, a: slope[None])[0])]

        return cut(self.trace, self._key("backward"), body, self.graph.ancestors(self.score.parts, self.at))

    def check_slope(self) -> None:
        """Raise `GradientError` where no step between the layer and the score has a slope."""

        def passes_on(step: Step) -> bool:
            return step.name not in FLAT and any(one.floating for one in step.outputs)

        def found() -> bool:
            reached = self.graph.descendants(self.at, passes_on)
            return not reached.isdisjoint(self.score.values.parts)

        if not self.trace.once(self._key("slope"), found):
            raise GradientError(
                f"the score of output {self.score.output!r} has no gradient at layer {self.record.path!r}: a "
                "step between them cannot be differentiated (argmax, rounding, a stopped gradient); choose a "
                "later layer, or ScoreCAM, which needs no gradient"
            )


def class_cotangent(score: JaxScore, values: Any, answer: Any, chosen: Any) -> Any:
    """Return the gradient of the class of one picture in the score's values; -1 is the top class.

    A single value is a binary score: class 1 is for it, 0 against it, and -1 whichever holds; a plain output
    is always for it.
    """
    import jax

    xp, ranked = jax.numpy, answer if score.by_answer else values
    if values.ndim == 1 or values.shape[-1] == 1:
        if not score.binary:
            return xp.ones_like(values)
        middle = 0.5 if score.by_answer else score.middle
        holds = (ranked.reshape(values.shape) >= middle).astype("int32")
        return (2 * xp.where(chosen < 0, holds, chosen) - 1).astype("float32")
    index = xp.where(chosen < 0, ranked.argmax(axis=-1), chosen)
    return jax.nn.one_hot(index, values.shape[-1], dtype="float32")
