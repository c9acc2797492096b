"""Metrics that change the picture, against answers known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.metrics import answers, case_of, total, weighted

from visioncam_core.errors import OptionError
from visioncam_core.metrics.measure import judge
from visioncam_metrics.faithfulness.averagedrop import AverageDrop, AverageGain, Increase, win
from visioncam_metrics.faithfulness.correlation import FaithfulnessCorrelation, Infidelity
from visioncam_metrics.faithfulness.deletion import Deletion, Insertion
from visioncam_metrics.faithfulness.road import ROAD, ROADLeast, ROADMost, missing
from visioncam_metrics.support.imputing import DIAGONAL, DIRECT, impute
from visioncam_metrics.support.order import counts, order

X = np.array([[0.4, 0.3], [0.2, 0.1]])


def test_deletion_and_insertion_of_the_sum_by_hand() -> None:
    case = case_of(X, X, total)
    deleted, inserted = Deletion(steps=2)(case), Insertion(steps=2, fill="zero")(case)
    assert deleted.detail == pytest.approx([1, 0.3, 0])
    assert inserted.detail == pytest.approx([0, 0.7, 1])
    assert (deleted.value, inserted.value) == pytest.approx((0.4, 0.6))


def test_steps_that_do_not_divide_keep_their_true_shares() -> None:
    x = np.array([[0.3, 0.25, 0.2, 0.15, 0.1]])
    case = case_of(x, x, total)
    assert counts(5, 3).tolist() == [0, 2, 4, 5]
    assert Deletion(steps=3)(case).value == pytest.approx(0.41)
    assert Insertion(steps=3, fill="zero")(case).value == pytest.approx(0.59)


@pytest.mark.parametrize("steps", [1, 3, 7, 12, 50])
def test_every_step_count_begins_with_nothing_and_ends_with_all(steps: int) -> None:
    taken = counts(12, steps)
    assert (taken[0], taken[-1]) == (0, 12)
    assert (np.diff(taken) >= 0).all()


def test_equal_pixels_go_row_by_row() -> None:
    assert order(np.array([[1.0, 2.0], [2.0, 1.0]])).tolist() == [1, 2, 0, 3]


def test_the_perfect_map_of_a_linear_model_beats_every_order(rng: np.random.Generator) -> None:
    w = rng.uniform(0, 1, (5, 6))
    x = np.ones((5, 6))
    best = case_of(x, w / w.max(), weighted(w))
    deleted, inserted = Deletion(steps=30)(best).value, Insertion(steps=30, fill="zero")(best).value
    for _ in range(200):
        other = case_of(x, rng.uniform(0, 1, w.shape), weighted(w))
        assert Deletion(steps=30)(other).value >= deleted - 1e-9
        assert Insertion(steps=30, fill="zero")(other).value <= inserted + 1e-9


def test_faithfulness_of_a_linear_model_is_one_and_of_its_reverse_minus_one(rng: np.random.Generator) -> None:
    w = rng.uniform(0.1, 1, (6, 7))
    metric = FaithfulnessCorrelation(cell=1, samples=60, score="logit")
    x = np.ones(w.shape)
    assert metric(case_of(x, w / w.max(), weighted(w))).value == pytest.approx(1, abs=1e-6)
    reverse = (w.max() - w) / w.max()
    assert metric(case_of(x, reverse, weighted(w))).value == pytest.approx(-1, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_infidelity_of_a_linear_model_is_zero_at_any_scale(rng: np.random.Generator, scale: float) -> None:
    w, x = rng.uniform(0.1, 1, (6, 7)), rng.uniform(0.5, 2, (6, 7))
    metric = Infidelity(cell=2, samples=60, score="logit")
    assert metric(case_of(x, scale * w, weighted(w), batch=8)) <= 1e-10
    assert metric(case_of(x, np.ones(w.shape), weighted(w * (w > 0.7)))) > 1e-3


@pytest.mark.parametrize(
    ("clean", "masked", "drop", "more", "gain"),
    [(0.8, 0.6, 0.25, 0, 0.0), (0.5, 0.5, 0, 0, 0), (0.4, 0.7, 0, 1, 0.5), (1.0, 0.9, 0.1, 0, np.nan)],
)
def test_drop_increase_and_gain_by_hand(
    clean: float, masked: float, drop: float, more: float, gain: float
) -> None:
    def case() -> object:
        return case_of(X, X / X.max(), answers((clean, masked)))

    assert AverageDrop()(case()) == pytest.approx(drop)
    assert Increase()(case()) == more
    assert AverageGain()(case()) == pytest.approx(gain, nan_ok=True)


def test_a_win_counts_ties_half_and_says_how_many() -> None:
    share, ties = win([0.1, 0.5, 0.3, np.nan], [0.2, 0.4, 0.3, 0.1])
    assert (share, ties) == (0.5, 1)
    assert win([0.2, 0.4, 0.3], [0.1, 0.5, 0.3])[0] == 1 - share


def test_a_map_of_ones_but_one_wins_average_drop_and_gains_nothing() -> None:
    fake = np.ones((10, 10))
    fake[0, 0] = 0
    score = lambda pictures: total(pictures) / 150  # noqa: E731
    case = case_of(np.ones((10, 10)), fake, score)
    assert AverageDrop()(case) <= 0.0101
    assert AverageGain()(case) == 0


def reference_imputation(x: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """Solve the same equations densely, pixel by pixel."""
    height, width = gone.shape
    places = list(zip(*np.nonzero(gone), strict=True))
    A, b = np.zeros((len(places), len(places))), np.zeros((len(places), x.shape[-1]))
    for row, (r, c) in enumerate(places):
        around = {
            (r + dy, c + dx): DIAGONAL if dy and dx else DIRECT
            for dy in (-1, 0, 1)
            for dx in (-1, 0, 1)
            if (dy or dx) and 0 <= r + dy < height and 0 <= c + dx < width
        }
        weight = sum(around.values())
        A[row, row] = 1
        for place, w in around.items():
            if gone[place]:
                A[row, places.index(place)] -= w / weight
            else:
                b[row] += w / weight * x[place]
    filled = x.astype(np.float64)
    filled[gone] = np.linalg.solve(A, b)
    return filled


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("corner", [0, 4])
def test_imputation_solves_the_reference_equations(
    rng: np.random.Generator, channels: int, corner: int
) -> None:
    x = rng.normal(size=(12, 11, channels))
    gone = np.zeros((12, 11), bool)
    gone[corner : corner + 5, corner : corner + 5] = True
    before = x.copy()
    assert np.abs(impute(x, gone) - reference_imputation(x, gone)).max() < 1e-6
    assert np.array_equal(x, before)


def test_imputing_a_plane_gives_the_plane_and_nothing_from_nothing() -> None:
    rows, columns = np.mgrid[:9, :9]
    plane = (rows + 2.0 * columns)[..., None]
    gone = np.zeros((9, 9), bool)
    gone[3:6, 2:7] = True
    assert np.allclose(impute(plane, gone), plane)
    with pytest.raises(ValueError, match="every pixel is missing"):
        impute(plane, np.ones((9, 9), bool))


@pytest.mark.parametrize("percentage", [10, 37, 50, 90])
def test_road_removes_the_nominal_share_of_a_map_that_is_mostly_zero(percentage: float) -> None:
    heat = np.zeros((20, 20))
    heat[5:10, 5:10] = 1
    gone = missing(order(heat), percentage, heat.shape)
    assert abs(int(gone.sum()) - 400 * percentage / 100) <= 1
    assert gone[5:10, 5:10].sum() == min(25, gone.sum())


def test_road_of_the_right_map_is_positive_and_of_its_opposite_the_negative() -> None:
    x = np.zeros((16, 16, 3))
    x[4:8, 4:8] = 1
    score = lambda pictures: pictures[:, 4:8, 4:8].mean(axis=(1, 2, 3))  # noqa: E731
    right = np.linspace(1, 0.5, 256).reshape(16, 16)
    right[4:8, 4:8] += 1
    mine = case_of(x, right, score)
    found = judge(ROAD(percentages=(10.0, 50.0)), mine)
    assert found.value > 0.3
    assert found.value == judge(ROAD(percentages=(10.0, 50.0)), mine).value
    most, least = (judge(one(percentages=(10.0, 50.0)), mine).value for one in (ROADMost, ROADLeast))
    assert found.value == pytest.approx((least - most) / 2)
    assert judge(ROAD(percentages=(10.0, 50.0)), case_of(x, right.max() - right, score)).value < -0.3


@pytest.mark.parametrize(
    "metric",
    [Deletion(steps=9), Insertion(steps=9), AverageDrop(), ROAD(), Infidelity(cell=2)],
)
def test_a_metric_does_not_depend_on_the_batch_size(metric: object, rng: np.random.Generator) -> None:
    x, heat = rng.normal(size=(12, 12, 3)), rng.uniform(size=(12, 12))
    score = lambda pictures: 1 / (1 + np.exp(-pictures.mean(axis=(1, 2, 3), dtype=np.float64)))  # noqa: E731
    found = [judge(metric, case_of(x, heat, score, batch=batch)).value for batch in (1, 3, 8)]
    assert np.isfinite(found).all()
    assert np.ptp(found) <= 1e-6


def test_black_is_known_of_pictures_only() -> None:
    with pytest.raises(OptionError, match="fill='zero'"):
        Deletion(fill="black")(case_of(X, X, total))
    case = case_of(X, X, total, black=np.array([-1.0]))
    assert Deletion(steps=2, fill="black")(case).detail == pytest.approx([1, -1.7, -4])
