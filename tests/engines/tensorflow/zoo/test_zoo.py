"""Every kind of model, every method: a finite map of the right shape and layer, and an untouched model."""

from __future__ import annotations

from typing import Any

import helpers.networks.forms
import helpers.networks.legacy
import helpers.networks.ranks
import helpers.networks.space
import helpers.networks.tokens  # noqa: F401  -- registers its kinds
import keras
import numpy as np
import pytest
from helpers.networks.kinds import KINDS, Kind
from helpers.untouched import snapshot

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.defaults import HALF_TOLERANCE
from visioncam_core.pipeline.doctor import faithfulness

FEW = 3
"""Noisy copies of Smooth Grad-CAM++; 25 by default."""
ALL = [
    visioncam.SmoothGradCAMPlusPlus(n=FEW) if row.name == "smoothgradcamplusplus" else row.name
    for row in visioncam.methods()
    if row.in_all
]


def _space(name: str, kind: Kind) -> tuple[int, ...]:
    """Return the spatial axes of the (first) picture."""
    image = kind.image
    if isinstance(image, dict | list | tuple):
        image = image["picture" if isinstance(image, dict) else 0]
    axes = image.shape[1:]
    return axes[1:] if name == "channels_first" else axes[:-1]


def one_picture(image: Any) -> Any:
    """Return the first picture of an input for two, without the batch axis."""
    if isinstance(image, dict):
        return {key: value[0] for key, value in image.items()}
    if isinstance(image, list | tuple):
        return [value[0] for value in image]
    return image[0]


@pytest.fixture(scope="module", params=sorted(KINDS))
def case(request: pytest.FixtureRequest) -> tuple[str, Kind, Any]:
    kind = KINDS[request.param]
    keras.utils.set_random_seed(1)
    return request.param, kind, kind.build()


def test_all_nine_explain_it_and_leave_it_alone(case: tuple[str, Kind, Any]) -> None:
    """`auto` finds the layer, each map is finite or says why it is blank, and the model stays as it was."""
    name, kind, model = case
    before = snapshot(model)
    comparisons = visioncam.compare(model, kind.image, ALL)
    assert isinstance(comparisons, list)
    assert len(comparisons) == 2
    wanted = (kind.auto,) if isinstance(kind.auto, str) else kind.auto
    for comparison in comparisons:
        assert comparison.failures == {}
        assert len(comparison) == 9
        for e in comparison:
            assert e.layer.path in wanted
            assert e.raw.shape == kind.grid == e.layer.grid
            assert e.heatmap.shape == e.picture.shape[: len(kind.grid)] == _space(name, kind)
            assert np.isfinite(e.raw).all()
            assert np.isfinite(e.heatmap).all()
            assert 0 <= e.heatmap.min() <= e.heatmap.max() <= 1
            codes = {d.code for d in e.diagnostics}
            assert e.heatmap.any() or "no-positive-evidence" in codes, (name, e.method)
    assert snapshot(model) == before


def test_the_trace_answers_as_the_model_does(case: tuple[str, Kind, Any]) -> None:
    _, kind, model = case
    ask = visioncam.explainer(model)
    picture = one_picture(kind.image)
    ask.layers(picture)
    before = snapshot(model)
    item = next(ask.reader.read(picture)[0][0].parts())
    off, tolerance = faithfulness(ask, item)
    assert off < (HALF_TOLERANCE if tolerance == HALF_TOLERANCE else 1e-5)
    assert snapshot(model) == before


def test_a_batch_gives_what_singles_give(case: tuple[str, Kind, Any]) -> None:
    _, kind, model = case
    half = "float16" in case[0]
    for method in ("hirescam", "smoothgradcamplusplus", "ablationcam"):
        few = {"n": FEW} if method == "smoothgradcamplusplus" else {}
        batch = visioncam.explain(model, kind.image, method=method, target=_target(case[0]), **few)
        single = visioncam.explain(
            model, one_picture(kind.image), method=method, target=_target(case[0]), **few
        )
        assert isinstance(single, visioncam.Explanation)
        # each by its own maximum: Ablation-CAM divides by the score, whose rounding is the map's scale
        maps = [e.raw / max(np.abs(e.raw).max(), 1e-9) for e in (batch[0], single)]
        np.testing.assert_allclose(*maps, atol=5e-2 if half else 1e-4)


def _target(name: str) -> Any:
    """Return a fixed class, so that a tie between classes does not decide; dense outputs keep their own."""
    return None if name == "unet" else 0


def test_a_second_class_layer_or_batch_size_traces_nothing(case: tuple[str, Kind, Any]) -> None:
    _, kind, model = case
    visioncam.explain(model, kind.image)
    listing = visioncam.layers(model, kind.image if not isinstance(kind.image, np.ndarray) else kind.image[0])
    other = next(row for row in listing if row.reaches_score and not row.is_score)
    before = COUNTERS.snapshot()["traces"]
    visioncam.explain(model, kind.image, method="xgradcam", target=_target(case[0]))
    visioncam.explain(model, one_picture(kind.image), layer=other.path)
    assert COUNTERS.snapshot()["traces"] == before
