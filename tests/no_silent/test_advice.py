"""What is almost right is taken, or refused with the value received and the fix; no foreign exception."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import visioncam
from visioncam_core.errors import (
    GradientError,
    LayerError,
    ModelError,
    OptionTypeError,
    TargetError,
    TargetTypeError,
)
from visioncam_core.pipeline.request import ELSEWHERE
from visioncam_core.targets.class_names import load_class_names

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")
layers = keras.layers
PICTURE = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)


def network(step: Any = None, shape: tuple[int, ...] = (16, 16, 3)) -> Any:
    """Return a small model whose layer "conv" is followed by a function."""
    inputs = keras.Input(shape)
    conv = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(inputs)
    x = conv if step is None else layers.Lambda(step, name="step")(conv)
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


@pytest.fixture(scope="module")
def model() -> Any:
    return network()


def suppressed(x: Any) -> Any:
    boxes, scores = tf.reshape(x, (-1, 256, 1, 4)), tf.reshape(x, (-1, 256, 4))
    return tf.image.combined_non_max_suppression(boxes, scores, 4, 4).nmsed_scores


STEPS = {
    "ResizeArea": lambda x: tf.image.resize(x, (8, 8), method="area"),
    "CombinedNonMaxSuppression": suppressed,
    "ExtractGlimpseV2": lambda x: tf.image.extract_glimpse(x, (8, 8), tf.zeros((tf.shape(x)[0], 2))),
}


@pytest.mark.parametrize("operation", STEPS)
def test_an_operation_without_a_gradient_is_named_and_score_cam_offered(operation: str) -> None:
    model = network(STEPS[operation])
    with pytest.raises(GradientError, match=rf"\({operation}\).*method='scorecam'"):
        visioncam.explain(model, PICTURE, layer="conv")
    found = visioncam.compare(model, PICTURE, ["gradcam", "scorecam"], layer="conv")
    assert [one.method for one in found.explanations] == ["scorecam"]
    assert operation in found.failures["gradcam"]


@pytest.mark.parametrize(
    "shape", [(16, 16 * 4), (256, 4), (16, 16, 4, 1), (4, 4, 16, 4)], ids=lambda shape: f"{len(shape) - 1}-D"
)
@pytest.mark.parametrize("passed", [PICTURE, np.ones((16, 16, 3), np.float32)], ids=["picture", "values"])
def test_a_reshape_to_another_rank_is_refused(shape: Any, passed: Any, model: Any) -> None:
    with pytest.raises(LayerError, match=r"spatial ax.s, for a picture with 2 .*\(N, h, w, K\)"):
        visioncam.explain(model, passed, layer="conv", reshape=lambda x: tf.reshape(x, (-1, *shape)))


def test_a_reshape_of_the_picture_s_rank_is_taken(model: Any) -> None:
    columns = visioncam.explain(
        model,
        PICTURE,
        layer="conv",
        reshape=lambda x: tf.reshape(tf.transpose(x, (0, 2, 1, 3)), (-1, 1, 16, 64)),
    )
    assert (columns.raw.shape, columns.heatmap.shape) == ((1, 16), (20, 24))


class Distiller(keras.Model):  # type: ignore[misc]
    """Two models, and no call."""

    def __init__(self, student: Any) -> None:
        super().__init__()
        self.student, self.teacher = student, student


NO_MODELS = {
    "distiller": (Distiller, r"\(Distiller\) has no call method.* 'student', 'teacher'"),
    "predict": (lambda model: model.predict, "not its method 'predict'"),
    "call": (lambda model: model.call, "not its method 'call'"),
    "function": (lambda model: lambda x: model(x), "pass the model that it calls"),
    "tf.function": (tf.function, r"function\.get_concrete_function\(tf\.TensorSpec"),
    "explainer": (visioncam.explainer, "the attribute 'model' of the Explainer"),
    "class": (type, "that is a class"),
    "list": (lambda model: [model, model], "one model per call"),
    "picture": (lambda model: "cat.JPG", "pass the model first, then the picture"),
    "array": (lambda model: PICTURE, "pass the model first, then the picture"),
    "symbolic": (lambda model: model.output, r"keras\.Model\(inputs, output\)"),
    "file": (lambda model: "my.keras", "load_model"),
}


@pytest.mark.parametrize("name", NO_MODELS)
def test_what_is_no_model_says_what_to_pass(name: str, model: Any) -> None:
    make, words = NO_MODELS[name]
    with pytest.raises(ModelError, match=words):
        visioncam.explain(make(model), PICTURE)


def test_a_tflite_interpreter_has_nothing_to_look_at(model: Any) -> None:
    content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    with pytest.warns(UserWarning, match="deprecated"):
        interpreter = tf.lite.Interpreter(model_content=content)
    with pytest.raises(ModelError, match=r"TFLite .*pass the Keras model"):
        visioncam.explain(interpreter, PICTURE)


@pytest.mark.parametrize("kind", [dict, json.dumps, np.int64])
def test_class_names_may_be_class_indices(kind: Any, tmp_path: Path) -> None:
    indices: Any = {"cat": 0, "dog": 1, "0": 2}
    if kind is json.dumps:
        path = tmp_path / "names.json"
        path.write_text(json.dumps(indices))
        indices = path
    elif kind is np.int64:
        indices = {name: np.int64(index) for name, index in indices.items()}
    assert load_class_names(indices) == ("cat", "dog", "0")
    assert load_class_names({"1": 1, "0": 0}) == ("0", "1")
    assert load_class_names({1: "b", 0: "a"}) == ("a", "b")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"a": 1, "b": 2}, "without a gap"),
        ({"a": 0, "b": 0}, "two names have the same index"),
        ({"a": True, "b": False}, "without a gap"),
        ({3: 0}, "every name must be text"),
    ],
)
def test_indices_that_are_none(names: Any, words: str) -> None:
    with pytest.raises(OptionTypeError, match=words):
        load_class_names(names)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ([0, 2], r"visioncam\.compare\(\.\.\., targets=\[0, 2\]\)"),
        ((0, 2), r"targets=\(0, 2\)|targets=\[0, 2\]"),
        (np.array([0, 2]), r"targets=\[0, 2\]"),
        ("0,2", r"targets=\[0,2\]"),
        ([0, 0, 1], "one-hot class; pass its index, 2"),
        (np.array([0.0, 1.0, 0.0]), "one-hot class; pass its index, 1"),
    ],
)
def test_several_targets_for_one_picture(target: Any, words: str, model: Any) -> None:
    with pytest.raises(TargetError, match=words):
        visioncam.explain(model, PICTURE, target=target)


def test_several_methods_called_with_one(model: Any) -> None:
    both = visioncam.explainer(model).with_methods(
        *(visioncam.explainer(model, name).methods[0] for name in ("hirescam", "gradcam"))
    )
    assert np.array_equal(both(PICTURE).raw, visioncam.explain(model, PICTURE, "hirescam").raw)
    assert [one.method for one in both.compare(PICTURE).explanations] == ["hirescam", "gradcam"]
    with pytest.raises(OptionTypeError, match="no method"):
        both.with_methods()(PICTURE)
    with pytest.raises(OptionTypeError, match=r"several go to visioncam\.compare"):
        visioncam.explainer(model, ["gradcam", "hirescam"])


@pytest.mark.parametrize(("keyword", "meant"), [("class_idx", "target"), ("layer_name", "layer")])
def test_names_of_other_tools(keyword: str, meant: str, model: Any) -> None:
    with pytest.raises(OptionTypeError, match=f"here it is '{meant}'"):
        visioncam.explain(model, PICTURE, **{keyword: 0})


@pytest.mark.parametrize("keyword", sorted(ELSEWHERE))
def test_keywords_of_other_tools_are_answered_with_ours(keyword: str, model: Any) -> None:
    answer = ELSEWHERE[keyword]
    for call in (visioncam.explain, visioncam.compare, visioncam.doctor, visioncam.evaluate):
        with pytest.raises(OptionTypeError, match=rf"unknown keyword '{keyword}'; {re.escape(answer)}"):
            call(model, PICTURE, **{keyword: 1})  # type: ignore[operator]


def test_a_target_of_pytorch_grad_cam_is_named(model: Any) -> None:
    class ClassifierOutputTarget:
        category = 1

    for keywords in ({"target": ClassifierOutputTarget()}, {"targets": [ClassifierOutputTarget()]}):
        with pytest.raises((OptionTypeError, TargetTypeError), match="pass target=1"):
            visioncam.explain(model, PICTURE, **keywords)
    with pytest.raises(TargetTypeError, match="pass target=1"):
        visioncam.compare(model, PICTURE, targets=[ClassifierOutputTarget()])


def test_a_list_of_second_pictures(rng: np.random.Generator) -> None:
    left, right = keras.Input((16, 16, 3), name="left"), keras.Input((8, 8, 1), name="right")
    maps = [layers.Conv2D(2, 3, activation="relu")(one) for one in (left, right)]
    flat = [layers.GlobalAveragePooling2D()(one) for one in maps]
    model = keras.Model([left, right], layers.Dense(2)(layers.Concatenate()(flat)))
    pictures = [PICTURE, PICTURE[::-1]]
    both = visioncam.explain(model, [pictures, pictures], target=0)
    for picture, one in zip(pictures, both, strict=True):
        assert np.allclose(one.raw, visioncam.explain(model, [picture, picture], target=0).raw, atol=1e-6)
