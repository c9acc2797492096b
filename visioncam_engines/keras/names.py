"""Networks of `keras.applications` by name, as in `keras:ResNet50`, and weights from a file."""

from __future__ import annotations

import os
import random
from typing import Any

from visioncam_core.engine.model_card import ModelCard, set_model_card
from visioncam_core.engine.model_name import NO_WEIGHTS, ModelName
from visioncam_core.errors import ModelError, ModelNotFoundError, UnsafeModelError
from visioncam_core.images.files import quoted
from visioncam_core.text import error_text
from visioncam_engines.demo.card import class_names
from visioncam_engines.keras.files.hdf5 import check_hdf5

SCHEME = "keras"


def load_named(name: ModelName) -> Any:
    """Return a network of `keras.applications`, with ImageNet's weights unless the name says otherwise.

    Without weights it is the same network each time.
    """
    import keras

    known = [one for one, made in vars(keras.applications).items() if one[0].isupper() and callable(made)]
    if name.name not in known:
        raise name.unknown(known)
    build = getattr(keras.applications, name.name)
    if name.weights == NO_WEIGHTS:
        state = random.getstate()
        random.seed(0)  # where Keras draws the seeds of its initialisers from
        try:
            return name.build(lambda: build(weights=None), "")
        finally:
            random.setstate(state)
    weights = name.weights or "imagenet"
    place = f"{weights!r} of keras.applications, from storage.googleapis.com"
    model = name.build(lambda: build(weights=weights), place)
    if weights == "imagenet":
        set_model_card(model, ModelCard(tuple(class_names())))
    return model


def fill(model: Any, path: str | os.PathLike[str]) -> None:
    """Set a Keras model's weights to those in an HDF5 file."""
    name = quoted(os.fsdecode(os.fspath(path)))
    try:
        problems = check_hdf5(path).problems
    except FileNotFoundError as error:
        raise ModelNotFoundError(f"{name}: no such file of weights; check the path") from error
    except Exception as error:  # h5py and the system have errors of their own
        raise ModelError(
            f"{name}: is not an HDF5 file ({error_text(error)}); save the weights with "
            "model.save_weights('name.weights.h5')"
        ) from error
    if problems:
        raise UnsafeModelError(f"{name}: {'; '.join(problems[:3])}; it is not loaded")
    try:
        model.load_weights(os.fspath(path))
    except Exception as error:  # a file can make its reader raise anything
        raise ModelError(
            f"{name}: holds the weights of another model ({error_text(error)}); build the model "
            "that they were saved from"
        ) from error
