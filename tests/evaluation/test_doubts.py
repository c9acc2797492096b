"""What makes numbers worthless is said first: a model that answers alike, flat maps, NaN."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from helpers.pictures import blobs

import visioncam
from visioncam_core.results.agreement import alike, is_flat
from visioncam_engines.tensorflow.testing.keras_models import planted_blob

QUICK: dict[str, Any] = {"seeds": 1, "cascade": 1, "steps": 3}


class Flat:
    """The same everywhere but for rounding."""

    needs = frozenset({"activations"})

    def __call__(self, evidence: Any) -> Any:
        A = np.asarray(evidence.activations)
        return 1 + 1e-7 * np.random.default_rng(0).random(A.shape[:-1], np.float32)


def deaf(bias: float = 0.0, classes: int = 3) -> Any:
    """Return a model whose scores do not depend on the picture."""
    x = inputs = keras.Input((24, 40, 1))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="features")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x))
    kernel, offset = model.layers[-1].get_weights()
    model.layers[-1].set_weights([0 * kernel, np.arange(classes) + bias + 0 * offset])
    return model


def single() -> Any:
    """Return a model with one class, which is all that a softmax can say."""
    body = planted_blob()
    return keras.Model(body.input, keras.layers.Dense(1, activation="softmax")(body.output))


def test_a_model_that_answers_alike_is_told_first_and_nothing_is_named() -> None:
    images = blobs(9)[0]
    found = visioncam.evaluate(deaf(), images, ["gradcam", "scorecam"], **QUICK)
    assert str(found).startswith(
        "the model gives all 9 pictures the same answer: its scores are the same up to"
    )
    assert found.verdict[0] == "Use none of the maps: no conclusion can be drawn"
    told = visioncam.recommend(deaf(), images, "gradcam", **QUICK)
    assert (told.method, told.why.startswith("The model gives all 9 pictures the same")) == (None, True)
    assert visioncam.evaluate(planted_blob(), images, "gradcam", **QUICK).doubts == ()


def test_shifted_copies_of_one_picture_are_no_reason_to_doubt_the_model() -> None:
    images = np.zeros((9, 24, 40, 1), np.float32)
    for i, left in enumerate(range(2, 29, 3)):
        images[i, 8:16, left : left + 8] = 1
    found = visioncam.evaluate(planted_blob(), images, "gradcam", **QUICK)
    assert found.doubts == ()
    assert any(note.endswith("to it they are one picture, perhaps shifted") for note in found.notes)


def test_flat_maps_are_told_first_and_never_named() -> None:
    images = blobs(9)[0]
    found = visioncam.evaluate(planted_blob(), images, ["gradcam", Flat()], **QUICK)
    assert str(found).startswith(
        "flat maps at features, the same everywhere or blank: Flat on 9 of 9 pictures"
    )
    assert found.result("flat", "deletion").flagged == 9  # rounding orders no pixel
    told = visioncam.recommend(planted_blob(), images, ["gradcam", Flat()], **QUICK)
    assert told.sure == "the data show it"
    none = visioncam.recommend(planted_blob(), images, [Flat()], **QUICK)
    assert (none.method, none.sure) == (None, "no conclusion can be drawn")
    assert "Every map of every method is flat" in none.why


@pytest.mark.parametrize("bias", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_told_first(bias: float) -> None:
    found = visioncam.evaluate(deaf(bias), blobs(3)[0], "gradcam", **QUICK)
    assert str(found).startswith("the model's scores are NaN or infinite on 3 of 3 pictures")
    assert found.verdict[0] == "Use none of the maps: no conclusion can be drawn"
    assert found.verdict[1].startswith("The model's scores are NaN or infinite on 3 of 3")
    assert str(visioncam.doctor(deaf(bias), blobs(1)[0][0])).startswith("! non-finite: ")


def test_some_scores_that_are_no_numbers_are_told_and_the_rest_is_measured() -> None:
    images = blobs(9)[0].copy()
    body = planted_blob()
    bad = keras.layers.Lambda(lambda x: x[0] + 0 * keras.ops.log(9 - keras.ops.max(x[1], (1, 2, 3))[:, None]))
    model = keras.Model(body.input, bad([body.output, body.input]))
    images[3] *= 100
    found = visioncam.evaluate(model, images, "gradcam", **QUICK)
    assert found.doubts[0].startswith("the model's scores are NaN or infinite on 1 of 9 pictures")
    assert found.result("gradcam", "deletion").flagged == 1
    assert found.verdict[0].startswith("Use gradcam")


@pytest.mark.filterwarnings("ignore:.*softmax over axis")
def test_one_class_two_pictures_and_copies_of_one_name_nothing() -> None:
    images = blobs(9)[0]
    one = visioncam.evaluate(single(), images, "gradcam", metrics="all", **QUICK)
    assert one.verdict[0].startswith("Use none of the maps")
    assert one.result("gradcam", "classsensitivity").flagged == 9  # there is no other class
    two = visioncam.evaluate(planted_blob(), images[:2], "gradcam", **QUICK)
    assert "fewer than 6 pictures seldom show" in two.verdict[1]
    copies = visioncam.evaluate(planted_blob(), images[[0] * 9], "gradcam", **QUICK)
    assert str(copies).startswith("the model receives the same picture 9 times; pass different ones")
    assert copies.verdict[0] == "Use none of the maps: no conclusion can be drawn"


def test_alike_is_up_to_rounding() -> None:
    a = np.array([1000.0, -3.0])
    assert alike([a, a + 1e-3, a])
    assert not alike([a, a + 1e-1])
    assert not alike([a, a * np.nan])
    assert is_flat(np.full((3, 4), -2.0))
    assert not is_flat(np.array([[1.0, 1.001]]))


def test_the_doctor_says_first_that_a_model_answers_alike_or_a_map_is_flat() -> None:
    images = blobs(1)[0]
    report = visioncam.doctor(deaf(), images[0])
    assert report.diagnostics[0].code == "answers-alike"
    assert str(report).startswith(
        "! answers-alike: the score of class 2 is the same for the picture, its negative"
    )
    assert str(visioncam.doctor(planted_blob(), images[0], Flat())).startswith("! constant-map: ")
    sound = visioncam.doctor(planted_blob(), images[0])
    assert "answers-alike" not in {one.code for one in sound.diagnostics}
    assert str(sound).startswith("model")


class Random(Flat):
    """It has a control's name."""


def test_what_has_a_name_twice_is_measured_apart() -> None:
    images = blobs(3)[0]
    methods = ["gradcam", "Grad-CAM", Flat(), Flat(), Random()]
    several: dict[str, Any] = {"layers": ["features", "auto"], "metrics": ["sparseness", "sparseness"]}
    found = visioncam.evaluate(planted_blob(), images, methods, **several, **QUICK)
    assert {len(one.values) for one in found.results} == {3}
    assert [at.layer for at in found.layers] == ["features"]
    assert found.metrics == ("sparseness", "sparseness2")
    named = [(one.name, one.title) for one in found.layers[0].subjects if one.kind == "method"]
    assert named == [
        ("gradcam", "Grad-CAM"), ("gradcam2", "Grad-CAM 2"), ("flat", "Flat"), ("flat2", "Flat 2"),
        ("random2", "Random 2"),
    ]  # fmt: skip


class Broken(Flat):
    """It gives no map."""

    def __call__(self, evidence: Any) -> Any:
        return super().__call__(evidence) * np.nan


def test_methods_without_any_number_are_not_said_to_be_worse_than_noise() -> None:
    found = visioncam.evaluate(planted_blob(), blobs(9)[0], [Broken()], metrics=["deletion"], **QUICK)
    assert found.verdict[0] == "Use none of the maps: no conclusion can be drawn"
    assert found.verdict[1].startswith("No method has a number for deletion on any picture")
