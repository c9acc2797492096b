"""Results with intervals, tables that refuse each other, and the hook that brings metrics."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
from helpers.cli import run
from scipy import stats

import visioncam
from visioncam_core.errors import NameNotFoundError, OptionError, PluginError
from visioncam_core.metrics.case import Case
from visioncam_core.metrics.chance import chances, enough, fewest, signs
from visioncam_core.metrics.intervals import _gaffke, interval
from visioncam_core.metrics.result import Measured, MetricResult, Switches, comparable, difference
from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.plugins.registry import Registry
from visioncam_core.plugins.specs import MetricSpec
from visioncam_metrics.faithfulness.deletion import Deletion
from visioncam_metrics.localisation.maxboxacc import MaxBoxAcc

NAN = float("nan")


@attrs.frozen
class Brightness:
    """How bright the map is."""

    needs: ClassVar[frozenset[str]] = frozenset()

    @property
    def switches(self) -> Switches:
        return Switches(score="the model is not run")

    def __call__(self, case: Case) -> float:
        return float(case.heat.mean())


ROW = MetricSpec("brightness", Brightness, "Brightness", "neither", "nobody", "how bright it is")


def result(values: list[float], metric: Any = None, method: str = "a", **names: str) -> MetricResult:
    metric = Deletion() if metric is None else metric
    measured = [Measured(value, "no answer" if np.isnan(value) else "") for value in values]
    settings = {"name": "deletion", "title": "Deletion", "better": "lower"} | names
    return MetricResult.of(metric, measured, method=method, **settings)


def test_flagged_pictures_are_counted_and_left_out() -> None:
    found = result([0.2, NAN, 0.4])
    assert (found.mean, found.flagged) == (pytest.approx(0.3), 1)
    assert found.interval().count == 2
    nothing = result([NAN, NAN])
    assert np.isnan(nothing.mean)
    assert nothing.interval().count == 0


def test_the_interval_fits_the_metric_and_its_numbers(rng: np.random.Generator) -> None:
    even = rng.normal(0.5, 0.1, 12)
    assert interval(even).how == "t"
    assert interval(even) == interval(even)
    hits = interval(np.ones(12), (0, 1))
    assert (hits.how, hits.low, hits.high) == ("Clopper-Pearson", pytest.approx(0.7354, abs=1e-4), 1)
    turned = interval(np.full(12, -1.0), (-1, 1))
    assert (turned.low, turned.high) == (-1, pytest.approx(1 - 2 * 0.7354, abs=1e-3))
    mostly = np.array([0, 0, 0, 0, 0.3, 0.7])
    assert interval(mostly).how == "no valid interval"
    assert np.isnan(interval(mostly).low)
    bounded = interval(mostly, (0, 1))
    assert (bounded.how, bounded.high > 0.5) == ("Gaffke", True)
    assert interval(mostly * 3, (0, 1)).how == "no valid interval"  # not within the bounds it says
    assert result([0.1, 0.2, 0.4, 0.5]).interval().how == "t"


def test_gaffkes_interval_of_hits_is_that_of_clopper_and_pearson() -> None:
    hits = np.array([1.0] * 9 + [0.0] * 3)
    exact, drawn = interval(hits, (0, 1)), _gaffke(hits, (0, 1), 0.95)
    assert drawn == pytest.approx([exact.low, exact.high], abs=0.02)


def test_sign_flips_are_exact_up_to_sixteen_pictures_and_drawn_beyond() -> None:
    flips = signs(6)
    assert (flips.shape, set(flips[0])) == ((64, 6), {1.0})
    assert len({tuple(row) for row in flips}) == 64
    assert chances(flips @ np.ones((6, 1)), together=False) == [1 / 64]
    gain = np.array([[0.3], [-0.1], [0.5], [0.2], [0.1], [-0.2]])
    exact = stats.permutation_test(
        (gain[:, 0],), np.mean, permutation_type="samples", alternative="greater", n_resamples=np.inf
    )
    assert chances(flips @ gain, together=False) == [exact.pvalue]
    assert signs(17).shape == (10_000, 17)
    assert chances(signs(40) @ np.ones((40, 1)), together=False) == [1 / 10_000]  # one is added, never 0


def test_together_is_dearer_by_how_unlike_the_methods_are(rng: np.random.Generator) -> None:
    alike = np.repeat(rng.normal(1.5, 1, (8, 1)), 9, axis=1)
    alone = chances(signs(8) @ alike, together=False)
    assert chances(signs(8) @ alike, together=True) == pytest.approx(alone)  # one method nine times is one
    unlike = rng.normal(1.5, 1, (8, 9))
    alone, corrected = (chances(signs(8) @ unlike, together=both) for both in (False, True))
    assert (corrected >= alone).all()
    assert corrected.sum() > 1.5 * alone.sum()
    assert (fewest(), fewest(9)) == (6, 9)


def test_how_many_pictures_would_do(rng: np.random.Generator) -> None:
    gain = rng.normal(0.5, 1, 4000)
    assert enough(gain, 1) == pytest.approx(((1.96 + 0.84) / 0.5) ** 2, rel=0.15)
    assert enough(gain, 9) > enough(gain, 1)
    assert enough(1 + gain * 1e-9, 9) == 9
    assert enough(-gain, 1) is None


def test_a_paired_difference_sees_what_two_intervals_do_not(rng: np.random.Generator) -> None:
    hard = rng.uniform(size=30)
    one, other = result(list(hard)), result(list(hard + 0.02), method="b")
    assert one.interval().high > other.interval().low
    assert difference(one, other).count == 30
    assert difference(one, other).sign == 1  # lower is better, and it is lower
    assert difference(other, one).sign == -1
    assert difference(one, one).sign == 0


def test_fewer_than_six_pictures_show_no_difference() -> None:
    assert difference(result([0.1] * 5), result([0.9] * 5, method="b")).sign == 0  # chance does so once in 32
    assert difference(result([0.1] * 6), result([0.9] * 6, method="b")).sign == 1


def test_a_difference_is_one_of_the_numbers_in_the_table() -> None:
    def found(hits: list[list[float]], method: str) -> MetricResult:
        details = [Measured(max(one), detail=np.array(one)[:, None]) for one in hits]
        names = {"name": "maxboxacc", "title": "", "better": "higher"}
        return MetricResult.of(MaxBoxAcc(levels=2), details, method=method, **names)

    steady = found([[1.0, 0.0]] * 8, "a")  # one threshold finds all boxes
    moody = found([[1.0, 0.0], [0.0, 1.0]] * 4, "b")  # each picture needs its own
    assert np.array_equal(steady.values, moody.values)
    assert (steady.mean, moody.mean) == (1, 0.5)
    assert difference(steady, moody).value == 0.5
    assert difference(found([[1.0, 0.0]] * 8, "a"), found([[0.0, 0.0]] * 8, "b")).sign == 1
    assert difference(found([[1.0, 0.0]] * 5, "a"), found([[0.0, 0.0]] * 5, "b")).sign == 0


def test_results_made_differently_refuse_one_table() -> None:
    one, other = result([0.1]), result([0.2], Deletion(fill="mean"), "b")
    with pytest.raises(OptionError, match="fill is 'zero as model input' for a and "):
        comparable([one, other])
    comparable([one, other], force=True)
    with pytest.raises(OptionError, match="steps is 224 for a and 20 for b"):
        difference(one, result([0.1], Deletion(steps=20), "b"))
    one = result([0.1], MaxBoxAcc(levels=9), name="maxboxacc")
    with pytest.raises(OptionError, match="option levels"):
        comparable([one, attrs.evolve(one, options={**one.options, "levels": 8})])


def test_a_metric_of_the_data_set_has_no_interval_and_a_test() -> None:
    hits = [np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]])]
    measured = [Measured(1.0, detail=one) for one in hits]
    found = MetricResult.of(MaxBoxAcc(), measured, name="maxboxacc", title="", better="higher", method="a")
    assert found.mean == found.interval().value == 0.5
    assert found.interval().how == "no valid interval"


def test_a_plugin_brings_a_metric_by_the_same_hook() -> None:
    @hookimpl
    def visioncam_register_metrics() -> list[MetricSpec]:
        return [ROW]

    registry = Registry(("visioncam_metrics.plugin",), discover=False)
    plugin = SimpleNamespace(visioncam_register_metrics=visioncam_register_metrics)
    told = registry.add_plugin(plugin, "bright")
    assert (told.status, told.hooks) == ("loaded", ("visioncam_register_metrics",))
    assert registry.metric("Brightness").distribution == "local"
    _, made = registry.make_metric("brightness")
    assert made == Brightness()
    with pytest.raises(NameNotFoundError, match="unknown metric 'deletoin'; did you mean 'deletion'"):
        registry.metric("deletoin")


def test_a_row_that_cannot_be_right_says_why() -> None:
    class Needy(Brightness):
        needs: ClassVar[frozenset[str]] = frozenset({"score"})

    with pytest.raises(
        PluginError, match=r"Needy.needs must be a frozenset with items from .*received \['score'\]"
    ):
        attrs.evolve(ROW, cls=Needy)
    with pytest.raises(PluginError, match="better must be one of higher, lower, neither; received 'up'"):
        attrs.evolve(ROW, better="up")
    with pytest.raises(PluginError, match="has no property `switches`"):
        attrs.evolve(
            ROW,
            cls=attrs.make_class(
                "Bare", [], bases=(), class_body={"needs": frozenset(), "__call__": lambda self, case: 0.0}
            ),
        )


def test_metrics_are_listed() -> None:
    assert visioncam.metrics() == visioncam.registry().metrics()
    done = run("metrics", "Deletion")
    assert done.code == 0
    assert "lower is better" in done.stdout
    rows = {row["name"]: row for row in run("metrics", "--json").data["metrics"]}
    assert rows["insertion"]["better"] == "higher"
    listed = run("plugins").stdout
    assert "register_metrics" in listed
