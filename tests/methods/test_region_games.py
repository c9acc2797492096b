"""Methods of regions on games whose values are known in closed form: no network, no framework."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from visioncam_core.errors import OptionError
from visioncam_core.evidence import Attribution, Evidence
from visioncam_methods.region import kernelshap
from visioncam_methods.region.kernelshap import KernelSHAP, design, shapley
from visioncam_methods.region.lime import LIME
from visioncam_methods.region.occlusion import Occlusion
from visioncam_methods.region.partitionshap import PartitionSHAP
from visioncam_methods.region.rise import RISE

Value = Callable[[np.ndarray], np.ndarray]
"""z (L, R) of 0 and 1 -> (L,) scores."""


def evidence(v: Value, space: tuple[int, ...], seed: int = 0, calls: list[int] | None = None) -> Evidence:
    """Return the evidence of a picture of ones, a region each, whose hidden ones are 0."""
    x = np.ones((1, *space, 1))

    def score(pictures: np.ndarray) -> np.ndarray:
        if calls is not None:
            calls.append(len(pictures))
        return v(pictures.reshape(len(pictures), -1))

    return Evidence.from_arrays(x, score=score(x), inputs=x, score_inputs=score, seed=seed)


def table(method: type, v: Value, R: int, seed: int = 0, **options: Any) -> np.ndarray:
    made = method(regions=np.arange(R), hidden="zero", **options)(evidence(v, (R,), seed))
    assert isinstance(made, Attribution)
    np.testing.assert_allclose(made.map[0], made.regions[0].contributions, atol=1e-6)
    return np.asarray(made.regions[0].contributions)


def every(R: int) -> np.ndarray:
    return np.array(list(product([0.0, 1.0], repeat=R)))


def curved(R: int = 12, seed: int = 3) -> Value:
    W = np.random.default_rng(seed).standard_normal((R, 5))
    return lambda z: np.maximum(z @ W, 0).sum(axis=1) + 2 * np.tanh(z[:, 0] * z[:, 5] * z.sum(axis=1))


def test_additive_games_give_each_region_its_own(rng: np.random.Generator) -> None:
    a = rng.standard_normal(9)
    v: Value = lambda z: 0.7 + z @ a  # noqa: E731
    for method, options in (
        (PartitionSHAP, {}),
        (KernelSHAP, {"n": 60}),
        (Occlusion, {}),
        (LIME, {"ridge": 0.0}),
    ):
        np.testing.assert_allclose(table(method, v, 9, **options), a, atol=1e-9, err_msg=method.__name__)
    np.testing.assert_allclose(table(RISE, v, 9, n=40_000), a, atol=0.06)


def test_plain_rise_has_half_the_slope_and_a_constant(rng: np.random.Generator) -> None:
    a = rng.standard_normal(8)
    M = table(RISE, lambda z: 1 + z @ a, 8, n=40_000, centre=False)
    np.testing.assert_allclose(M - M.mean(), (a - a.mean()) / 2, atol=0.03)
    assert M.mean() == pytest.approx(1 + a.sum() / 2 + a.mean() / 2, abs=0.05)  # (1/np) Σ S m


@pytest.mark.parametrize("shape", [(12,), (3, 4)])
def test_pairs_alone_give_one_value_on_any_tree(rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    R = 12
    a, b = rng.standard_normal(R), np.triu(rng.standard_normal((R, R)), 1)
    v: Value = lambda z: z @ a + np.einsum("li,ij,lj->l", z, b, z)  # noqa: E731
    expected = a + (b + b.T).sum(axis=1) / 2
    labels = rng.permutation(R).reshape(shape)
    order: Value = lambda x: v(x[:, np.argsort(labels.ravel())])  # noqa: E731
    for method, options in ((PartitionSHAP, {}), (KernelSHAP, {"n": 5000})):
        made = method(regions=labels, hidden="zero", **options)(evidence(order, shape))
        np.testing.assert_allclose(made.regions[0].contributions, expected, atol=1e-9)


def test_kernel_shap_is_exact_from_all_sets_on_and_fair() -> None:
    v: Value = lambda z: np.maximum(z[:, 0], z[:, 1]) + 3 * z[:, 2] * z[:, 3] * z[:, 4]  # noqa: E731
    expected = [0.5, 0.5, 1, 1, 1, 0]
    np.testing.assert_allclose(table(KernelSHAP, v, 6, n=64), expected, atol=1e-9)
    owen = table(PartitionSHAP, v, 6)
    assert owen.sum() == pytest.approx(4, abs=1e-12)
    assert owen[5] == 0
    np.testing.assert_allclose(owen[:2], 0.5)


@pytest.mark.parametrize("n", [4, 7, 30, 101, 700])
def test_kernel_shap_adds_up_for_any_number_of_draws(n: int) -> None:
    v, calls = curved(), []
    one = evidence(v, (12,), calls=calls)
    (account,) = KernelSHAP(regions=np.arange(12), hidden="zero", n=n)(one).accounts
    assert account.total == pytest.approx(float(v(np.ones((1, 12)))[0] - v(np.zeros((1, 12)))[0]), abs=1e-9)
    assert account.residual == pytest.approx(0, abs=1e-9)
    assert account.samples == sum(calls[1:]) <= n


def test_the_shared_draws_cost_kernel_shap_little(monkeypatch: pytest.MonkeyPatch) -> None:
    v, R = curved(), 12
    Z, w, _ = design(2**R, R, 0)
    ends = v(np.array([[0.0] * R, [1.0] * R]))
    exact = shapley(Z, w, v(Z * 1.0) - ends[0], ends[1] - ends[0])

    def error(n: int) -> float:
        squares = []
        for seed in range(20):
            Z, w, _ = design(n, R, seed)
            squares.append((shapley(Z, w, v(Z * 1.0) - ends[0], ends[1] - ends[0]) - exact) ** 2)
        return float(np.sqrt(np.mean(squares)))

    mixed = [error(n) for n in (100, 400, 1000)]
    shared = kernelshap.fair_pairs
    monkeypatch.setattr(kernelshap, "fair_pairs", lambda count, R, seed: shared(0, R, seed))
    own = [error(n) for n in (100, 400, 1000)]
    assert all(one < 1.5 * other for one, other in zip(mixed, own, strict=True)), (mixed, own)
    assert mixed[2] < mixed[0] / 2


@pytest.mark.parametrize("method", [KernelSHAP, LIME, RISE])
def test_the_standard_error_is_the_spread_over_seeds(method: type) -> None:
    v, found, said, repeats = curved(), [], [], []
    for seed in range(12):
        made = method(regions=np.arange(12), hidden="zero", n=300)(evidence(v, (12,), seed))
        found.append(made.regions[0].contributions)
        said.append(made.accounts[0].error)
        repeats.append(made.accounts[0].repeats)
    spread = np.sqrt(np.var(found, axis=0, ddof=1).mean()) / np.abs(np.mean(found, axis=0)).max()
    assert 0.5 < np.mean(said) / spread < 2
    between = np.corrcoef(found)[np.triu_indices(12, 1)].mean()
    assert np.mean(repeats) == pytest.approx(between, abs=0.05)
    again = method(regions=np.arange(12), hidden="zero", n=300)(evidence(v, (12,), 0))
    np.testing.assert_array_equal(again.regions[0].contributions, found[0])


@pytest.mark.parametrize("method", [KernelSHAP, LIME, RISE])
def test_draws_stop_once_sure_enough_and_at_the_budget(method: type) -> None:
    options = {"regions": np.arange(12), "hidden": "zero"}
    sure = method(**options, n=2000, until=0.15)(evidence(curved(), (12,))).accounts[0]
    assert sure.error <= 0.15
    assert sure.samples < 1000
    never = method(**options, n=300, until=1e-9)(evidence(curved(), (12,))).accounts[0]
    assert 200 < never.samples <= 300
    few = method(**options, n=2000, max_passes=150)(evidence(curved(), (12,))).accounts[0]
    assert few.samples <= 150


def test_lime_without_kernel_and_ridge_is_banzhaf_on_all_sets() -> None:
    v, Z = curved(8), every(8)
    S = v(Z)
    banzhaf = [S[Z[:, r] == 1].mean() - S[Z[:, r] == 0].mean() for r in range(8)]
    found = LIME(width=1e9)._weights(Z, S, 0.0)
    np.testing.assert_allclose(found, banzhaf, atol=1e-9)
    np.testing.assert_allclose(table(RISE, v, 8, n=60_000), banzhaf, atol=0.05)


@pytest.mark.parametrize(("cells", "scores"), [((3, 4), 108), ((4, 4), 172), ((7, 7), 1804), ((8, 8), 2732)])
def test_owen_values_take_so_many_scores(cells: tuple[int, int], scores: int) -> None:
    W = np.random.default_rng(0).standard_normal((cells[0] * cells[1], 4))
    calls: list[int] = []
    regions: Any = "grid:" + str(cells[0]) if cells[0] == cells[1] else np.arange(12).reshape(cells)
    one = evidence(lambda z: np.maximum(z @ W, 0).sum(axis=1), cells, calls=calls)
    (account,) = PartitionSHAP(regions=regions, hidden="zero")(one).accounts
    assert account.samples == sum(calls[1:]) == scores
    assert account.residual == pytest.approx(0, abs=1e-9)
    assert not account.note


def test_a_coarser_tree_gives_the_sums_of_its_nodes_and_says_so() -> None:
    v = curved(16)
    fine = PartitionSHAP(regions="grid:4", hidden="zero")(evidence(v, (4, 4)))
    coarse = PartitionSHAP(regions="grid:4", hidden="zero", max_passes=12)(evidence(v, (4, 4)))
    (one,), (other,) = fine.regions, coarse.regions
    for corner in ([0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]):
        assert one.contributions[corner].sum() == pytest.approx(other.contributions[corner].sum())
        assert np.ptp(other.contributions[corner]) == 0
    assert "16 regions are resolved only in groups: max_passes=12" in str(coarse.accounts[0])
    assert coarse.accounts[0].samples == 12
    part = PartitionSHAP(regions="grid:4", hidden="zero", max_passes=60)(evidence(v, (4, 4)))
    assert part.accounts[0].samples <= 60
    assert part.accounts[0].residual == pytest.approx(0, abs=1e-9)


def test_regions_in_one_place_have_a_tree_too() -> None:
    rings = np.abs(np.arange(9) - 4)  # five around one centre
    a = np.array([1.0, 2, 3, 4, 5])
    v: Value = lambda x: np.stack([x[:, rings == k].mean(axis=1) for k in range(5)], axis=1) @ a  # noqa: E731
    made = PartitionSHAP(regions=rings, hidden="zero")(evidence(v, (9,)))
    np.testing.assert_allclose(made.regions[0].contributions, a, atol=1e-9)


def test_occlusion_covers_every_pixel_with_the_last_window_inside() -> None:
    a = np.random.default_rng(1).standard_normal(10)
    made = Occlusion(window=4, stride=3, hidden="zero")(evidence(lambda z: z @ a, (10,)))
    drops = [a[start : start + 4].sum() for start in (0, 3, 6)]
    expected = [
        np.mean([d for d, s in zip(drops, (0, 3, 6), strict=True) if s <= p < s + 4]) for p in range(10)
    ]
    np.testing.assert_allclose(made.map[0], expected, atol=1e-6)
    made = Occlusion(window=4, stride=4, hidden="zero")(evidence(lambda z: z @ a, (10,)))
    np.testing.assert_allclose(made.map[0, 8:], a[6:10].sum(), atol=1e-6)
    assert made.regions == ()


@pytest.mark.parametrize("side", [14, 30, 101, 160, 224])
def test_occlusion_takes_at_most_13_windows_along_a_side(side: int) -> None:
    covered = Occlusion()._windows((side, side))[1]
    assert len(covered) <= 169
    assert covered.any(axis=0).all()


def test_what_cannot_be_is_refused_with_the_way_out() -> None:
    one = evidence(lambda z: z.sum(axis=1), (6, 6))
    refused: list[tuple[Any, str]] = [
        (Occlusion(window=9), "window=9 and stride=5 cannot cover a side of 6 pixels"),
        (Occlusion(window=2, stride=3), "stride=3"),
        (Occlusion(window=2, regions="grid:2"), "regions=, or window= and stride=, not both"),
        (LIME(regions="grid:2", hidden=np.zeros((3, 6, 6, 1))), "hidden has 3 pictures"),
        (RISE(hidden=np.zeros((3, 6, 6, 1))), "hidden has 3 pictures"),
        (PartitionSHAP(regions="grid:1"), "regions='grid:1' makes 1 region of"),
    ]
    for method, words in refused:
        with pytest.raises(OptionError) as told:
            method(one)
        assert words in str(told.value)


def test_rise_masks_are_pairs_and_its_map_has_the_slope() -> None:
    a = np.zeros((12, 10))
    a[3:6, 2:5] = 1.0
    made = RISE(hidden="zero", n=3000, s=4)(evidence(lambda z: z @ a.ravel(), (12, 10)))
    M = made.map[0]
    assert M[4, 3] == M.max() or np.unravel_index(M.argmax(), M.shape)[0] in range(2, 7)
    assert M[4, 3] > 4 * abs(M[10, 8])
    assert made.accounts[0].repeats > 0.9
    again = RISE(hidden="zero", n=3000, s=4)(evidence(lambda z: z @ a.ravel(), (12, 10), seed=1)).map[0]
    assert np.corrcoef(M.ravel(), again.ravel())[0, 1] == pytest.approx(made.accounts[0].repeats, abs=0.1)


def test_rise_takes_signals_and_volumes() -> None:
    for space in ((40,), (6, 8, 5)):
        made = RISE(hidden="zero", n=64, s=3)(evidence(lambda z: z.sum(axis=1), space))
        assert made.map.shape == (1, *space)
        assert np.isfinite(made.map).all()


def test_what_sets_of_a_size_have_in_common_is_no_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    a = np.random.default_rng(5).random(30)
    v: Value = lambda z: 10 * np.tanh(z.sum(axis=1) / 4) + z @ a  # noqa: E731
    expected = a + 10 * np.tanh(30 / 4) / 30

    def error() -> float:
        found = [table(KernelSHAP, v, 30, seed, n=600) - expected for seed in range(4)]
        return float(np.sqrt(np.mean(np.square(found))))

    taken_off = error()
    monkeypatch.setattr(kernelshap, "_by_size", lambda Z, y, half, halves: 0.0)
    assert taken_off < error() / 2


@pytest.mark.parametrize("R", [2, 3, 4, 5, 6, 9])
def test_kernel_shap_is_exact_or_says_how_sure_it_is(R: int) -> None:
    v: Value = lambda z: np.maximum(z.sum(axis=1) - 1.5, 0) + z[:, 0]  # noqa: E731
    exact = table(KernelSHAP, v, R, n=2**R)
    for n in range(4, min(2**R, 80) + 2):
        made = KernelSHAP(regions=np.arange(R), hidden="zero", n=n)(evidence(v, (R,)))
        (account,), (told,) = made.accounts, made.regions
        assert account.samples <= n
        if account.error is None:
            np.testing.assert_allclose(told.contributions, exact, atol=1e-5)
        elif n < 6:
            assert (account.error, account.repeats) == (1.0, 0.0)
