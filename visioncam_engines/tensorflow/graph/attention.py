"""Attention in a traced graph: the softmaxes that weigh a product, the blocks' outputs, what is cut there."""

from __future__ import annotations

from math import prod
from typing import Any

import attrs

from visioncam_core.engine.graph.blocks import OTHER, Step, check_sizes, streams
from visioncam_core.errors import GradientError, LayerError
from visioncam_engines.tensorflow.graph import functions as cuts
from visioncam_engines.tensorflow.graph.graph import COPIES, OF_SHAPE, SHAPES, descendants, frontier
from visioncam_engines.tensorflow.tracing.batch_axis import rows_per_picture
from visioncam_engines.tensorflow.tracing.trace_model import Trace

_THROUGH = (*COPIES, *SHAPES, "Mul", "SelectV2", "Einsum")
_PRODUCTS = ("BatchMatMulV2", "BatchMatMulV3", "BatchMatMul", "MatMul", "Einsum")
_SUMS = ("AddV2", "Add")


@attrs.frozen(eq=False)
class Found:
    """Where a graph's attention is, for one score.

    Attributes:
        weights: each block's symbolic (N, heads, T, T), in call order.
        tokens: T.
        blocks: each block's output.
        sides: what lies behind the last block needs besides its output.
        folded: heads lie in the batch axis of some.
    """

    weights: tuple[Any, ...]
    tokens: int
    blocks: tuple[Any, ...]
    sides: tuple[Any, ...]
    folded: bool


def find(trace: Trace, score: cuts.GraphScore) -> Found:
    """Return where the attention is.

    Raises:
        LayerError: there is none between all tokens.
    """

    def make() -> Found:
        graph, inputs = trace.graph, list(trace.inputs)
        moving = descendants(inputs, values=True)
        operations = list(graph.get_operations())
        every = [
            op.outputs[0]
            for op in operations
            if op.type == "Softmax" and id(op.outputs[0]) in moving and (op.outputs[0].shape.rank or 0) > 2
        ]
        every = [one for one in every if _multiplied(one, moving, 6)]
        if any(None in one.shape[1:] for one in every):
            raise LayerError(
                "the number of tokens here is unknown until the model runs; build it for pictures of one "
                f"size, or {OTHER}"
            )
        rows = rows_per_picture(graph, inputs)
        windows = [one.shape[-1] for one in every if one.shape.rank != 3 and _windows(one, rows)]
        check_sizes([(one.shape[-2], one.shape[-1]) for one in every], windows)
        weights = [one for one in every if one.shape[-1] == one.shape[-2]]
        tokens, steps = int(weights[0].shape[-1]), []
        by_id: dict[Any, Any] = {}
        for op in operations:
            by_id.update((id(one), one) for one in op.outputs)
            read = () if op.type in OF_SHAPE else tuple(map(id, op.inputs))
            steps.append(Step(read, tuple(map(id, op.outputs)), op.type in _SUMS))

        def holds_tokens(key: Any) -> bool:
            shape = by_id[key].shape
            if (shape.rank or 0) < 3 or None in shape[1:]:
                return False
            return bool(tokens in (shape[1], prod(shape[1:-1])))

        fetches = [score.values, score.answer]
        found = streams(steps, list(map(id, weights)), set(map(id, fetches)), holds_tokens)
        blocks = [by_id[key] for key in found]
        sides = frontier(fetches, blocks[-1:], inputs, trace.exact)
        return Found(
            tuple(weights), tokens, tuple(blocks), tuple(sides), any(one.shape.rank == 3 for one in weights)
        )

    found: Found = cuts.once(trace, ("attention", score.key), make)
    return found


def _windows(weights: Any, rows: dict[int, Any]) -> bool:
    return weights.shape.rank > 4 or rows.get(id(weights)) not in (None, 1)


def _multiplied(tensor: Any, moving: dict[int, Any], depth: int) -> bool:
    """Whether a softmax weighs a product of two things of the picture."""
    for op in tensor.consumers() if depth else ():
        if op.type in _PRODUCTS and sum(id(one) in moving for one in op.inputs) > 1:
            return True
        if op.type in _THROUGH and any(_multiplied(one, moving, depth - 1) for one in op.outputs):
            return True
    return False


def head(trace: Trace, score: cuts.GraphScore, found: Found) -> Any:
    """Return `(*inputs) -> [*weights, *blocks, *sides, values, answer]`."""
    fetches = [*found.weights, *found.blocks, *found.sides, score.values, score.answer]
    return cuts.cut(trace, ("attention-head", score.key), lambda: (list(trace.inputs), fetches))


def tail(trace: Trace, score: cuts.GraphScore, found: Found) -> tuple[Any, Any]:
    """Return `(tokens, *sides) -> [values, answer]`, and `(tokens, *sides, cotangent) -> [slope]`."""
    feeds = [found.blocks[-1], *found.sides]

    def slopes() -> tuple[list[Any], list[Any]]:
        import tensorflow as tf

        cotangent = tf.compat.v1.placeholder(tf.float32, score.values.shape, name="cotangent")
        return [*feeds, cotangent], _slopes(score.values, feeds[:1], cotangent)

    scored = cuts.cut(trace, ("attention-tail", score.key), lambda: (feeds, [score.values, score.answer]))
    return scored, cuts.cut(trace, ("attention-tail-slope", score.key), slopes)


def backward(trace: Trace, score: cuts.GraphScore, found: Found, each: bool) -> Any:
    """Return `(*inputs, *slopes) -> [a gradient for each block's weights]`.

    The slopes are one, in the score's values, or one in the output of each block, which then goes to that
    block's weights alone.
    """

    def build() -> tuple[list[Any], list[Any]]:
        import tensorflow as tf

        ends = list(found.blocks) if each else [score.values]
        given = [tf.compat.v1.placeholder(one.dtype, one.shape, name="slope") for one in ends]
        if each:
            pairs = zip(ends, found.weights, given, strict=True)
            gradients = [_slopes(end, [A], slope)[0] for end, A, slope in pairs]
        else:
            gradients = _slopes(score.values, list(found.weights), given[0])
        return [*trace.inputs, *given], gradients

    return cuts.cut(trace, ("attention-backward", score.key, each), build)


def _slopes(values: Any, tensors: list[Any], slope: Any) -> list[Any]:
    import tensorflow as tf

    gradients = cuts.slopes(values, tensors, slope)
    if any(gradient is None for gradient in gradients):
        raise GradientError(
            "the score has no gradient in this model's attention: a step between them cannot be "
            "differentiated; choose rollout, which needs none"
        )
    return [tf.convert_to_tensor(gradient) for gradient in gradients]
