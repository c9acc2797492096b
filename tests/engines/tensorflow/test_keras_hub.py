"""KerasHub: its preprocessors are read, its backbones refused; look-alikes stand for it."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.hub import BACKBONES, PADDED, SQUEEZED, classifier
from PIL import Image

import visioncam
from visioncam.targets import Similarity
from visioncam_core.errors import TargetError
from visioncam_engines.keras.hub import steps_of

CAT = np.asarray(Image.open(Path(__file__).parents[3] / "examples" / "chelsea.png").convert("RGB"))
SIZE = (32, 24)
FITTED = ({}, SQUEEZED, PADDED)
FILTERS = ("bilinear", "bicubic", "nearest")


class ImageConverter(keras.layers.Layer):
    __module__ = "keras_hub.like"

    def __init__(
        self, image_size: Any = SIZE, scale: Any = 1.0, offset: Any = 0.0, crop_to_aspect_ratio: bool = True,
        pad_to_aspect_ratio: bool = False, interpolation: str = "bilinear", antialias: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.image_size, self.scale, self.offset = image_size, scale, offset
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.interpolation, self.antialias = interpolation, antialias
        self.resizing = keras.layers.Resizing(
            *image_size, interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, antialias=antialias
        )

    def call(self, x: Any) -> Any:
        return self.resizing(x) * keras.ops.array(self.scale) + keras.ops.array(self.offset)


class ImageClassifierPreprocessor(keras.layers.Layer):
    __module__ = "keras_hub.like"

    def __init__(self, image_converter: Any) -> None:
        super().__init__()
        self.image_converter = image_converter

    def call(self, x: Any) -> Any:
        return self.image_converter(x)


class Backbone(keras.Model):
    __module__ = "keras_hub.like"

    def __init__(self, **keywords: Any) -> None:
        image = keras.Input((*SIZE, 3))
        first = keras.layers.Conv2D(4, 3, activation="relu")(image)
        super().__init__(image, keras.layers.Conv2D(4, 3, activation="relu")(first), **keywords)


class Task(keras.Model):
    __module__ = "keras_hub.like"

    def __init__(self, preprocessor: Any) -> None:
        backbone = Backbone()
        pooled = keras.layers.GlobalAveragePooling2D()(backbone(backbone.input))
        super().__init__(backbone.input, keras.layers.Dense(3)(pooled))
        self.backbone, self.preprocessor = backbone, preprocessor


SCALES = {"scale": [1 / 58, 1 / 57, 1 / 56], "offset": [-2.1, -2.0, -1.9]}


def given(model: Any, picture: np.ndarray = CAT, **keywords: Any) -> np.ndarray:
    """Return what a model is given for a picture."""
    return np.asarray(visioncam.explainer(model, **keywords).reader.read(picture)[0][0].flat[0])


@pytest.mark.parametrize(
    ("fitted", "filter_", "antialias"), [*itertools.product(FITTED, FILTERS, (False, True))]
)
@pytest.mark.parametrize("shape", [(300, 451), (300, 190), (20, 90)])
def test_pictures_are_made_ready_as_the_preprocessor_does_it(
    fitted: dict[str, bool], filter_: str, antialias: bool, shape: tuple[int, int]
) -> None:
    converter = ImageConverter(**SCALES, **fitted, interpolation=filter_, antialias=antialias)
    picture = CAT[: shape[0], : shape[1]]
    steps = steps_of(ImageClassifierPreprocessor(converter))
    found = steps.preprocess(steps.geometry(shape, SIZE).apply(picture))
    back = [
        (values - SCALES["offset"]) / SCALES["scale"] for values in (found, converter(picture.astype(float)))
    ]
    off = np.abs(back[0] - np.clip(back[1], 0, 255)).max(-1)
    assert (off > 0.6).mean() < (0.05 if filter_ == "nearest" else 1e-9)  # half a row up or down is a tie


def test_the_map_lies_on_the_part_that_the_preprocessor_shows() -> None:
    seen = visioncam.explain(Task(ImageClassifierPreprocessor(ImageConverter(**SCALES))), CAT).heatmap
    assert seen.shape == CAT.shape[:2]
    columns = np.flatnonzero(seen.any(0))
    assert (columns[0] >= 113, columns[-1] < 113 + 225) == (True, True)  # 300 x 225 in the middle of 451
    geometry = steps_of(ImageConverter(**FITTED[2])).geometry(CAT.shape[:2], SIZE)
    top, bottom = geometry.area[0], geometry.area[2]
    assert (geometry.area, (bottom - top) / SIZE[0]) == ((8, 0, 24, 24), 0.5)
    ramp = np.linspace(0, 1, SIZE[0])[:, None] * np.ones(SIZE)
    lit = geometry.project(ramp.astype(np.float32))
    assert lit[0, 0] == pytest.approx(ramp[8, 0], abs=0.02)
    assert lit[-1, 0] == pytest.approx(ramp[23, 0], abs=0.02)


def test_a_preprocessor_or_a_converter_can_be_passed_for_a_backbone_which_has_no_classes() -> None:
    converter = ImageConverter(**SCALES)
    task = Task(ImageClassifierPreprocessor(converter))
    for target in (None, "top2"):
        with pytest.raises(
            TargetError, match=r"output of Backbone is features, not classes.*ImageClassifier"
        ):
            visioncam.explain(task.backbone, CAT, target=target)
    pooled = keras.Sequential([task.backbone, keras.layers.GlobalAveragePooling2D()])
    with pytest.raises(TargetError, match="is features"):
        visioncam.explain(pooled, CAT)
    reference = task.backbone(np.ones((1, *SIZE, 3)))
    for way in (task.preprocessor, converter):
        found = visioncam.explain(task.backbone, CAT, target=Similarity(reference), preprocess=way)
        assert not found.diagnostics
        np.testing.assert_array_equal(given(task.backbone, preprocess=way), given(task))


@pytest.mark.parametrize(
    ("way", "why"),
    [
        (None, "the preprocessor of Task is None"),
        (lambda batch: batch, r"Task \(function\) can be called, but not"),
    ],
)
def test_what_cannot_be_read_is_told(way: Any, why: str) -> None:
    (found,) = visioncam.explain(Task(way), CAT).diagnostics
    assert found.code == "preprocess-unknown"
    assert np.array_equal(given(Task(way)), given(Task(None)))
    assert re.search(why, found.message)


def test_a_call_of_ones_own_is_not_read() -> None:
    class Mine(ImageClassifierPreprocessor):
        def call(self, x: Any) -> Any:
            return x

    assert steps_of(Mine(ImageConverter())) is None
    assert steps_of(ImageConverter(scale=0.0)) is None


@pytest.mark.filterwarnings("ignore:Layer '")  # Keras, of the masks in SwinTransformer
@pytest.mark.parametrize("family", BACKBONES)
def test_kerashubs_own_classifiers(family: str, tmp_path: Path) -> None:
    hub = pytest.importorskip("keras_hub", reason="keras-hub is not installed; it needs tensorflow-text")
    model = classifier(hub, family)
    wanted = np.asarray(model.preprocessor(CAT.astype(np.float32)))
    assert np.abs(given(model)[0] - wanted).max() < 0.6 / 50
    assert visioncam.explain(model, CAT).heatmap.shape == CAT.shape[:2]
    with pytest.raises(TargetError, match=f"the output of {family}Backbone is features"):
        visioncam.explain(model.backbone, CAT)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras", compile=False)
    np.testing.assert_array_equal(given(again), given(model))
