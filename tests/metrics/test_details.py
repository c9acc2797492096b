"""Details of the metrics that no other test would miss: each was broken once, and only these tests saw it."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from helpers.metrics import answers, case_of, total

from visioncam_metrics.axioms.coherency import Coherency
from visioncam_metrics.complexity.complexity import Complexity, gini
from visioncam_metrics.faithfulness.averagedrop import AverageGain
from visioncam_metrics.faithfulness.road import missing, removal
from visioncam_metrics.localisation.iou import IoU
from visioncam_metrics.randomisation.randomisation import Randomisation
from visioncam_metrics.robustness.sensitivity import MaxSensitivity
from visioncam_metrics.support.fills import fill_picture
from visioncam_metrics.support.imputing import impute
from visioncam_metrics.support.order import order


def test_gain_is_measured_against_the_exact_remainder() -> None:
    sure = attrs.evolve(
        case_of(np.ones((2, 2)), np.ones((2, 2)), answers((1.0, 1.0))), probability=1.0, remainder=1e-9
    )
    assert AverageGain()(sure) == 1  # of what was left, all is gained


def test_the_gini_index_of_a_signed_map_is_that_of_its_size() -> None:
    a = np.array([-3.0, 1.0, 2.0, -0.5])
    assert gini(a) == gini(np.abs(a)) == pytest.approx(8.5 / 26)


def test_the_mean_is_each_channels_own() -> None:
    x = np.stack([np.arange(6.0).reshape(2, 3), np.full((2, 3), 7.0)], axis=-1)
    fill = fill_picture(case_of(x, np.ones((2, 3))), "mean")
    assert np.array_equal(fill, np.broadcast_to([2.5, 7.0], (2, 3, 2)))


def test_the_blur_is_a_mirrored_kernel_of_eleven_in_each_channel(rng: np.random.Generator) -> None:
    x = rng.normal(size=(13, 17, 2))
    weights = np.exp(-(np.arange(-5.0, 6.0) ** 2) / (2 * 5.0**2))
    kernel = np.outer(weights, weights) / weights.sum() ** 2
    padded = np.pad(x, ((5, 5), (5, 5), (0, 0)), mode="reflect")
    wanted = np.array(
        [[np.tensordot(kernel, padded[i : i + 11, j : j + 11]) for j in range(17)] for i in range(13)]
    )
    assert np.abs(fill_picture(case_of(x, np.ones((13, 17))), "blur") - wanted).max() < 1e-5


def test_a_missing_pixel_is_a_sixth_of_those_beside_it_and_a_twelfth_of_its_corners() -> None:
    gone = np.zeros((3, 3), bool)
    gone[1, 1] = True
    beside, corner = np.zeros((2, 3, 3, 1))
    beside[0, 1] = corner[0, 0] = 12
    assert impute(beside, gone)[1, 1, 0] == pytest.approx(2)
    assert impute(corner, gone)[1, 1, 0] == pytest.approx(1)


@pytest.mark.parametrize("span", [1.0, 50.0])
def test_road_adds_noise_in_ranges_of_the_picture_and_to_filled_pixels_only(
    rng: np.random.Generator, span: float
) -> None:
    x, heat = span * rng.uniform(size=(24, 24, 3)).astype(np.float32), rng.uniform(size=(24, 24))
    seen: list[np.ndarray] = []

    def score(pictures: np.ndarray) -> np.ndarray:
        seen.append(pictures.copy())
        return total(pictures)

    case = case_of(x, heat, score)
    removal(case, (50.0,), 0.01)
    gone = missing(order(case.heat), 50.0, heat.shape)
    added = seen[-1][0] - impute(case.x, gone)
    assert np.array_equal(seen[-1][0][~gone], case.x[~gone])
    assert added[gone].std() == pytest.approx(0.01 * np.ptp(x), rel=0.1)


def test_the_union_counts_what_lies_outside_the_object() -> None:
    truth = np.zeros((4, 4), bool)
    truth[:2] = True
    assert IoU(threshold=0.5)(case_of(np.zeros((4, 4)), np.ones((4, 4)), truth=truth)).value == 0.5


def test_max_sensitivity_looks_to_both_sides() -> None:
    """Φ(x) = min(x, 1) at x = 1 moves only when the picture gets darker."""
    x = np.array([[1.0, 3.0]])
    for maps in (
        lambda inputs: np.minimum(inputs[:, :, :1, 0], 1),
        lambda inputs: np.maximum(inputs[:, :, :1, 0], 1),
    ):
        case = case_of(x, np.ones((1, 2)), maps=maps, raw=np.ones((1, 1), np.float32))
        assert 0.18 < MaxSensitivity(radius=0.1, samples=200)(case).value <= 0.2 + 1e-6


def test_the_opposite_map_is_not_coherent() -> None:
    heat = np.array([[1.0, 0.5], [0.0, 0.5]])
    opposite = case_of(np.ones((2, 2)), heat, answers((0.8, 0.4)), maps=lambda x: 1 - heat[None])
    assert Coherency()(opposite) == pytest.approx(0, abs=1e-6)
    signed = case_of(
        np.ones((2, 2)), heat, answers((0.8, 0.4)), maps=lambda x: heat[None] - 5 * (heat[None] == 0)
    )
    assert Coherency()(signed) == pytest.approx(1)  # negative evidence is no part of the map


def test_every_seed_of_the_randomisation_counts(rng: np.random.Generator) -> None:
    mine = rng.normal(size=(6, 6))
    case = case_of(np.zeros((6, 6)), np.abs(mine), randomised=lambda: [[mine, -mine], [mine, mine]])
    assert Randomisation()(case).value == pytest.approx(0)


def test_complexity_is_a_share_of_the_picture() -> None:
    assert Complexity()(case_of(np.zeros((2, 4)), np.tile([0.25, 0.75], (2, 2)))) == 0.5
