"""What the doctor says of a model that does not say how its pictures are preprocessed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import visioncam
from visioncam import demo
from visioncam_core.images.preprocessing import preprocessing_for

CHELSEA = Path(__file__).resolve().parents[3] / "examples" / "chelsea.png"


@pytest.fixture(scope="module")
def model() -> Any:
    return demo.load()


def trained_with(kind: str, model: Any) -> Any:
    """Return the embedded model as if it had been trained with a preprocessing that it does not say."""
    import keras

    pixels = np.concatenate([np.eye(3), np.zeros((1, 3)), np.full((1, 3), 0.4)]).astype(np.float32) * 255
    given = preprocessing_for(None, kind).function(pixels[:, None, None])[:, 0, 0]
    back = np.linalg.lstsq(np.c_[given, np.ones(5)], demo.preprocess(pixels), rcond=None)[0]
    image, first = keras.Input((224, 224, 3)), keras.layers.Conv2D(3, 1)
    found = keras.Model(image, model(first(image)))
    first.set_weights([back[None, None, :3], back[3]])
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "photo", "best", "words"),
    [
        (
            "caffe",
            "coffee.png",
            "caffe",
            r"'caffe' \(BGR .*confident answer, class 967 at 90%; the next, 'none'",
        ),
        (
            "none",
            "chelsea.png",
            "",
            r"none is clearly the one .*unlikely on this photo: 'torch', 'unit', 'tf'",
        ),
    ],
)
def test_the_doctor_tries_the_usual_preprocessings(
    model: Any, kind: str, photo: str, best: str, words: str
) -> None:
    report = visioncam.doctor(trained_with(kind, model), CHELSEA.with_name(photo))
    assert re.search(words, report.facts["tried"]), report.facts["tried"]
    assert report.keywords["preprocess"] == (best or "…")


def test_the_doctor_tries_none_where_the_model_says_it_or_is_sure_of_anything(model: Any) -> None:
    import keras

    assert "tried" not in visioncam.doctor(model, CHELSEA).facts
    layers = keras.layers
    sure = keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(2, 3), layers.GlobalMaxPooling2D()])
    sure.layers[0].bias.assign([900.0, 0.0])
    assert "none is clearly the one" in visioncam.doctor(sure, CHELSEA).facts["tried"]
