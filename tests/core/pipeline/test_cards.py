"""Cards: attached to a model without touching or keeping it."""

from __future__ import annotations

import gc
import weakref
import zipfile
from pathlib import Path

import numpy as np
import pytest

import visioncam
from visioncam_core.engine.model_card import ModelCard, card_of, set_model_card
from visioncam_core.engine.records import Scaling
from visioncam_core.errors import ModelError
from visioncam_core.images.geometry import CenterCrop
from visioncam_core.images.resize_crop import ResizeCrop
from visioncam_core.pipeline.models import check_file, open_model


def test_a_card_does_not_keep_its_model_alive() -> None:
    import keras

    thing = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    set_model_card(thing, ModelCard(title="small"))
    card = card_of(thing)
    assert card is not None
    assert card.title == "small"
    seen = weakref.ref(thing)
    del thing
    gc.collect()
    assert seen() is None


def test_a_card_for_something_that_is_no_model_is_an_error_that_names_it() -> None:
    assert card_of("efficientnet") is None
    with pytest.raises(ModelError, match="'efficientnet' of type str"):
        set_model_card("efficientnet", ModelCard())


def test_a_second_card_replaces_the_first_and_no_card_is_none() -> None:
    class Model:
        pass

    thing = Model()
    assert card_of(thing) is None
    set_model_card(thing, ModelCard(title="first"))
    set_model_card(thing, ModelCard(title="second"))
    assert card_of(thing) == ModelCard(title="second")
    assert vars(thing) == {}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    import keras

    layers = [keras.layers.Input((8, 8, 3)), keras.layers.Conv2D(2, 3), keras.layers.GlobalAveragePooling2D()]
    keras.Sequential(layers).save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


CARDS = (
    ModelCard(("cat", "dog"), "unit", "center_crop", "Mine", False),
    ModelCard(None, Scaling((0.5, 0.4, 0.3), (0.2, 0.2, 0.1)), ResizeCrop(10, (8, 8))),
    ModelCard(geometry=CenterCrop(0.5)),
)


@pytest.mark.parametrize("card", CARDS)
def test_a_card_in_a_file_comes_back_with_the_model_and_the_file_stays_one_of_keras(
    saved: Path, card: ModelCard
) -> None:
    import keras

    ModelCard(title="an earlier one").save(saved)
    card.save(saved)
    check_file(saved)
    model = open_model(saved)
    assert card_of(model) == card
    label = visioncam.explain(model, np.zeros((9, 9, 3), np.uint8)).target.label
    assert label in (("cat (0)", "dog (1)") if card.class_names else ("class 0", "class 1"))
    again = keras.models.load_model(saved)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))


def test_a_card_that_is_code_or_a_file_that_is_no_model_is_an_error(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="a file cannot hold code, and preprocess="):
        ModelCard(preprocess=lambda batch: batch).save(saved)
    (tmp_path / "x.keras").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"x\.keras' is not a \.keras file; save the model first"):
        ModelCard().save(tmp_path / "x.keras")
    with zipfile.ZipFile(saved, "a") as archive:
        archive.writestr(
            "visioncam.json", '{"class_names": null, "geometry": {"class": "os"}, "preprocess": null}'
        )
    with pytest.raises(ModelError, match=r"m\.keras': its card, visioncam\.json, cannot be read"):
        open_model(saved)
