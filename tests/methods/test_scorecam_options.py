"""Score-CAM's approximations: which channels are scored, how many pictures, and when it stops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from visioncam_core.errors import OptionError
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.results.agreement import rank_correlation
from visioncam_core.testing import ArrayNet
from visioncam_methods.cam.scorecam import FIRST, ScoreCAM


class Counted:
    """Evidence of a net with many channels, and how many pictures were scored."""

    def __init__(self, channels: int) -> None:
        self.net = ArrayNet.random(channels=channels)
        self.x, self.pictures = self.net.pictures(1), 0
        self.evidence = Evidence.from_arrays(
            self.net.activations(self.x), inputs=self.x, score_inputs=self.score
        )

    def score(self, masked: np.ndarray) -> np.ndarray:
        self.pictures += len(masked)
        return self.net.score(masked)


def exact(channels: int) -> Any:
    return ScoreCAM()(Counted(channels).evidence)


def test_the_channels_that_vary_most_are_scored_and_share_all_weight() -> None:
    """The map is that of a layer which has those channels only."""
    counted = Counted(12)
    A = counted.evidence.activations
    M = ScoreCAM(channels=5)(counted.evidence).map
    most = np.argsort(-np.ptp(A[0].reshape(-1, 12), axis=0))[:5]
    assert counted.pictures == 5
    alone = Evidence.from_arrays(A[..., most], inputs=counted.x, score_inputs=counted.net.score)
    np.testing.assert_allclose(M, ScoreCAM()(alone), rtol=1e-9)
    assert not np.allclose(M, exact(12))


def test_as_many_channels_as_there_are_is_exact() -> None:
    np.testing.assert_allclose(ScoreCAM(channels=40)(Counted(40).evidence).map, exact(40), rtol=1e-9)


def test_an_unreachable_bound_scores_every_channel_and_is_exact() -> None:
    counted = Counted(150)
    M = ScoreCAM(until=1.0)(counted.evidence).map
    np.testing.assert_allclose(M, exact(150), rtol=1e-9, atol=1e-12)
    varying = int((np.ptp(counted.evidence.activations[0].reshape(-1, 150), axis=0) > 0).sum())
    assert counted.pictures == varying > 2 * FIRST


def test_it_stops_at_the_first_step_that_is_like_the_one_before() -> None:
    counted = Counted(150)
    ScoreCAM(until=-1.0)(counted.evidence)
    assert counted.pictures == 2 * FIRST
    assert ScoreCAM(until=-1.0, channels=FIRST)(Counted(150).evidence).map.shape == (1, 3, 5)


def test_a_picture_without_a_varying_channel_has_an_empty_map() -> None:
    evidence = Evidence.from_arrays(
        np.ones((1, 3, 3, 4)), inputs=np.ones((1, 6, 6, 1)), score_inputs=lambda masked: masked.sum((1, 2, 3))
    )
    assert not np.any(ScoreCAM()(evidence))
    for method in (ScoreCAM(until=0.9), ScoreCAM(channels=2)):
        found = method(evidence)
        assert not np.any(found.map)
        assert str(found.accounts[0]) == ""


def test_an_approximate_map_says_how_far_it_is_settled() -> None:
    counted = Counted(12)
    found = ScoreCAM(channels=6)(counted.evidence)
    half = ScoreCAM(channels=3)(counted.evidence).map
    like = rank_correlation(np.maximum(found.map, 0), np.maximum(half, 0))
    varying = int((np.ptp(counted.evidence.activations[0].reshape(-1, 12), axis=0) > 0).sum())
    (account,) = found.accounts
    assert (account.samples, account.total) == (6, None)
    assert str(account) == f"6 of {varying} channels, rank correlation {like:.3f} with half of them"


@pytest.mark.parametrize("options", [{"channels": 0}, {"until": 1.5}])
def test_values_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(options))):
        ScoreCAM(**options)
