"""What the paper's classes are asked: class, layer and options; and what they answer to nonsense."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from helpers.paper import paper_class, tiny_model

import visioncam
from visioncam.paper import DiagnosticWarning
from visioncam_core.errors import ImageError, LayerError, OptionTypeError, TargetError
from visioncam_core.results.heat import heat


@pytest.fixture
def model() -> Any:
    return tiny_model()


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(0, 1, (3, 12, 10, 3)).astype(np.float32)


def test_no_class_means_each_images_top_class(model: Any, images: np.ndarray) -> None:
    cam = paper_class("gradcam")(model)
    assert [e.target.index for e in visioncam.explain(model, images)] == list(
        model.predict(images, verbose=0).argmax(-1)
    )
    np.testing.assert_array_equal(
        cam.compute_cam_features(images), [heat(e.raw, "for") for e in visioncam.explain(model, images)]
    )


def test_the_class_may_be_numpys_and_may_change(model: Any, images: np.ndarray) -> None:
    cam = paper_class("gradcam")(model, np.int64(0))
    first = cam.compute_cam_features(images)
    cam.class_idx = 1
    second = cam.compute_cam_features(images)
    cam.class_idx = [1, 0, 1]
    mixed = cam.compute_cam_features(images)
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(mixed, [second[0], first[1], second[2]])


@pytest.mark.parametrize("word", ["layer_name", "target_layer", "last_conv_layer_name"])
def test_a_layer_is_a_name_an_object_or_an_index(word: str, model: Any, images: np.ndarray) -> None:
    expected = paper_class("hirescam")(model, 0, "early").compute_cam_features(images)
    assert expected.shape == (3, 12, 10)
    for layer in ("early", model.get_layer("early"), 0):
        cam = paper_class("hirescam")(model, 0, **{word: layer})
        np.testing.assert_array_equal(cam.compute_cam_features(images), expected)


def test_one_layer_under_both_names(model: Any) -> None:
    cam = paper_class("gradcam")(model, layer_name="early", target_layer=model.get_layer("early"))
    assert cam.layer_name == "early"


def test_different_layers_are_refused(model: Any) -> None:
    with pytest.raises(LayerError, match=r"layer_name='early' and target_layer='late' name different layers"):
        paper_class("gradcam")(model, 0, "early", model.get_layer("late"))


def test_the_old_constructor_of_ablationcam(model: Any, images: np.ndarray) -> None:
    from visioncam.ablationcam import AblationCAM

    names = ["pool", "head"]
    cam = AblationCAM(model, last_conv_layer_name="late", classifier_layer_names=names)
    np.testing.assert_array_equal(
        cam.compute_cam_features(images), AblationCAM(model, None, "late").compute_cam_features(images)
    )


def test_options_reach_the_method_and_explain(model: Any, images: np.ndarray) -> None:
    smooth = paper_class("smoothgradcamplusplus")
    exact = smooth(model, 0, "late", n=1, sigma=0).compute_cam_features(images)
    np.testing.assert_allclose(
        exact, paper_class("gradcamplusplus")(model, 0, "late").compute_cam_features(images), atol=1e-5
    )
    noisy = [smooth(model, 0, "early", n=2, sigma=1.0, seed=seed) for seed in (1, 2)]
    assert not np.allclose(*(cam.compute_cam_features(images) for cam in noisy))
    signed = paper_class("hirescam")(model, 0, "late", evidence="signed").compute_cam_features(images)
    assert signed.min() < 0


def test_a_map_without_evidence_is_zero_and_says_why(model: Any, images: np.ndarray) -> None:
    cam = paper_class("gradcam")(model, [0, 3, 3], "late")
    with pytest.warns(DiagnosticWarning, match="no-positive-evidence") as caught:
        maps = cam.compute_cam_features(images)
    assert not maps[1:].any()
    assert maps[0].max() == 1
    assert {warning.filename for warning in caught} == {__file__}
    assert str(caught[0].message).startswith("image 1 of 0 to 2: ")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda c, m: c(m, 9), TargetError, "class index 9 is out of range: the model has 4 classes, 0 to 3"),
        (lambda c, m: c(m, 0, "lat"), LayerError, "no layer 'lat'; did you mean 'late'"),
        (lambda c, m: c(m, 0, 99), LayerError, "layer index 99 is out of range"),
        (lambda c, m: c(m, 0, samples=3), OptionTypeError, "unknown keyword 'samples'"),
        (lambda c, m: c(m, target=3), OptionTypeError, "takes the class as class_idx=; received target=3"),
        (lambda c, m: c("m.keras"), visioncam.VisionCamError, "of type str; open a file first"),
    ],
)
def test_bad_questions_name_the_value(
    make: Any, error: type[Exception], message: str, model: Any, images: np.ndarray
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        make(paper_class("gradcam"), model).compute_cam_features(images)


def test_images_of_the_wrong_size_are_refused(model: Any) -> None:
    with pytest.raises(ImageError, match=r"takes shape \(12, 10, 3\).*received \(8, 10, 3\)"):
        paper_class("gradcam")(model, 0).compute_cam_features(np.zeros((1, 8, 10, 3), np.float32))


def test_maps_of_different_sizes_are_not_stacked() -> None:
    import keras

    inputs = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(2, 3, activation="relu", kernel_initializer="ones")(inputs)
    outputs = keras.layers.Dense(2, kernel_initializer="ones")(keras.layers.GlobalAveragePooling2D()(x))
    cam = paper_class("gradcam")(keras.Model(inputs, outputs), 0)
    pictures = [np.random.default_rng(0).random((n, n, 1), np.float32) for n in (6, 9)]
    with pytest.raises(ImageError, match=r"\[\(4, 4\), \(7, 7\)\], which do not stack"):
        cam.compute_cam_features(pictures)
