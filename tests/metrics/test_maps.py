"""Metrics of the map itself, of places, of other maps, and what has no answer."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from helpers.metrics import answers, case_of, total

from visioncam_core.images.box import Box
from visioncam_core.metrics.measure import judge
from visioncam_core.metrics.result import MetricResult, Switches
from visioncam_core.plugins.default import registry
from visioncam_metrics.axioms.coherency import Coherency
from visioncam_metrics.axioms.sumresidual import SumResidual
from visioncam_metrics.complexity.complexity import Entropy, Sparseness, gini
from visioncam_metrics.faithfulness.adcc import ADCC
from visioncam_metrics.localisation.iou import IoU
from visioncam_metrics.localisation.maxboxacc import MaxBoxAcc
from visioncam_metrics.localisation.pointing import EnergyPointingGame, PointingGame
from visioncam_metrics.randomisation.randomisation import ClassSensitivity, Randomisation
from visioncam_metrics.robustness.sensitivity import MaxSensitivity, NoiseStability, ShiftStability
from visioncam_metrics.support.ssim import ssim

METRICS = registry().metrics()
X = np.zeros((8, 10))


def box(shape: tuple[int, int], top: int, left: int, bottom: int, right: int) -> np.ndarray:
    truth = np.zeros(shape, bool)
    truth[top:bottom, left:right] = True
    return truth


def test_gini_and_entropy_of_uniform_and_one_hot_maps() -> None:
    one = np.zeros((8, 10))
    one[3, 4] = 1
    assert Sparseness()(case_of(X, np.ones((8, 10)))) == pytest.approx(0, abs=1e-12)
    assert Sparseness()(case_of(X, one)) == pytest.approx(79 / 80)
    assert Entropy()(case_of(X, np.ones((8, 10)))) == pytest.approx(np.log(80))
    assert Entropy()(case_of(X, one)) == 0


def test_gini_agrees_with_the_double_loop(rng: np.random.Generator) -> None:
    a = rng.uniform(size=23)
    naive = sum(abs(i - j) for i in a for j in a) / (2 * len(a) * a.sum())
    assert gini(a) == pytest.approx(naive, abs=1e-6)


def test_energy_of_a_uniform_map_is_the_objects_share() -> None:
    truth = box((8, 10), 2, 3, 6, 8)
    found = EnergyPointingGame()(case_of(X, np.ones((8, 10)), truth=truth))
    assert found.value == pytest.approx(20 / 80)
    assert found.uniform == pytest.approx(20 / 80)
    assert EnergyPointingGame()(case_of(X, truth, truth=truth)).value == 1


@pytest.mark.parametrize(("column", "hit"), [(5, 1.0), (8, 1.0), (9, 0.0)])
def test_pointing_hits_up_to_its_tolerance(column: int, hit: float) -> None:
    heat = np.full((8, 10), 0.1)
    heat[3, column] = 1
    case = case_of(X, heat, truth=box((8, 10), 2, 2, 5, 6))
    assert PointingGame(tolerance=3)(case).value == hit


def test_of_equally_strong_pixels_the_first_counts() -> None:
    heat = np.full((8, 10), 0.1)
    heat[0, 0] = heat[7, 9] = 1
    assert PointingGame(tolerance=0)(case_of(X, heat, truth=box((8, 10), 7, 9, 8, 10))).value == 0
    assert PointingGame(tolerance=0)(case_of(X, heat, truth=box((8, 10), 0, 0, 1, 1))).value == 1


def test_boxes_count_pixels() -> None:
    assert Box.around(box((8, 10), 2, 3, 6, 8)) == Box(left=3, top=2, right=8, bottom=6)
    ten, one = Box(left=0, top=0, right=10, bottom=10), Box(left=0, top=0, right=1, bottom=1)
    assert ten.iou(ten) == 1
    assert ten.iou(Box(left=5, top=0, right=15, bottom=10)) == pytest.approx(50 / 150)
    assert one.iou(Box(left=1, top=0, right=2, bottom=1)) == 0
    assert Box(left=1, top=1, right=1, bottom=2).iou(one) == 0


def test_a_perfect_box_is_found_and_the_best_threshold_is_one_for_all() -> None:
    truth = box((8, 10), 2, 3, 6, 8)
    metric = MaxBoxAcc(levels=10)
    perfect = metric(case_of(X, truth, truth=truth))
    assert perfect.value == 1
    low = np.where(truth, 0.25, 0.0)
    low[0, 0] = 1.0  # the object only below 0.25, largest area
    high = np.where(truth, 1.0, 0.5)  # the object only above 0.5
    found = [metric(case_of(X, heat, truth=truth)) for heat in (low, high)]
    assert [one.value for one in found] == [1, 1]
    assert metric.combine(np.stack([one.detail for one in found])) == 0.5
    assert IoU(threshold=0.3)(case_of(X, truth, truth=truth)).value == 1


def test_max_sensitivity_of_a_constant_explainer_is_zero(rng: np.random.Generator) -> None:
    heat = rng.uniform(size=(8, 10))
    case = case_of(rng.normal(size=(8, 10)), heat, maps=lambda x: np.repeat(heat[None], len(x), 0))
    assert MaxSensitivity()(case).value == pytest.approx(0, abs=1e-6)


def test_max_sensitivity_of_a_linear_explainer_has_its_closed_form(rng: np.random.Generator) -> None:
    """Φ(x) = (x₀, x₀): the largest relative change is r / |x₀|."""
    x = np.array([[1.0, 3.0]])
    maps = lambda inputs: np.broadcast_to(inputs[:, 0, :1], (len(inputs), 1, 2))  # noqa: E731
    case = case_of(x, np.ones((1, 2)), maps=maps, raw=np.full((1, 2), 1.0, np.float32))
    reach = 0.1 * 2.0
    found = MaxSensitivity(radius=0.1, samples=500)(case).value
    assert 0.99 * reach < found <= reach + 1e-6
    zero = case_of(x, np.ones((1, 2)), maps=maps, raw=np.zeros((1, 2), np.float32))
    assert MaxSensitivity()(zero).flag == "the map has norm 0"


def test_stability_of_a_map_that_moves_with_the_picture(rng: np.random.Generator) -> None:
    x = rng.uniform(size=(16, 18))
    case = case_of(x, x / x.max(), maps=lambda inputs: inputs[..., 0], raw=x.astype(np.float32))
    assert ShiftStability(shift=2)(case).value == pytest.approx(1)
    assert NoiseStability(sigma=0.0)(case).value == pytest.approx(1)
    stuck = case_of(x, x / x.max(), maps=lambda inputs: np.repeat(x[None], len(inputs), 0))
    assert ShiftStability(shift=2)(stuck).value < 0.5
    assert "too small" in judge(ShiftStability(shift=8), case).flag


def test_coherency_and_adcc_by_hand() -> None:
    heat = np.array([[1.0, 0.5], [0.0, 0.5]])
    same = case_of(np.ones((2, 2)), heat, answers((0.8, 0.4)), maps=lambda x: heat[None])
    assert Coherency()(same) == pytest.approx(1)
    found = ADCC()(same)
    assert found.detail == pytest.approx([1, 0.5, 0.5])
    assert found.value == pytest.approx(3 / (1 + 2 + 2))
    lost = case_of(np.ones((2, 2)), heat, answers((0.8, 0.0)), maps=lambda x: heat[None])
    assert ADCC()(lost).value == 0
    blank = case_of(np.ones((2, 2)), heat, answers((0.8, 0.4)), maps=lambda x: np.zeros((1, 2, 2)))
    assert judge(ADCC(), blank).flag == "not a finite number"


def test_randomisation_is_the_likeness_after_the_last_step(rng: np.random.Generator) -> None:
    mine, other = rng.normal(size=(2, 6, 6))
    cascade = [[mine, mine, -mine], [mine, other, -mine]]
    found = Randomisation()(case_of(X[:6, :6], np.abs(mine), randomised=lambda: cascade))
    assert found.value == pytest.approx(-1)
    assert found.detail is not None
    assert found.detail[0] == pytest.approx(1)
    absolute = Randomisation(similarity="absolute")
    assert absolute(case_of(X[:6, :6], np.abs(mine), randomised=lambda: cascade)).value == pytest.approx(1)
    blank = case_of(X[:6, :6], np.abs(mine), randomised=lambda: [[mine, np.zeros((6, 6))]])
    assert "blank or constant" in Randomisation()(blank).flag
    hollow = case_of(X[:6, :6], np.abs(mine), randomised=lambda: [[mine, np.zeros((6, 6)), other]])
    detail = Randomisation()(hollow).detail  # without a warning, which is an error here
    assert detail is not None
    assert np.isfinite(detail).tolist() == [True, False, True]


def test_ssim_is_one_for_the_same_and_low_for_another(rng: np.random.Generator) -> None:
    one = rng.uniform(size=(20, 20))
    assert ssim(one, one) == pytest.approx(1)
    assert ssim(one, 1 - one) < 0.1


def test_class_sensitivity_and_sum_to_score_by_hand(rng: np.random.Generator) -> None:
    raw = rng.normal(size=(4, 4)).astype(np.float32)
    case = case_of(X[:4, :4], np.abs(raw), raw=raw, rival=lambda: -raw, score=None)
    assert ClassSensitivity()(case) == pytest.approx(-1)
    complete = attrs.evolve(
        case_of(X[:4, :4], np.abs(raw), raw=raw, blank=lambda: 2.0), score=2.0 + float(raw.sum())
    )
    assert SumResidual()(complete) == pytest.approx(0, abs=1e-6)
    assert SumResidual()(attrs.evolve(complete, score=2.0 + 2 * float(raw.sum()))) == pytest.approx(0.5)


@pytest.mark.parametrize("spec", METRICS, ids=lambda spec: spec.name)
def test_a_map_that_is_not_finite_or_blank_is_flagged_and_arrays_stay_as_they_were(
    spec: object, rng: np.random.Generator
) -> None:
    metric = spec.cls()  # type: ignore[attr-defined]
    bad = np.full((8, 10), np.nan)
    truth = box((8, 10), 1, 1, 4, 4)
    assert judge(metric, case_of(X, bad, total, truth=truth)).flag == "the map is not finite"
    if "activations" not in metric.needs:
        assert judge(metric, case_of(X, X, total, truth=truth)).flag == "the map is blank"
    x, heat = rng.normal(size=(32, 32)), rng.uniform(size=(32, 32)).astype(np.float32)
    kept = (x.copy(), heat.copy(), box((32, 32), 1, 1, 9, 9))
    case = case_of(
        x, heat, lambda p: 1 / (1 + np.exp(-p.mean(axis=(1, 2, 3)))), truth=kept[2].copy(),
        maps=lambda inputs: inputs[..., 0], rival=lambda: heat[::-1], blank=lambda: 0.0,
        randomised=lambda: [[heat, heat[::-1]]],
    )  # fmt: skip
    assert judge(metric, case).flag == ""
    assert np.array_equal(case.heat, kept[1])
    assert np.array_equal(case.x[..., 0], kept[0].astype(np.float32))
    assert np.array_equal(case.truth, kept[2])


def test_no_object_is_never_a_hit() -> None:
    heat = np.linspace(0, 1, 80).reshape(8, 10)
    for truth in (None, np.zeros((8, 10), bool)):
        for metric in (PointingGame(), EnergyPointingGame(), IoU(), MaxBoxAcc()):
            assert judge(metric, case_of(X, heat, truth=truth)).flag.startswith("no object is marked")
    constant = case_of(X, np.ones((8, 10)), truth=box((8, 10), 0, 0, 8, 10))
    assert "constant" in judge(PointingGame(), constant).flag


def test_every_metric_carries_ten_switches_and_a_documented_docstring() -> None:
    assert len(attrs.fields(Switches)) == 10
    for spec in METRICS:
        text = spec.cls.__doc__ or ""
        assert isinstance(spec.cls().switches, Switches)
        assert all(heading in text for heading in ("Notes:", "Differences:", "References:")), spec.name
    assert MetricResult.__doc__
