"""Attention weights of a traced model, and their gradients: each picture by itself, as everywhere in JAX."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.batches import COUNTERS, in_batches
from visioncam_core.engine.graph.blocks import Step, check_row, check_sizes, streams
from visioncam_core.engine.layer_table import Layout
from visioncam_core.engine.records import AttentionResult, Cotangent, Reading, read_shares
from visioncam_engines.jax.cuts import Cut, cut, differentiated, exhausted, jax_row, rows
from visioncam_engines.jax.functions import Functions
from visioncam_engines.jax.graph import COPIES, SHAPES, Graph, Value
from visioncam_engines.jax.logits import softmax_of
from visioncam_engines.jax.score import JaxScore
from visioncam_engines.jax.tracing import Trace
from visioncam_engines.keras.records import Recorded

Env = dict[Value, Any]
_THROUGH = COPIES | SHAPES | {"mul", "select_n", "broadcast_in_dim"}


@attrs.frozen(eq=False)
class Attending:
    """Where a graph's attention is, for one score, and the functions cut there.

    Attributes:
        trace, score: the model and the score.
        weights: each block's (1, heads, T, T), in call order, perhaps with more axes of length 1.
        blocks: each block's output.
    """

    trace: Trace
    score: JaxScore
    weights: tuple[Value, ...]
    blocks: tuple[Value, ...]

    @property
    def tokens(self) -> int:
        return self.weights[0].shape[-1]

    @classmethod
    def of(cls, trace: Trace, score: JaxScore) -> Attending:
        """Return where the attention is, found once.

        Raises:
            LayerError: there is none between all tokens.
            GradientError: the score has no gradient there.
        """
        found: Attending = trace.once(
            ("attention", score.key), lambda: cls(trace, score, *_found(trace, score))
        )
        return found

    def check_slope(self) -> None:
        """Raise `GradientError` where the score has no slope in a block's weights."""
        for number, one in enumerate(self.weights):
            name = f"attention of block {number + 1}"
            record = Recorded(name, name, "", (one,), "", "")
            Functions(self.trace, self.score, record, Layout("custom", (), 0), 0).check_slope()

    def _scored(self, env: Env) -> tuple[Any, Any]:
        self.trace.graph.evaluate(env, self.score.parts)
        return self.score.values.make(env), self.score.told.make(env)

    def _behind(self, env: Env, reading: Reading) -> Callable[[Any], tuple[Any, Any]]:
        """Return the score's (values, answer) as a function of a block's tokens."""
        graph, last = self.trace.graph, self.blocks[-1]
        sides = graph.sides(self.score.parts, [last])
        graph.evaluate(env, sides)
        held = {one: env[one] for one in (*graph.weights, *sides) if one in env}

        def scored(tokens: Any) -> tuple[Any, Any]:
            if reading == "mean":
                check_row(tokens.shape, self.tokens)
                tokens = tokens.mean(1, keepdims=True) + 0 * tokens
            return self._scored({**held, last: tokens})

        return scored

    def _cut(self, name: str, body: Callable[..., list[Any]]) -> Cut:
        read = self.trace.graph.ancestors([*self.score.parts, *self.blocks])
        return cut(self.trace, (name, self.score.key), body, read)

    def _begun(self, env: Env, inputs: list[Any]) -> None:
        env.update((value, one[None]) for value, one in zip(self.trace.graph.inputs, inputs, strict=True))

    def forward(self, reading: Reading) -> Cut:
        """Return `(inputs, noise) -> [*A, slope of the noise in the last tokens, *(values, answer)]`.

        The values are the score's, or those of each block.
        """

        def body(env: Env, mapped: list[Any], shared: list[Any]) -> list[Any]:
            import jax

            *inputs, noise = mapped
            self._begun(env, inputs)
            self.trace.graph.evaluate(env, [*self.weights, *self.blocks])
            found = [env[one].reshape(-1, *one.shape[-2:]) for one in self.weights]
            last = self._behind(env, "score")
            _, pull, _ = jax.vjp(last, env[self.blocks[-1]], has_aux=True)
            slope = pull(noise[None])[0][0]
            ends = self.blocks[-1:] if reading == "score" else self.blocks
            scored = self._behind(env, reading)
            return [*found, slope, *(jax_row(part) for end in ends for part in scored(env[end]))]

        return self._cut(f"attention-{reading}", body)

    def backward(self, reading: Reading) -> Cut:
        """Return `(inputs, *slopes) -> [a gradient for each block's weights]`; one slope, or one a block."""
        count = len(self.trace.graph.inputs)

        def body(env: Env, mapped: list[Any], shared: list[Any]) -> list[Any]:
            import jax

            inputs, slopes = mapped[:count], [one[None] for one in mapped[count:]]
            self._begun(env, inputs)
            if reading == "score":
                zeros = [jax.numpy.zeros(one.shape, one.dtype) for one in self.weights]
                values, pull = jax.vjp(lambda changes: self._changed(dict(env), changes), zeros)
                found = pull(slopes[0].astype(values.dtype))[0]
            else:
                found = self._each(env, slopes, reading)
            return [one.reshape(-1, *one.shape[-2:]) for one in found]

        return self._cut(f"attention-backward-{reading}", body)

    def _changed(self, env: Env, changes: list[Any]) -> Any:
        for one, change in zip(self.weights, changes, strict=True):
            self.trace.graph.evaluate(env, [one])
            env[one] = env[one] + change
        return self._scored(env)[0]

    def _each(self, env: Env, slopes: list[Any], reading: Reading) -> list[Any]:
        import jax

        graph, found = self.trace.graph, []
        starts = []
        for one in self.weights:
            graph.evaluate(env, [one])
            starts.append(dict(env))
        graph.evaluate(env, list(self.blocks))
        scored = self._behind(env, reading)
        for start, A, block, slope in zip(starts, self.weights, self.blocks, slopes, strict=True):

            def inside(weights: Any, start: Env = start, A: Value = A, block: Value = block) -> Any:
                return graph.evaluate({**start, A: weights}, [block])[0]

            tokens, pull = jax.vjp(inside, start[A])
            values, back = jax.vjp(lambda tokens: scored(tokens)[0], tokens)
            found.append(pull(back(slope.astype(values.dtype))[0])[0])
        return found


def attention(passes: Any, flat: list[Any], cotangent: Cotangent | None, reading: Reading) -> AttentionResult:
    """Return the attention of a batch; see `engine.interface.Passes.attention`, `passes` are its own."""
    trace, score = passes.cuts.trace, passes.score
    found, weights = Attending.of(trace, score), trace.weights()
    found.check_slope()
    reading = "score" if cotangent is None else reading
    forward, count = found.forward(reading), len(found.weights)
    scale = np.float32(1024 if found.blocks[0].dtype.name == "float16" else 1)

    def one(indices: np.ndarray) -> AttentionResult:
        part = rows(flat, indices)
        noise = np.random.default_rng(0).standard_normal(score.shape[1:]).astype(np.float32)
        out = differentiated(forward, weights, [*part, np.repeat(noise[None], len(indices), 0)])
        COUNTERS.add("forward", len(indices))
        gradients: list[Any] = []
        if cotangent is not None:
            pairs = zip(out[count + 1 :: 2], out[count + 2 :: 2], strict=True)
            slopes = [np.asarray(cotangent(v, indices, a), np.float32) * scale for v, a in pairs]
            gradients = differentiated(found.backward(reading), weights, [*part, *slopes])
            gradients = [one / scale for one in gradients]
            COUNTERS.add("forward", len(indices))
            COUNTERS.add("backward", len(indices))
        return AttentionResult(
            tuple(out[:count]), read_shares(np.asarray(out[count]), found.tokens), tuple(gradients)
        )

    size = passes._size(passes.cuts.need(trace.graph.inputs))
    return AttentionResult.joined(list(in_batches(len(flat[0]), size, one, exhausted)))


def _found(trace: Trace, score: JaxScore) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    """Return each block's weights and output."""
    graph = trace.graph
    moving = graph.descendants(graph.inputs)
    every = [
        step.outputs[0]
        for step in graph.steps
        if step.name == "div"
        and len(step.outputs[0].shape) > 2
        and step.outputs[0] in moving
        and softmax_of(graph, step) is not None
        and _multiplied(graph, step.outputs[0], moving, 6)
    ]
    # Axes of length 1 stand anywhere here; where two are longer, one of them is of windows.
    windows = [one.shape[-1] for one in every if sum(n > 1 for n in one.shape[:-2]) > 1]
    check_sizes([(one.shape[-2], one.shape[-1]) for one in every], windows)
    weights = tuple(one for one in every if one.shape[-1] == one.shape[-2])
    tokens = weights[0].shape[-1]
    steps = [Step(step.inputs, step.outputs, step.name == "add") for step in graph.steps]

    def holds_tokens(value: Any) -> bool:
        shape = value.shape
        return len(shape) > 2 and shape[0] == 1 and tokens in (shape[1], prod(shape[1:-1]))

    blocks: tuple[Any, ...] = tuple(streams(steps, weights, set(score.parts), holds_tokens))
    return weights, blocks


def _multiplied(graph: Graph, value: Value, moving: set[Value], depth: int) -> bool:
    """Whether a softmax weighs a product of two things of the picture."""
    for step in graph.steps if depth else ():
        if value not in step.inputs:
            continue
        if step.name == "dot_general" and all(one in moving for one in step.inputs):
            return True
        if step.name in _THROUGH and any(_multiplied(graph, one, moving, depth - 1) for one in step.outputs):
            return True
    return False
