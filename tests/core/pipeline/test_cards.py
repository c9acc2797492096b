"""Cards: attached to a model without touching or keeping it."""

from __future__ import annotations

import gc
import weakref

import pytest

from visioncam_core.engine.model_card import ModelCard, card_of, set_model_card
from visioncam_core.errors import ModelError


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
