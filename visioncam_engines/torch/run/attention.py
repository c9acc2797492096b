"""Attention weights of a model on tape, and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.graph.blocks import check_row
from visioncam_core.engine.records import AttentionResult, Cotangent, Reading, read_shares
from visioncam_core.errors import GradientError
from visioncam_engines.torch.run.memory import in_batches, to_host
from visioncam_engines.torch.run.order import at_once
from visioncam_engines.torch.tape.attention import Opened, opened
from visioncam_engines.torch.tape.model_trace import at_rest


def attention(passes: Any, flat: list[Any], cotangent: Cotangent | None, reading: Reading) -> AttentionResult:
    """Return the attention of a batch; see `engine.interface.Passes.attention`, `passes` are its own."""
    found = opened(passes.trace)
    fetches = passes.score.fetches
    blocks = found.streams(fetches)
    sides = found.trace.once(
        ("sides", blocks[-1], fetches), lambda: found.trace.frontier(blocks[-1], fetches)
    )
    head = found.trace.cut(found.trace.inputs, [*found.weights, *blocks, *sides])
    tail = found.trace.cut([blocks[-1], *sides], fetches)
    count = len(found.weights)
    scale = 1024.0 if found.trace.dtypes[blocks[0]] == torch.float16 else 1.0

    def one(indices: np.ndarray) -> AttentionResult:
        part, rows = passes.taken(flat, indices), len(indices)
        with at_rest(cotangent is not None):
            made = head(rows, *part)
            weights, outputs, given = made[:count], made[count : 2 * count], made[2 * count :]
            COUNTERS.add("forward", rows)
        with at_rest(True):
            held = [side.detach() for side in given]

            def scored(tokens: Any, others: list[Any] = held) -> tuple[Any, Any]:
                return passes.score.read(tail(rows, tokens, *others))

            def slope_of(values: Any, answer: Any) -> Any:
                assert cotangent is not None
                slope = cotangent(values.detach(), indices, answer.detach())
                return torch.as_tensor(slope, device=values.device).to(values.dtype) * scale

            def block(tokens: Any) -> Any:
                """Return the gradient of a block's own score in its tokens."""
                leaf = tokens.detach().requires_grad_()
                values, answer = scored(_averaged(leaf, found.tokens) if reading == "mean" else leaf)
                return _slopes(values, [leaf], slope_of(values, answer))[0]

            read = _read(found, outputs[-1], scored)
            gradients: tuple[Any, ...] = ()
            if cotangent is not None and reading == "score":
                values, answer = scored(outputs[-1], given)
                gradients = _slopes(values, weights, slope_of(values, answer))
                COUNTERS.add("backward", rows)
            elif cotangent is not None:
                gradients = tuple(
                    _slopes(tokens, [A], block(tokens))[0] for A, tokens in zip(weights, outputs, strict=True)
                )
                COUNTERS.add("backward", rows)
        return AttentionResult(
            tuple(_apart(A, rows) for A in weights),
            read,
            tuple(_apart(G if scale == 1 else G.float() / scale, rows) for G in gradients),
        )

    size = 1 if found.folded else at_once(passes, passes.trace.inputs)
    return AttentionResult.joined(in_batches(len(flat[0]), size, one))


def _apart(values: Any, rows: int) -> Any:
    """Return (N, heads, T, T), the heads out of the batch axis."""
    return to_host(values.reshape(rows, -1, *values.shape[-2:]))


def _averaged(tokens: Any, count: int) -> Any:
    """Return every token replaced by the mean of all."""
    axis = _axis(tokens, count)
    if axis is None:
        check_row(tokens.shape, count)
    return tokens.mean(axis, keepdim=True).expand_as(tokens)


def _axis(tokens: Any, count: int) -> int | None:
    """Return the axis of (N, T, K) or (T, N, K) that has the tokens."""
    return next((axis for axis in (1, 0) if tokens.dim() == 3 and tokens.shape[axis] == count), None)


def _slopes(values: Any, leaves: list[Any], slope: Any) -> tuple[Any, ...]:
    try:
        found = torch.autograd.grad(values, leaves, slope, retain_graph=True)
    except RuntimeError as error:
        if "not require grad" not in str(error) and "not have been used" not in str(error):
            raise
        raise GradientError(
            "the score has no gradient in this model's attention: a step between them cannot be "
            "differentiated; choose rollout, which needs none"
        ) from error
    return tuple(found)


def _read(found: Opened, tokens: Any, scored: Any) -> np.ndarray:
    """Return which of the last block's tokens the score reads: those in which it has a gradient."""
    leaf = tokens.detach().requires_grad_()
    values, _ = scored(leaf)
    noise = np.random.default_rng(0).standard_normal(tuple(values.shape[1:])).astype(np.float32)
    slope = torch.as_tensor(noise, device=values.device, dtype=values.dtype).expand_as(values)
    slopes = _slopes(values, [leaf], slope)[0].float()
    slopes = slopes.movedim(1, 0) if _axis(slopes, found.tokens) == 0 else slopes
    return read_shares(slopes.cpu().numpy(), found.tokens)
