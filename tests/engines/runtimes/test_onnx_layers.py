"""Feature maps in an ONNX file: which are found, and that their maps are what NumPy works out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.closed_models import node, onnx_file, small_onnx
from helpers.functions import SIZE

import visioncam
from visioncam_core.errors import LayerError

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
RELU = "second_relu"


@pytest.fixture
def picture(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (*SIZE, 3), np.uint8)


def ends(path: Path) -> tuple[Any, Any, Any]:
    """Return a file of `small_onnx`, the activations of its last feature map (h, w, 5), and its weights."""
    model = visioncam.load_model(path)
    import onnx

    proto = onnx.load(path)
    proto.graph.output.append(onnx.helper.make_empty_tensor_value_info(RELU))
    weights = {one.name: onnx.numpy_helper.to_array(one) for one in proto.graph.initializer}
    import onnxruntime

    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return model, lambda x: np.moveaxis(session.run([RELU], {"x": x})[0][0], 0, -1), weights


@pytest.mark.parametrize("batch", [None, 1, 4])
def test_maps_are_those_of_the_files_numbers(batch: int | None, picture: np.ndarray, tmp_path: Path) -> None:
    model, activations, weights = ends(small_onnx(tmp_path / "m.onnx", picture=(batch, 3, *SIZE)))
    x = np.moveaxis(picture, -1, 0)[None].astype(np.float32) / 255
    A = activations(np.repeat(x, batch or 1, axis=0))
    keywords: dict[str, Any] = {"target": 2, "preprocess": "unit"}
    ablated = visioncam.explain(model, picture, "ablationcam", **keywords)
    # the drop without a channel, as a share of the score, weighs it; relu comes after
    drops = A.mean(axis=(0, 1)) * weights["D"][:, 2]
    score = drops.sum() + weights["d"][2]
    assert ablated.score == pytest.approx(score, rel=1e-4)
    assert ablated.layer.path == RELU
    wanted = A @ (drops / abs(score))
    share = float((ablated.raw * wanted).sum() / (wanted * wanted).sum())
    np.testing.assert_allclose(ablated.raw, share * wanted, atol=1e-4 * np.abs(ablated.raw).max())
    eigen = visioncam.explain(model, picture, "eigencam", **keywords)
    flat = A.reshape(-1, 5)
    first = np.linalg.svd(flat, full_matrices=False)[2][0]
    np.testing.assert_allclose(np.abs(eigen.raw).ravel(), np.abs(flat @ first), rtol=1e-3, atol=1e-3)
    assert np.isfinite(visioncam.explain(model, picture, "scorecam", **keywords).raw).all()


@pytest.mark.parametrize("kind", ["Softmax", "Sigmoid"])
def test_logits_before_probabilities_are_explained(kind: str, picture: np.ndarray, tmp_path: Path) -> None:
    def ending(model: Any) -> None:
        model.graph.node[-1].output[0] = model.graph.node[-1].name = "logits"
        model.graph.node.append(node(kind, "logits", "y"))

    plain = visioncam.load_model(small_onnx(tmp_path / "a.onnx"))
    model = visioncam.load_model(small_onnx(tmp_path / "b.onnx", change=ending))
    for method in ("occlusion", "ablationcam"):
        found, wanted = (
            visioncam.explain(one, picture, method, target=1, preprocess="unit") for one in (model, plain)
        )
        np.testing.assert_allclose(found.raw, wanted.raw, atol=1e-5)
        assert (found.score_kind, wanted.score_kind) == ("logit", "output")
        probability = visioncam.explain(
            model, picture, method, target=1, preprocess="unit", score="probability"
        )
        shares = np.exp([one.value for one in sorted(wanted.predictions, key=lambda one: one.index)])
        p = shares[1] / shares.sum() if kind == "Softmax" else 1 / (1 + 1 / shares[1])
        assert probability.score == pytest.approx(p, rel=1e-4) == found.target.probability
    assert visioncam.doctor(model, picture, "occlusion").facts["trace"].startswith("agrees")


def test_the_table_has_what_all_evidence_flows_through(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x U", "stem", pads=[1, 1, 1, 1]),
        node("Conv", "stem V", "branch", pads=[1, 1, 1, 1]),
        node("Relu", "branch", "branch_relu"),
        node("Add", "stem branch_relu", "sum"),
        node("Transpose", "sum", "last", perm=[0, 2, 3, 1]),
        node("ReduceMean", "last", "y", axes=[1, 2], keepdims=0),
    ]
    weights = {"U": np.ones((4, 3, 3, 3), np.float32), "V": np.ones((4, 4, 3, 3), np.float32)}
    model = visioncam.load_model(onnx_file(tmp_path / "m.onnx", nodes, weights, (None, 4)))
    assert [row.path for row in visioncam.layers(model)] == ["stem", "sum"]


def test_a_picture_with_channels_last_is_followed(picture: np.ndarray, tmp_path: Path) -> None:
    nodes = [
        node("Mul", "x s", "scaled"),
        node("Transpose", "scaled", "turned", perm=[0, 3, 1, 2]),
        node("Conv", "turned U", "conv", strides=[2, 2]),
        node("GlobalAveragePool", "conv", "pool"),
        node("Flatten", "pool", "y"),
    ]
    U = np.zeros((2, 3, 2, 2), np.float32)
    U[0, 0, 0, 0] = U[1, 2, 1, 1] = 1
    weights = {"s": np.float32([2, 2, 2]), "U": U}
    model = visioncam.load_model(onnx_file(tmp_path / "m.onnx", nodes, weights, (None, 2), (None, *SIZE, 3)))
    found = visioncam.explain(model, picture, "ablationcam", target=1, preprocess=None, layer="conv")
    seen = 2.0 * picture[1::2, 1::2, 2]
    np.testing.assert_allclose(found.raw / found.raw.max(), seen / seen.max(), atol=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("attention", "shows no layer: attention lies behind its last feature map"),
        ("open", "shows no layer: it leaves the size of its picture open; export it with a fixed one"),
        ("none", "shows no layer: no feature map that all evidence flows through"),
    ],
)
def test_a_file_without_a_usable_map_says_why(
    change: str, words: str, picture: np.ndarray, tmp_path: Path
) -> None:
    weights = {"U": np.ones((4, 3, 4, 4), np.float32), "s": np.array([0, 4, -1])}
    nodes = [node("GlobalAveragePool", "x", "pool"), node("Flatten", "pool", "y")]
    size: tuple[int | None, ...] = SIZE
    if change == "open":
        size = (None, None)
    elif change == "attention":
        nodes = [
            node("Conv", "x U", "patches", strides=[4, 4]),
            node("Reshape", "patches s", "tokens"),
            node("Transpose", "tokens", "turned", perm=[0, 2, 1]),
            node("MatMul", "tokens turned", "product"),
            node("ReduceMean", "product", "y", axes=[2], keepdims=0),
        ]
    model = visioncam.load_model(
        onnx_file(
            tmp_path / "m.onnx", nodes, weights, (None, 4 if change == "attention" else 3), (None, 3, *size)
        )
    )
    with pytest.raises(LayerError, match=words):
        visioncam.explain(model, picture, "eigencam", preprocess=None)
    assert np.isfinite(visioncam.explain(model, picture, "occlusion", preprocess=None).raw).all()
