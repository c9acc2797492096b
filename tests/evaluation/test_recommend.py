"""What an evaluation recommends, how sure it is, and when it recommends nothing."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from helpers.calibration import evaluation
from helpers.pictures import blobs

import visioncam
from visioncam.evaluation.recommend import Recommendation, recommendation_of
from visioncam.evaluation.report import sections
from visioncam_core.errors import OptionError
from visioncam_engines.tensorflow.testing.keras_models import planted_blob


def test_a_recommendation_says_when_there_is_no_difference() -> None:
    images, boxes = blobs(6)
    told = visioncam.recommend(planted_blob(), images, ["gradcam", "hirescam"], truth=boxes, steps=6)
    assert told.sure == "no significant difference"
    assert len(told.equals) == 1
    assert told.why.count(". ") == 1
    assert "they are alike on every picture, and more would not tell them apart" in told.why
    assert "no significant difference" in str(told)
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
    assert "Trust none" in none.why
    few = visioncam.recommend(planted_blob(), images[:5], "gradcam", truth=boxes[:5], steps=6)
    assert (few.method, few.sure) == (None, "too few pictures to tell")
    assert "of 1 candidate, fewer than 6 pictures seldom show one that is; " in few.why


def told(gains: tuple[float, ...], count: int, seed: int = 0) -> Recommendation:
    return recommendation_of(evaluation(np.random.default_rng(seed), count, gains))


def test_it_says_how_many_more_pictures_would_settle_it() -> None:
    none = told((0.5,) * 9, 8)
    assert "of 9 candidates, fewer than 9 pictures seldom show one that is; about " in none.why
    assert "more pictures would settle it if they are like these" in none.why
    two = told((2.5, 2.0), 12)
    assert (two.method, two.sure) == ("m0", "no significant difference")
    assert re.search(r"fewer passes; about \d+ more pictures would settle it", two.why)
    assert told((3.0, 1.0), 30).sure == "the data show it"
    assert "these do not show whether more would settle it" in told((-1.0, -1.0), 12).why


def test_the_best_is_not_sure_because_the_others_are_not_sure_themselves() -> None:
    found = [told((1.0, 1.0), 12, seed) for seed in range(60)]
    assert sum(one.method is not None for one in found) > 10
    assert sum(one.sure == "the data show it" for one in found) <= 2  # 17 if only those ahead of random count


def test_what_only_describes_gives_a_report_and_no_recommendation() -> None:
    found = visioncam.evaluate(
        planted_blob(), blobs(2)[0], "gradcam", metrics="sparseness", seeds=1, cascade=1
    )
    assert [one.title for one in sections(found)] == ["No method is named.", "Which map can be trusted"]
    with pytest.raises(OptionError, match="none of these was measured; measured: sparseness"):
        recommendation_of(found)
