"""ONNX files as models: what is read off them, and that their answers are ONNX Runtime's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cli import run
from helpers.closed_models import linear_onnx, node, onnx_file, small_onnx
from helpers.functions import SIZE, WEIGHTS, linear
from helpers.hide_one import HideOne

import visioncam
from visioncam_core.engine.records import Scaling
from visioncam_core.errors import ModelError, OptionError, TargetError
from visioncam_core.plugins.default import registry

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def picture(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (*SIZE, 3), np.uint8)


@pytest.mark.parametrize("batch", [None, 1, 5])
def test_the_map_of_a_linear_file_is_known(batch: int | None, picture: np.ndarray, tmp_path: Path) -> None:
    model = visioncam.load_model(linear_onnx(tmp_path / "m.onnx", picture=(batch, 3, *SIZE)))
    for target, channel in ((0, 0), (1, 1)):
        found = visioncam.explain(model, picture, HideOne(hidden="black"), target=target, preprocess=None)
        cells = picture[..., channel].reshape(4, 4, 4, 6).mean(axis=(1, 3)) / 255
        np.testing.assert_allclose(found.raw, np.kron(WEIGHTS * cells, np.ones((4, 6))), atol=1e-4)
        assert found.layer.path == "input"
        np.testing.assert_allclose(found.score, linear(picture[None])[0, target], rtol=1e-5)


def test_channels_may_be_last(picture: np.ndarray, tmp_path: Path) -> None:
    nodes = [node("ReduceMean", "x", "mean", axes=[1, 2], keepdims=0), node("Identity", "mean", "y")]
    model = visioncam.load_model(onnx_file(tmp_path / "m.onnx", nodes, {}, (None, 3), (None, *SIZE, 3)))
    found = visioncam.explain(model, picture, "occlusion", target=2, preprocess=None)
    assert found.score == pytest.approx(picture[..., 2].mean(), rel=1e-5)


def test_what_a_file_does_not_say_is_told(picture: np.ndarray, tmp_path: Path) -> None:
    model = visioncam.load_model(small_onnx(tmp_path / "m.onnx"))
    found = visioncam.explain(model, picture, "occlusion")
    told = {one.code: one.message for one in found.diagnostics}
    assert told["preprocess-unknown"].startswith(
        "the ONNX file does not say how its pictures are preprocessed"
    )
    assert found.provenance["onnxruntime"]


def test_whole_numbers_are_pixels(picture: np.ndarray, tmp_path: Path) -> None:
    nodes = [node("Cast", "x", "c", to=1), node("GlobalAveragePool", "c", "p"), node("Flatten", "p", "y")]
    path = onnx_file(tmp_path / "m.onnx", nodes, {}, (None, 3), dtype="uint8")
    found = visioncam.explain(visioncam.load_model(path), picture, "occlusion", target=0)
    assert found.score == pytest.approx(picture[..., 0].mean(), rel=1e-5)
    assert "preprocess-unknown" not in [one.code for one in found.diagnostics]


def test_the_card_in_a_file_is_used(picture: np.ndarray, tmp_path: Path) -> None:
    card = visioncam.ModelCard(("red", "green"), Scaling((1.0,), (0.5,)), visioncam.geometry.Letterbox())
    text = json.dumps({"card": card.record(), "method": "gradcam"})
    model = visioncam.load_model(linear_onnx(tmp_path / "m.onnx", metadata={"visioncam": text}))
    found = visioncam.explain(model, picture, HideOne(), target="green")
    seen = (picture / 255.0 - 1) / 0.5
    np.testing.assert_allclose(found.score, linear(seen[None].astype(np.float32))[0, 1], rtol=1e-4)
    assert "letterbox" in str(found.provenance["geometry"]).lower()
    with pytest.raises(ModelError, match=r"m\.onnx: its card, the metadata 'visioncam', cannot be read"):
        visioncam.load_model(linear_onnx(tmp_path / "m.onnx", metadata={"visioncam": '{"card": 1}'}))


def test_what_needs_layers_is_refused(picture: np.ndarray, tmp_path: Path) -> None:
    model = visioncam.load_model(linear_onnx(tmp_path / "m.onnx"))
    with pytest.raises(
        OptionError,
        match=r"'gradcam' needs gradients, which the engine .onnx. does not provide; .*.eigencam.",
    ):
        visioncam.explain(model, picture, "gradcam")
    with pytest.raises(
        OptionError, match=r"occlusion maps the picture itself, not a layer; leave layer= out"
    ):
        visioncam.explain(model, picture, "occlusion", layer="y")
    with pytest.raises(TargetError, match="output"):
        visioncam.explain(model, picture, "occlusion", output="scores")


def _two_inputs(model: Any) -> None:
    model.graph.input.append(model.graph.input[0])
    model.graph.input[1].name = "z"


def _flat(model: Any) -> None:
    model.graph.output[0].type.tensor_type.shape.dim.pop()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_two_inputs, r"m\.onnx: takes 'x' \(\?, 3, 16, 24\), 'z' .*one picture .*visioncam\.blackbox"),
        (lambda model: model.graph.node.pop(), r"m\.onnx': is truncated or damaged \(it holds no graph\)"),
    ],
)
def test_a_file_that_is_another_thing_is_named(change: Any, message: str, tmp_path: Path) -> None:
    path = linear_onnx(tmp_path / "m.onnx", change=change)
    with pytest.raises(ModelError, match=message):
        visioncam.load_model(path)


def test_maps_of_pixels_are_no_scores(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "m.onnx", [node("Relu", "x", "y")], {}, (None, 3, *SIZE))
    with pytest.raises(ModelError, match=r"gives 'y' \(\?, 3, 16, 24\), and scores of classes \(N, K\)"):
        visioncam.load_model(path)


def test_another_process_gets_the_file(picture: np.ndarray, tmp_path: Path) -> None:
    model = visioncam.load_model(linear_onnx(tmp_path / "m.onnx"))
    engine = registry().engine_of(model)
    again = engine.unpack(engine.pack(model))
    np.testing.assert_array_equal(
        *(visioncam.explain(one, picture, HideOne(), preprocess=None).raw for one in (model, again))
    )


def test_the_whole_product_works_with_a_file(picture: np.ndarray, tmp_path: Path) -> None:
    from PIL import Image

    path, photo = small_onnx(tmp_path / "m.onnx"), tmp_path / "a.png"
    Image.fromarray(picture).save(photo)
    model = visioncam.load_model(path)
    methods = ["occlusion", "rise", "lime", "kernelshap"]
    found = visioncam.compare(model, picture, methods, preprocess="unit")
    assert list(found.failures) == []
    assert len(found) == 4
    report = visioncam.doctor(model, picture, "occlusion")
    assert report.facts["trace"].startswith("agrees")
    few: dict[str, Any] = {"steps": 2, "seeds": 1, "cascade": 1, "preprocess": "unit"}
    table = visioncam.evaluate(model, [picture], ["occlusion"], metrics=["deletion"], **few)
    assert np.isfinite(table.layers[0].results[0].mean)
    done = run(
        "explain",
        photo,
        "--model",
        path,
        "--method",
        "occlusion",
        "--preprocess",
        "unit",
        "-o",
        tmp_path / "out",
    )
    assert done.code == 0, done.stderr
    seen = run("inspect", path, "--json")
    assert seen.code == 0, seen.stderr
    told = json.loads(seen.stdout)
    assert told["tensors"][0] == {
        "is": "input",
        "name": "x",
        "shape": [None, 3, 16, 24],
        "dtype": "float32",
        "scale": 0.0,
        "zero": 0,
    }


def test_the_first_output_with_scores_is_explained(picture: np.ndarray, tmp_path: Path) -> None:
    def more(model: Any) -> None:
        model.graph.node.append(node("ArgMax", "y", "label", axis=1, keepdims=0))
        model.graph.output.insert(0, onnx.helper.make_tensor_value_info("label", 7, [None, 1, 1]))

    onnx = pytest.importorskip("onnx")
    model = visioncam.load_model(linear_onnx(tmp_path / "m.onnx", change=more))
    found = visioncam.explain(model, picture, HideOne(), preprocess=None)
    assert found.score == pytest.approx(linear(picture[None])[0].max(), rel=1e-5)
