"""The blocks of a transformer in any graph: where each hands its tokens on to the next."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence

import attrs

from visioncam_core.errors import LayerError
from visioncam_core.text import listing

OTHER = "choose a gradient method, such as GradCAM"


@attrs.frozen
class Step:
    """One step of a graph.

    Attributes:
        reads, makes: its values.
        adds: it is a sum of two values.
    """

    reads: tuple[Hashable, ...]
    makes: tuple[Hashable, ...]
    adds: bool = False


def streams(
    steps: Sequence[Step],
    weights: Sequence[Hashable],
    goals: Collection[Hashable],
    holds_tokens: Callable[[Hashable], bool],
) -> list[Hashable]:
    """Return, for each block, the value by which its tokens are handed on: the output of the block.

    It is the last value on every way from the block's attention to the score that the next block's attention
    is computed from; behind the last block the last sum of a value and what was computed from it, in front of
    the final norm and the head.

    Args:
        steps: the graph, in the order of the computation.
        weights: each block's attention weights, in call order.
        goals: what the score is read from.
        holds_tokens: whether a value has the features of every token.

    Raises:
        LayerError: the blocks do not follow one another.
    """
    made_by = {value: number for number, step in enumerate(steps) for value in step.makes}

    def before(values: Collection[Hashable]) -> set[Hashable]:
        found, waiting = set(values), list(values)
        while waiting:
            number = made_by.get(waiting.pop())
            for value in () if number is None else steps[number].reads:
                if value not in found:
                    found.add(value)
                    waiting.append(value)
        return found

    wanted, found = before(goals), []
    for number, start in enumerate(weights):
        every = [one for one in _gates(steps, made_by[start], wanted, goals) if holds_tokens(one)]
        if not every:
            raise LayerError(
                "attention here is not between tokens passed from block to block, but between channels, as "
                f"in XCiT, or parts internal to a block; {OTHER}"
            )
        if number + 1 < len(weights):
            ahead = before([weights[number + 1]])
            every = [one for one in every if one in ahead]
        else:
            every = [one for one in every if _is_residual(steps[made_by[one]], before)]
        if not every:
            raise LayerError(
                f"block {number + 1} of {len(weights)} of this model does not pass its tokens to the next "
                f"one, or to the head, as a single tensor; {OTHER}"
            )
        found.append(every[-1])
    return found


def _gates(
    steps: Sequence[Step], first: int, wanted: set[Hashable], goals: Collection[Hashable]
) -> list[Hashable]:
    """Return the values that every way from a step to the goals goes through, in order.

    Such a value is the only one of those made so far that is still read after it was made.
    """
    last = dict.fromkeys(goals, len(steps))
    for number, step in enumerate(steps):
        if not wanted.isdisjoint(step.makes):
            last.update((value, max(number, last.get(value, 0))) for value in step.reads)
    inside, found = set(steps[first].makes), []
    reach = max(last.get(value, 0) for value in inside)
    for number in range(first + 1, len(steps)):
        step = steps[number]
        made = [value for value in step.makes if value in wanted]
        if not made or inside.isdisjoint(step.reads):
            continue
        inside.update(made)
        if reach <= number and len(made) == 1:
            found.append(made[0])
        reach = max(reach, *(last.get(value, 0) for value in made))
    return found


def _is_residual(step: Step, before: Callable[[Collection[Hashable]], set[Hashable]]) -> bool:
    """Whether a step adds to a value what was computed from it; a norm's own sum does not."""
    if not step.adds or len(step.reads) != 2:
        return False
    one, other = step.reads
    return one in before([other]) or other in before([one])


def check_sizes(shapes: Sequence[tuple[int, ...]], windows: Sequence[int]) -> None:
    """Raise `LayerError` unless there is attention, each between all tokens of the picture.

    Args:
        shapes: (queries, keys) of each softmax that weighs a product; a single query is that of a head.
        windows: lengths of attention inside windows.
    """
    if windows:
        raise LayerError(
            f"attention here is inside windows of {listing(sorted(set(windows)))} tokens: there is no T × T "
            f"over the picture; {OTHER}"
        )
    if not any(queries == keys for queries, keys in shapes):
        raise LayerError(
            "no attention was found in this model, a softmax of (N, heads, T, T) that weighs a product; "
            f"{OTHER}"
        )
    pairs = sorted({f"{queries} × {keys}" for queries, keys in shapes if queries > 1})
    if len(pairs) > 1:
        raise LayerError(
            f"the blocks' attention has several sizes ({', '.join(pairs)}) and cannot be followed through; "
            f"{OTHER}"
        )


def check_row(shape: Sequence[int], tokens: int) -> None:
    """Raise `LayerError` unless a block's output is (N, T, K), of which a mean over tokens can be taken."""
    if len(shape) != 3 or shape[1] != tokens:
        raise LayerError(
            f"the blocks' tokens have the shape {tuple(shape)}, which is not a sequence of {tokens} "
            "tokens; read them as the model does, with pool='model'"
        )
