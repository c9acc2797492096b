"""Rollout, attention gradient and LeGrad on attention whose maps can be worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.attention import close, golden

import visioncam
from visioncam_core.engine.layer_table import LayerRow, LayerTable, Layout
from visioncam_core.engine.records import AttentionResult, read_shares
from visioncam_core.errors import LayerError, PluginError
from visioncam_core.evidence import Attention, Evidence
from visioncam_core.pipeline.attention import attention_on
from visioncam_methods.attention.attentiongradient import AttentionGradient
from visioncam_methods.attention.legrad import LeGrad
from visioncam_methods.attention.rollout import Rollout

GRID, TOKENS = (2, 3), 7


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def attention(blocks: int = 3, heads: int = 2, seed: int = 0, **options: Any) -> Attention:
    rng = np.random.default_rng(seed)
    weights = [softmax(rng.standard_normal((2, heads, TOKENS, TOKENS))) for _ in range(blocks)]
    gradients = [rng.standard_normal(A.shape) for A in weights]
    return Attention(weights, GRID, 1, **{"gradients": gradients, **options})


def evidence(one: Attention) -> Evidence:
    return Evidence.from_arrays(np.zeros((len(one.weights[0]), *one.grid, 4)), attention=one)


def test_rollout_shares_out_all_of_the_class_token() -> None:
    one = attention()
    whole = Attention(one.weights, (TOKENS,), read=one.read)  # every token is on the map
    close(Rollout()(evidence(whole)).sum(1), np.ones(2), 1e-6)
    close(Rollout()(evidence(one)), Rollout()(evidence(whole))[:, 1:].reshape(2, *GRID), 1e-6)


def test_rollout_of_one_block_by_hand() -> None:
    one = attention(blocks=1)
    expected = (one.weights[0].mean(1) / 2)[:, 0, 1:].reshape(2, *GRID)
    close(Rollout()(evidence(one)), expected, 1e-6)


def test_rollout_of_a_head_that_sees_itself_alone_is_nothing() -> None:
    itself = Attention([np.eye(TOKENS)[None, None]] * 2, GRID, 1)
    assert not Rollout()(evidence(itself)).any()


def test_rollout_takes_blocks_in_order() -> None:
    one = attention()
    backwards = Attention(one.weights[::-1], GRID, 1)
    assert np.abs(Rollout()(evidence(one)) - Rollout()(evidence(backwards))).max() > 1e-3


def test_attention_gradient_by_hand_and_at_least_the_identity() -> None:
    one = attention(blocks=2, heads=1)
    (first, second) = (np.maximum(A * G, 0)[:, 0] for A, G in zip(one.weights, one.gradients, strict=True))
    relevance = first + second + second @ first
    close(AttentionGradient()(evidence(one)), relevance[:, 0, 1:].reshape(2, *GRID), 1e-6)
    assert AttentionGradient()(evidence(one)).min() >= 0


def test_heads_are_averaged_behind_the_relu() -> None:
    A = np.full((1, 2, TOKENS, TOKENS), 1 / TOKENS)
    G = np.stack([np.ones((TOKENS, TOKENS)), -np.ones((TOKENS, TOKENS))])[None]
    one = Attention([A], GRID, 1, gradients=[G])
    close(AttentionGradient()(evidence(one)), np.full((1, *GRID), 1 / TOKENS / 2), 1e-6)
    close(LeGrad()(evidence(one)), np.full((1, *GRID), 0.5), 1e-6)


@pytest.mark.parametrize("method", [AttentionGradient(), LeGrad(), LeGrad(pool="mean")])
def test_no_gradient_is_a_map_of_zeros(method: Any) -> None:
    for read in (attention().read, np.full((2, TOKENS), 1 / TOKENS)):  # also where patches are pooled
        one = attention(gradients=[np.zeros((2, 2, TOKENS, TOKENS))] * 3, read=read)
        assert not method(evidence(one)).any()


def test_legrad_scales_with_the_score_and_attention_gradient_does_not() -> None:
    one = attention()
    twice = Attention(one.weights, GRID, 1, gradients=[2 * G for G in one.gradients])
    close(LeGrad()(evidence(twice)), 2 * LeGrad()(evidence(one)), 1e-6)
    maps = [AttentionGradient()(evidence(each)) for each in (one, twice)]
    assert np.abs(maps[1] - 2 * maps[0]).max() > 1e-2


def test_legrad_by_hand() -> None:
    one = attention()
    mean = np.mean([np.maximum(G, 0).mean(1).mean(1) for G in one.gradients], axis=0)
    close(LeGrad()(evidence(one)), mean[:, 1:].reshape(2, *GRID), 1e-6)


def test_stored_attention_gives_the_maps_of_chefer() -> None:
    G = golden()
    stored = [[G[f"{name}{b}"] for b in range(2)] for name in ("attention", "attention_gradient")]
    one = evidence(Attention(stored[0], (3, 4), 1, gradients=stored[1]))
    close(Rollout()(one), G["rollout"], 1e-5)
    close(AttentionGradient()(one), G["gae_chefer2021"], 1e-5)


@pytest.mark.parametrize("method", [Rollout(), AttentionGradient(), LeGrad()])
def test_a_batch_is_its_pictures(method: Any) -> None:
    whole = evidence(attention())
    close(np.concatenate([method(one) for one in whole.each()]), method(whole), 1e-6)


def test_the_registry_names_them() -> None:
    rows = {row.name: row for row in visioncam.methods()}
    assert rows["attentiongradient"].aliases == ("gae", "chefer")
    assert [rows[name].cls for name in ("rollout", "legrad")] == [Rollout, LeGrad]
    assert Rollout.class_blind
    assert not hasattr(LeGrad, "class_blind")


# ---- what is refused


def test_attention_of_other_tokens() -> None:
    with pytest.raises(LayerError, match=r"1 \+ 2×3 \+ 0 tokens .* \(N, heads, 7, 7\)"):
        Attention([np.zeros((1, 1, 8, 8))], GRID, 1)
    with pytest.raises(LayerError, match="received none"):
        Attention([], GRID, 1)


def test_gradients_that_nobody_asked_for() -> None:
    with pytest.raises(PluginError, match=r"3 blocks and gradients of 0; ask for evidence.attention"):
        LeGrad()(evidence(attention(gradients=())))
    with pytest.raises(PluginError, match=r"pass attention= to Evidence.from_arrays"):
        Rollout()(Evidence.from_arrays(np.zeros((1, 2, 3, 4))))


def table(*layouts: Layout | None) -> LayerTable:
    rows = [
        LayerRow(f"layer{i}", f"layer{i}", "Block", (7, 4), layout, (8.0, 8.0), (0,), True)
        for i, layout in enumerate(layouts)
    ]
    return LayerTable(tuple(rows), (16, 24), "model")


def test_tokens_are_those_of_a_layer_of_tokens() -> None:
    result = AttentionResult((np.zeros((1, 1, 7, 7)),), np.zeros((1, 7)))
    tokens, grid = Layout("tokens", GRID, 4, 1), Layout("grid", GRID, 4)
    found = attention_on(result, table(tokens, grid, None), GRID)
    assert (found.prefix, found.suffix) == (1, 0)
    assert not found.weights[0].flags.writeable
    behind = attention_on(result, table(Layout("tokens", GRID, 4, 0, 1)), GRID)
    assert (behind.prefix, behind.suffix) == (0, 1)
    six = AttentionResult((np.zeros((1, 1, 6, 6)),), np.zeros((1, 6)))
    assert attention_on(six, table(grid), GRID).prefix == 0
    with pytest.raises(
        LayerError, match=r"between 7 tokens, and the layer has 4×6 positions; choose a layer of 2×3"
    ):
        attention_on(result, table(tokens, grid), (4, 6))
    with pytest.raises(LayerError, match="no layer of this model shows which of them the tokens are"):
        attention_on(result, table(grid), GRID)


def test_tokens_without_a_gradient_are_not_read() -> None:
    slopes = np.zeros((2, 7, 4))
    slopes[0, 0] = slopes[1, 2:4] = -3
    close(read_shares(slopes, 7), np.array([[1, 0, 0, 0, 0, 0, 0], [0, 0, 0.5, 0.5, 0, 0, 0]]), 1e-6)
