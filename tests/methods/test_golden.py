"""Golden maps of another implementation, on a real network's real weights.

A unit that lies within rounding of its ReLU's kink lets its gradient through in one implementation and
not in the other: coffee.png brings unit 411 of `block6c_expand_activation` to 1e-6 at position (0, 0),
which moves the HiResCAM map at `block5c_add` by 0.0015; a photo brighter by one part in a million agrees
to 1e-6.  So each photo is explained three times, a millionth darker, as it is and brighter, and one of
the three must agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import visioncam
from visioncam import demo

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "golden" / "efficientnet_lite0_maps.npz"
LAYERS = {"top": "top_activation", "mid": "block5c_add"}
BRIGHTNESS = (1 - 1e-6, 1.0, 1 + 1e-6)
EXACT = ("GradCAM", "HiResCAM", "XGradCAM", "GradCAMElementWise")


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as file:
        return dict(file)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield demo.load()


@pytest.fixture(scope="module")
def batch(golden: dict[str, np.ndarray]) -> np.ndarray:
    x: np.ndarray = ((golden["input"].astype(np.float32) - 127) / 128).astype(np.float32)
    return x


@pytest.fixture(scope="module")
def compared(model: Any, batch: np.ndarray, golden: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return comparisons of the single-pass gradient methods by layer, then [brightness, photo]."""
    methods = [*EXACT, "RespondCAM", "GradCAMPlusPlus", LayerCAM()]
    x = np.concatenate([batch * np.float32(factor) for factor in BRIGHTNESS])
    classes = golden["class_index"].tolist() * len(BRIGHTNESS)
    found = {}
    for short, layer in LAYERS.items():
        rows = visioncam.compare(model, x, methods, target=classes, layer=layer)
        found[short] = np.empty(len(rows), object)
        found[short][:] = rows
        found[short] = found[short].reshape(len(BRIGHTNESS), len(batch))
    return found


class LayerCAM:
    """M = Σ_k R(G) A: not one of the nine, but in the golden file."""

    def __call__(self, evidence: Any) -> Any:
        return (np.maximum(evidence.gradients, 0) * evidence.activations).sum(axis=-1)


def positive(raw: np.ndarray) -> np.ndarray:
    part: np.ndarray = np.maximum(raw, 0)
    assert part.max() > 0
    return part / part.max()


def gap(comparisons: np.ndarray, method: str, map_: np.ndarray) -> float:
    """Return the largest difference from the golden map, at the brightness where it is smallest."""
    expected = positive(map_)
    return min(float(np.abs(positive(one[method].raw) - expected).max()) for one in comparisons)


@pytest.mark.parametrize("photo", range(4))
@pytest.mark.parametrize("method", [*EXACT, "LayerCAM"])
@pytest.mark.parametrize("layer", LAYERS)
def test_maps_agree(compared: Any, golden: Any, layer: str, method: str, photo: int) -> None:
    assert gap(compared[layer][:, photo], method, golden[f"{layer}/{method}"][photo]) <= 1e-3


@pytest.mark.parametrize("photo", range(4))
def test_where_nothing_is_negative_element_wise_grad_cam_is_layer_cam(
    compared: Any, golden: Any, photo: int
) -> None:
    assert gap(compared["top"][:, photo], "GradCAMElementWise", golden["top/LayerCAM"][photo]) <= 1e-3


@pytest.mark.parametrize("photo", range(4))
def test_grad_cam_plus_plus_agrees_but_for_the_others_epsilon(compared: Any, golden: Any, photo: int) -> None:
    assert gap(compared["top"][:, photo], "GradCAMPlusPlus", golden["top/GradCAMPlusPlus"][photo]) <= 0.05


def test_ablation_cam_agrees(model: Any, batch: np.ndarray, golden: Any) -> None:
    target = int(golden["class_index"][0])
    found = visioncam.explain(model, batch[0], "ablationcam", target=target, layer="top_activation")
    np.testing.assert_allclose(positive(found.raw), positive(golden["top/AblationCAM"][0]), atol=1e-4)


def test_score_cam_correlates_with_one_that_upsamples_otherwise(
    model: Any, batch: np.ndarray, golden: Any
) -> None:
    target = int(golden["class_index"][0])
    found = visioncam.explain(model, batch[0], "scorecam", target=target, layer="block5c_add")
    ours, theirs = positive(found.raw), positive(golden["mid/ScoreCAM"][0])
    correlation = float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1])
    assert correlation > 0.9


def test_respond_cam_is_x_grad_cam_at_a_layer_without_negative_activations(compared: Any) -> None:
    for one in compared["top"].flat:
        np.testing.assert_array_equal(one["respondcam"].raw, one["xgradcam"].raw)


@pytest.mark.parametrize("photo", range(4))
def test_the_scores_are_the_golden_logits(compared: Any, golden: Any, photo: int) -> None:
    for layer in LAYERS:
        one = compared[layer][1, photo]["gradcam"]
        assert one.score_kind == "logit"
        assert one.score == pytest.approx(golden["logits"][photo][golden["class_index"][photo]], abs=1e-3)
        assert one.predictions[0].index == golden["class_index"][photo]


def test_every_class_has_its_golden_logit(model: Any, batch: np.ndarray, golden: Any) -> None:
    """Which logit a class index stands for, over the whole range: first, last, and some between."""
    classes = [0, 1, 281, 500, 998, 999]
    found = visioncam.explain(
        model, np.repeat(batch[:1], len(classes), axis=0), target=classes, layer="top_activation"
    )
    assert [one.score for one in found] == pytest.approx(golden["logits"][0][classes].tolist(), abs=1e-3)
