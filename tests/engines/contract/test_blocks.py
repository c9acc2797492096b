"""Where the blocks of a transformer hand on their tokens, on graphs drawn by hand."""

from __future__ import annotations

from typing import Any

import pytest

from visioncam_core.engine.default_passes import PassesDefaults
from visioncam_core.engine.graph.blocks import Step, check_row, check_sizes, streams
from visioncam_core.errors import LayerError


def graph(*lines: str) -> list[Step]:
    """Return steps written as `made made = read read`, or `made = read + read`."""
    found = []
    for line in lines:
        made, read = line.split(" = ")
        found.append(Step(tuple(one for one in read.split() if one != "+"), tuple(made.split()), "+" in read))
    return found


def block(n: int, before: str) -> list[str]:
    return [
        f"n{n} = {before}",
        f"A{n} = n{n}",
        f"o{n} = A{n} n{n}",
        f"y{n} = {before} + o{n}",
        f"m{n} = y{n}",
        f"x{n} = y{n} + m{n}",
    ]


NORM = ("mean = x2", "scaled = x2 mean", "shift = mean bias", "normed = scaled + shift")


def found(
    steps: list[Step], weights: Any = ("A1", "A2"), goals: Any = ("z",), tokens: Any = None
) -> list[Any]:
    return streams(steps, weights, set(goals), lambda value: tokens is None or value in tokens)


def test_a_block_ends_where_the_next_one_begins() -> None:
    steps = graph("t = x", *block(1, "t"), *block(2, "x1"), *NORM, "z = normed", "p = z")
    assert found(steps) == ["x1", "x2"]
    assert found(steps, goals=("z", "p")) == ["x1", "x2"]


def test_a_norm_behind_the_sum_is_of_the_block_but_the_last() -> None:
    steps = graph("t = x", *block(1, "t"), "l = x1", *block(2, "l"), "z = x2")
    assert found(steps) == ["l", "x2"]


def test_an_attention_that_is_one_step() -> None:
    steps = graph("t = x", "o1 A1 = t", "x1 = t + o1", "o2 A2 = x1", "x2 = x1 + o2", "z = x2")
    assert found(steps) == ["x1", "x2"]


def test_the_last_sum_of_all_tokens() -> None:
    steps = graph("t = x", *block(1, "t"), *block(2, "x1"), "c = x2", "f = c", "d = c + f", "z = d")
    assert found(steps, tokens={"x1", "y1", "x2", "y2"}) == ["x1", "x2"]
    assert found(steps) == ["x1", "d"]  # were it of all tokens


def test_blocks_side_by_side_do_not_follow_one_another() -> None:
    steps = graph("t = x", *block(1, "t"), *block(2, "t"), "s = x1 + x2", "z = s")
    with pytest.raises(LayerError, match="block 1 of 2 of this model does not pass its tokens"):
        found(steps)


def test_no_sum_behind_the_last_block() -> None:
    with pytest.raises(LayerError, match="block 1 of 1"):
        found(graph("n = x", "A1 = n", "o = A1 n", "z = o"), ["A1"])


def test_nothing_of_all_tokens() -> None:
    with pytest.raises(LayerError, match="channels, as in XCiT"):
        found(graph("t = x", *block(1, "t"), "z = x1"), ["A1"], tokens=())


def test_sizes_that_can_be_followed() -> None:
    check_sizes([(7, 7), (7, 7), (1, 8)], [])  # a head's own query
    with pytest.raises(LayerError, match=r"several sizes \(4 × 4, 7 × 7\)"):
        check_sizes([(7, 7), (4, 4)], [])
    with pytest.raises(LayerError, match=r"several sizes \(196 × 49, 49 × 49\)"):
        check_sizes([(196, 49), (49, 49)], [])
    with pytest.raises(LayerError, match="no attention was found"):
        check_sizes([(1, 8)], [])
    with pytest.raises(LayerError, match="inside windows of 49 tokens"):
        check_sizes([(49, 49)], [49])


def test_only_tokens_in_a_row_have_a_mean() -> None:
    check_row((2, 7, 4), 7)
    with pytest.raises(
        LayerError, match=r"\(2, 7, 7, 4\), which is not a sequence of 49 tokens.* pool='model'"
    ):
        check_row((2, 7, 7, 4), 49)


def test_an_engine_that_shows_none_says_so() -> None:
    with pytest.raises(LayerError, match="does not show attention weights"):
        PassesDefaults.attention(None, [])  # type: ignore[arg-type]
