"""What an evaluation recommends, how sure it is, and when it recommends nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.pictures import blobs

import visioncam
from visioncam.evaluation.evaluation import Evaluation
from visioncam.evaluation.measure import AtLayer, Cost
from visioncam.evaluation.recommend import recommendation_of
from visioncam.evaluation.report import sections
from visioncam.evaluation.subjects import Subject
from visioncam_core.errors import OptionError
from visioncam_core.metrics.result import Measured, MetricResult
from visioncam_engines.tensorflow.testing.keras_models import planted_blob
from visioncam_metrics.faithfulness.deletion import Deletion


def test_a_recommendation_says_when_there_is_no_difference() -> None:
    images, boxes = blobs(6)
    told = visioncam.recommend(planted_blob(), images, ["gradcam", "hirescam"], truth=boxes, steps=6)
    assert told.sure == "no difference that the data shows"
    assert len(told.equals) == 1
    assert told.why.count(". ") == 1
    assert "no difference that the data shows" in str(told)
    with pytest.raises(OptionError, match="at least two pictures"):
        visioncam.recommend(planted_blob(), images[:1], "gradcam")


class Constant:
    """Says the same of every picture."""

    needs = frozenset({"activations"})

    def __call__(self, evidence: Any) -> Any:
        ramp = np.linspace(1, 0, int(np.prod(evidence.activations.shape[1:-1])))
        return np.broadcast_to(
            ramp.reshape(evidence.activations.shape[1:-1]), evidence.activations.shape[:-1]
        )


def test_a_recommendation_prefers_what_looks_and_believes_none_where_none_does() -> None:
    images, boxes = blobs(8)
    told = visioncam.recommend(planted_blob(), images, ["gradcam", Constant()], truth=boxes, steps=6)
    assert (told.method, told.layer, told.sure) == ("gradcam", "features", "the data show it")
    none = visioncam.recommend(planted_blob(), images, [Constant()], truth=boxes, steps=6)
    assert (none.method, none.sure) == (None, "no method beats a random map")
    assert "Believe none" in none.why
    few = visioncam.recommend(planted_blob(), images[:5], "gradcam", truth=boxes[:5], steps=6)
    assert (few.method, "which fewer than 6 pictures cannot show" in few.why) == (None, True)


def noise(metric: str, better: str, method: str, rng: np.random.Generator) -> MetricResult:
    drawn = [Measured(float(value)) for value in rng.normal(size=8)]
    return MetricResult.of(
        Deletion(), drawn, name=metric, title="", better=better, method=method, layer="last"
    )


def test_nine_maps_of_noise_are_seldom_recommended() -> None:
    subjects = [Subject(f"m{i}", "", "method") for i in range(9)] + [Subject("random", "", "control")]
    believed = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        kinds = [("deletion", "lower"), ("insertion", "higher"), ("averagegain", "higher")]
        results = [noise(*kind, one.name, rng) for one in subjects for kind in kinds]
        costs = {one.name: Cost(0.0, 0.0) for one in subjects}
        at = AtLayer("last", tuple(subjects), tuple(results), costs, ("",) * 8)
        believed += (
            recommendation_of(Evaluation("m", (at,), ("",) * 8, (), {}, force=True)).method is not None
        )
    assert believed <= 8  # 6; asked metric by metric it is 14


def test_what_only_describes_gives_a_report_and_no_recommendation() -> None:
    found = visioncam.evaluate(
        planted_blob(), blobs(2)[0], "gradcam", metrics="sparseness", seeds=1, cascade=1
    )
    assert [one.title for one in sections(found)] == ["Which map can be trusted"]
    with pytest.raises(OptionError, match="of these none was measured; measured: sparseness"):
        recommendation_of(found)
