"""Attention weights of a traced model, and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.graph.blocks import check_row
from visioncam_core.engine.records import AttentionResult, Cotangent, Reading, read_shares
from visioncam_engines.tensorflow.graph import attention as cuts
from visioncam_engines.tensorflow.run.passes import Flat, in_batches, take, to_host


def attention(passes: Any, flat: Flat, cotangent: Cotangent | None, reading: Reading) -> AttentionResult:
    """Return the attention of a batch; see `engine.interface.Passes.attention`, `passes` are its own."""
    import tensorflow as tf

    trace, score = passes.trace, passes.score
    found = cuts.find(trace, score)
    head = cuts.head(trace, score, found)
    scored, tail_slope = cuts.tail(trace, score, found)
    back = None if cotangent is None else cuts.backward(trace, score, found, reading != "score")
    count, sides = len(found.weights), len(found.sides)
    scale = 1024.0 if found.blocks[0].dtype == tf.float16 else 1.0

    def one(indices: np.ndarray) -> AttentionResult:
        part, rows = [take(x, indices) for x in flat], len(indices)
        out = head(*part)
        COUNTERS.add("forward", rows)
        weights, blocks, given = out[:count], out[count : 2 * count], out[2 * count : 2 * count + sides]

        def slope_of(values: Any, answer: Any) -> Any:
            assert cotangent is not None
            slope = cotangent(values, indices, answer)
            return tf.cast(tf.convert_to_tensor(slope), tf.float32) * scale

        def block(tokens: Any) -> Any:
            """Return the slope of a block's own score in its tokens."""
            mean = reading == "mean"
            seen = _averaged(tokens, found.tokens) if mean else tokens
            slope = tail_slope(seen, *given, slope_of(*scored(seen, *given)))[0]
            return _averaged(slope, found.tokens) if mean else slope

        gradients: list[Any] = []
        if back is not None:
            slopes = [slope_of(*out[-2:])] if reading == "score" else [block(one) for one in blocks]
            gradients = [tf.cast(G, tf.float32) / scale for G in back(*part, *slopes)]
            COUNTERS.add("forward", rows)
            COUNTERS.add("backward", rows)
        noise = np.random.default_rng(0).standard_normal(out[-2].shape[1:]).astype(np.float32)
        slope = tf.broadcast_to(tf.constant(noise), out[-2].shape)
        read = read_shares(np.asarray(to_host(tail_slope(blocks[-1], *given, slope)[0])), found.tokens)
        return AttentionResult(
            tuple(_apart(A, rows) for A in weights), read, tuple(_apart(G, rows) for G in gradients)
        )

    size = 1 if found.folded or trace.exact else min(passes.budget.plain, len(flat[0]))
    return AttentionResult.joined(in_batches(len(flat[0]), size, one))


def _apart(values: Any, rows: int) -> Any:
    """Return (N, heads, T, T), the heads out of the batch axis."""
    import tensorflow as tf

    return to_host(tf.reshape(values, [rows, -1, *values.shape[-2:]]))


def _averaged(tokens: Any, count: int) -> Any:
    """Return every token replaced by the mean of all."""
    import tensorflow as tf

    check_row(tuple(tokens.shape), count)
    return tf.broadcast_to(tf.reduce_mean(tokens, axis=1, keepdims=True), tokens.shape)
