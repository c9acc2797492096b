"""What pixels become before a model sees them, and values that cannot be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tf_keras
from helpers.networks.preprocessing import BATCH, SIDE, head, mobilenet, preprocessing_for, small
from keras import layers

from visioncam_core.errors import ImageError, OptionError, OptionTypeError
from visioncam_core.images.preprocessing import check_range
from visioncam_engines.keras.hints import preprocessing_of


@pytest.fixture(name="mobilenet")
def mobilenet_fixture() -> Any:
    return mobilenet()


# ------------------------------------------------------------------ the functions


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
def test_the_modes_are_keras_own(mode: str) -> None:
    wanted = keras.applications.imagenet_utils.preprocess_input(BATCH.copy(), mode=mode)
    before = BATCH.copy()
    preprocessing = preprocessing_for(None, mode)
    got = preprocessing.function(BATCH)
    assert got.dtype == np.float32
    assert np.allclose(got, wanted, atol=1e-4)
    assert np.array_equal(BATCH, before)
    low, high = preprocessing.expected_range
    corners = preprocessing.function(np.float32([[[[0, 0, 0]], [[255, 255, 255]]]]))
    assert (corners.min(), corners.max()) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))


def test_the_other_settings() -> None:
    for setting in (None, "none"):
        assert np.array_equal(preprocessing_for(None, setting).function(BATCH), BATCH)
        assert preprocessing_for(None, setting).expected_range is None
    assert np.allclose(preprocessing_for(None, "unit").function(BATCH), BATCH / 255)
    imagenet = preprocessing_for(None, "imagenet")
    assert imagenet.name == "torch"
    assert np.array_equal(imagenet.function(BATCH), preprocessing_for(None, "torch").function(BATCH))


def test_a_callable_gets_a_copy_and_is_checked() -> None:
    def in_place(batch: np.ndarray) -> np.ndarray:
        batch /= 2
        return batch

    before = BATCH.copy()
    halved = preprocessing_for(None, in_place)
    assert np.allclose(halved.function(BATCH), before / 2)
    assert np.array_equal(BATCH, before)
    assert (halved.name, halved.known, halved.expected_range) == ("in_place", True, None)
    with pytest.raises(OptionError, match=r"given, \(2, 4, 5, 3\); it returned float32 of shape \(2, 4, 5\)"):
        preprocessing_for(None, lambda batch: batch[..., 0]).function(BATCH)
    with pytest.raises(
        OptionError, match=r"preprocess=<lambda> failed on a batch of shape \(2, 4, 5, 3\): integer"
    ):
        preprocessing_for(None, lambda batch: 1 // 0).function(BATCH)


def test_wrong_settings_are_named() -> None:
    with pytest.raises(
        OptionError, match=r"unknown preprocess 'cafe'; did you mean 'caffe'\? known: 'auto', 'none'"
    ):
        preprocessing_for(None, "cafe")
    with pytest.raises(OptionTypeError, match="a name, a callable or None; received 3"):
        preprocessing_for(None, 3)
    for mode in ("torch", "caffe"):
        with pytest.raises(ImageError, match=f"preprocess='{mode}' is for 3 channels .* this input has 1"):
            preprocessing_for(None, mode).function(BATCH[..., :1])


# ------------------------------------------------------------------ the model's own scaling


def nested(*front: Any) -> Any:
    inner = keras.Sequential([keras.Input(SIDE), *front, layers.Conv2D(4, 3)])
    return keras.Sequential(
        [keras.Input(SIDE), layers.RandomFlip(), inner, layers.Flatten(), layers.Dense(2)]
    )


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.rescale = layers.Rescaling(1 / 255)
        self.conv = layers.Conv2D(4, 3)

    def call(self, inputs: Any) -> Any:
        return self.conv(self.rescale(inputs))


def subclassed() -> Any:
    model = Subclassed()
    model(np.zeros((1, *SIDE), np.float32))
    return model


def time_distributed() -> Any:
    inner = keras.Sequential([keras.Input(SIDE), layers.Rescaling(1 / 127.5, -1), layers.Conv2D(4, 3)])
    return keras.Sequential([keras.Input((3, *SIDE)), layers.TimeDistributed(inner), layers.Flatten()])


def adapted(scale: float) -> Any:
    layer = layers.Normalization()
    layer.adapt(np.random.default_rng(0).random((8, *SIDE), np.float32) * scale)
    return small(layer)


def legacy(*front: Any) -> Any:
    return tf_keras.Sequential(
        [tf_keras.Input(SIDE), *front, tf_keras.layers.Conv2D(4, 3), tf_keras.layers.Flatten()]
    )


OWN: dict[str, tuple[Callable[[], Any], str]] = {
    "rescaling": (lambda: small(layers.Rescaling(1 / 255)), "none"),
    "to -1..1": (lambda: small(layers.Rescaling(1 / 127.5, offset=-1)), "none"),
    "offset only": (lambda: small(layers.Rescaling(1.0, offset=-127)), "none"),
    "per channel": (lambda: small(layers.Rescaling([1 / 58, 1 / 57, 1 / 57], [-2.1, -2.0, -1.8])), "none"),
    "behind augmentation": (lambda: small(layers.RandomRotation(0.1), layers.Rescaling(1 / 255)), "none"),
    "nested": (lambda: nested(layers.Rescaling(1 / 255)), "none"),
    "subclassed": (subclassed, "none"),
    "time distributed": (time_distributed, "none"),
    "normalization of 0..255": (lambda: adapted(255), "none"),
    "normalization of 0..1": (lambda: adapted(1), "unit"),
    "rescaling of 0..1": (lambda: small(layers.Rescaling(2.0, offset=-1)), "unit"),
    "0..1 made 0..255, then centred": (
        lambda: small(layers.Rescaling(255.0), layers.Rescaling(1, -120)),
        "unit",
    ),
    "both": (lambda: small(layers.Rescaling(1 / 255), layers.Normalization(mean=0.5, variance=0.06)), "none"),
    "tf_keras": (lambda: legacy(tf_keras.layers.Rescaling(1 / 255)), "none"),
    "tf_keras normalization": (
        lambda: legacy(tf_keras.layers.Normalization(mean=0.5, variance=0.06)),
        "unit",
    ),
    "EfficientNet": (lambda: keras.applications.EfficientNetB0(weights=None, include_top=False), "none"),
    "MobileNetV3": (
        lambda: keras.applications.MobileNetV3Small(weights=None, input_shape=SIDE, include_top=False),
        "none",
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_the_models_own_scaling_is_left_to_it(name: str) -> None:
    model, wanted = OWN[name][0](), OWN[name][1]
    preprocessing = preprocessing_for(model)
    assert preprocessing.known
    assert "the model's own " in preprocessing.why
    assert np.allclose(preprocessing.function(BATCH), BATCH if wanted == "none" else BATCH / 255)
    assert preprocessing.expected_range == ((0, 255) if wanted == "none" else (0, 1))
    assert preprocessing_of(model)[0] == wanted


def test_scaling_behind_the_first_weights_is_no_preprocessing() -> None:
    model = keras.Sequential([keras.Input(SIDE), layers.Conv2D(4, 3), layers.Rescaling(1 / 255)])
    assert not preprocessing_for(model).known
    assert preprocessing_of(model)[0] == ""


@pytest.mark.parametrize("module", ["mobilenet_v2", "resnet", "densenet"])
@pytest.mark.parametrize("library", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_preprocess_input_inside_the_model_is_seen(library: Any, module: str) -> None:
    """Keras's own tutorial on transfer learning writes it this way."""
    base = library.applications.MobileNetV2(weights=None, include_top=False, alpha=0.35, input_shape=SIDE)
    inputs = library.Input(SIDE)
    model = library.Model(
        inputs, head(base(getattr(library.applications, module).preprocess_input(inputs)), library)
    )
    preprocessing = preprocessing_for(model)
    assert (preprocessing.name, preprocessing.known) == ("none", True)
    assert "arithmetic on its input" in preprocessing.why


def test_a_lambda_in_front_is_not_guessed_at(mobilenet: Any) -> None:
    inputs = keras.Input(SIDE)
    model = keras.Model(inputs, head(mobilenet(layers.Lambda(lambda x: x / 127.5 - 1, name="scale")(inputs))))
    preprocessing = preprocessing_for(model)
    assert not preprocessing.known
    assert "layer 'scale' comes before the first weights and may or may not preprocess" in preprocessing.why


# ------------------------------------------------------------------ ranges that cannot fit

PIXELS = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("batch", "setting", "words"),
    [
        (
            PIXELS / 255,
            "rescaling",
            "almost nothing, but the model takes 0..255 (the model's own Rescaling layer",
        ),
        (PIXELS / 127.5 - 1, "rescaling", "almost nothing, but the model takes 0..255"),
        (PIXELS - 128, "rescaling", "but the model takes 0..255"),
        (PIXELS, "tf", "but the model takes -1..1 (as requested: 'tf')"),
        (PIXELS / 255, "tf", "which looks like 0..1, but the model takes -1..1"),
        (PIXELS, "torch", "but the model takes -2.12..2.64"),
        (PIXELS / 255, "torch", "which looks like 0..1, but"),
        (PIXELS / 255, "caffe", "almost nothing, but"),
        (PIXELS, "caffe", "but the model takes -123.68..151.061"),
        (PIXELS, "unit", "but the model takes 0..1"),
    ],
)
def test_a_range_that_cannot_fit_is_told(batch: np.ndarray, setting: str, words: str) -> None:
    wanted = preprocessing_for(
        small(layers.Rescaling(1 / 255)) if setting == "rescaling" else None,
        "auto" if setting == "rescaling" else setting,
    )
    message = check_range(batch, wanted)
    assert message is not None
    assert words in message
    assert message.startswith(f"values lie in {batch.min():.4g}..{batch.max():.4g}, ")


@pytest.mark.parametrize("setting", ["tf", "torch", "caffe", "unit"])
def test_every_preprocessing_fits_itself(setting: str) -> None:
    wanted = preprocessing_for(None, setting)
    for pixels in (PIXELS, PIXELS / 8 // 1, 200 + PIXELS // 8):
        assert check_range(wanted.function(pixels), wanted) is None


def test_unusual_but_possible_pictures_pass() -> None:
    wanted = preprocessing_for(small(layers.Rescaling(1 / 255)))
    dark = PIXELS // 100
    for batch in (
        PIXELS,
        dark,
        np.zeros_like(PIXELS),
        120 + PIXELS / 255,
        np.full_like(PIXELS, np.nan),
        PIXELS[:0],
    ):
        assert check_range(batch, wanted) is None
    assert check_range(PIXELS / 255, preprocessing_for(small())) is None  # nothing known, nothing said
    asked = preprocessing_for(None, None)
    assert check_range(PIXELS / 255, asked) is None
    assert "the model's own Rescaling layer" in str(check_range(PIXELS / 255, wanted))
