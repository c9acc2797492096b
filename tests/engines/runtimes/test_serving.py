"""Models of a server that speaks as TensorFlow Serving does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cli import run
from helpers.closed_models import serving, signature
from helpers.functions import SIZE, linear
from helpers.hide_one import HideOne

import visioncam
from visioncam_core.errors import ModelError, OptionError
from visioncam_core.plugins.default import registry

META = "/v1/models/linear/metadata"


@pytest.fixture
def picture(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (*SIZE, 3), np.uint8)


@pytest.mark.parametrize("bare", [True, False])
def test_a_map_is_the_functions_own(bare: bool, picture: np.ndarray) -> None:
    told = signature(scores="DT_FLOAT") if bare else signature(other="DT_STRING", scores="DT_FLOAT")
    wanted = visioncam.explain(visioncam.blackbox(linear, SIZE), picture, HideOne(hidden="black"), target=1)
    with serving({META: (200, told)}, bare) as (url, server):
        for address in (url, f"{url}:predict", f"{url}/"):
            model = visioncam.load_model(address)
            found = visioncam.explain(model, picture, HideOne(hidden="black"), target=1, preprocess=None)
            np.testing.assert_allclose(found.raw, wanted.raw, atol=1e-5)
            engine = registry().engine_of(model)
            assert engine.unpack(engine.pack(model)).inputs == model.inputs
        assert set(server.asked) == {META, "/v1/models/linear:predict"}


def test_without_a_signature_the_picture_keeps_its_size(picture: np.ndarray) -> None:
    with serving({"/v1/models/linear": (200, {})}) as (url, _):
        found = visioncam.explain(visioncam.load_model(url), picture, HideOne(), preprocess=None)
    assert found.score == pytest.approx(linear(picture[None])[0].max(), rel=1e-5)


def test_commands_take_an_address(picture: np.ndarray, tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(picture).save(tmp_path / "a.png")
    with serving({META: (200, signature(scores="DT_FLOAT"))}) as (url, _):
        line = ("--method", "occlusion", "--preprocess", "none", "-o", tmp_path / "out")
        done = run("explain", tmp_path / "a.png", "--model", url, *line)
        assert done.code == 0, done.stderr
        with pytest.raises(OptionError, match=r"'gradcam' needs gradients.* 'served' does not provide"):
            visioncam.explain(visioncam.load_model(url), picture, "gradcam")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            (500, {"error": "out of memory"}),
            r"linear:predict: answered with status 500: it says 'out of memory'",
        ),
        ((200, b"<html>"), r"linear:predict: answered with status 200: it says '<html>'; check the name"),
        ((200, {"predictions": [[1.0, 2.0]] * 9}), r"answered 9 predictions for 1 instances"),
        (
            (200, {"predictions": [["cat", "dog"]]}),
            r"answered \['cat', 'dog'\] for a picture .*, and numbers",
        ),
        (
            (200, {"predictions": [[float("nan"), 1.0]]}),
            r"the served model .* returned 1 values that are NaN",
        ),
    ],
)
def test_what_a_server_does_wrong_is_said(answer: Any, words: str, picture: np.ndarray) -> None:
    answers = {META: (200, signature(scores="DT_FLOAT")), "/v1/models/linear:predict": answer}
    with serving(answers) as (url, _), pytest.raises(ModelError, match=words):
        visioncam.explain(visioncam.load_model(url), picture, HideOne(), preprocess=None)


def test_no_model_and_no_server_are_said() -> None:
    with serving() as (url, server):
        with pytest.raises(
            ModelError, match=rf"{url}: answered with status 404: it says 'Servable not found'"
        ):
            visioncam.load_model(url)
        server.answers |= {META: (302, {}), "/v1/models/linear": (302, {})}
        server.headers["Location"] = f"{url}/elsewhere"
        with pytest.raises(ModelError, match=r"status 302: it points elsewhere, which is not followed"):
            visioncam.load_model(url)
        assert not any("elsewhere" in one for one in server.asked)
        server.headers.clear()
        server.answers[META] = (200, {"metadata": {}})
        with pytest.raises(ModelError, match=r"linear/metadata: has no signature that is understood"):
            visioncam.load_model(url)
    with pytest.raises(
        ModelError, match=rf"{url}/metadata: cannot be reached \(.*\); check that the server runs"
    ):
        visioncam.load_model(url)


@pytest.mark.parametrize(
    "address",
    [
        "http://h:8501/v1/models/",
        "http://h/models/m",
        "https://user:secret@h/v1/models/m",
        "http://h/v1/models/m#a",
    ],
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(ModelError, match=r"is not the address of a model; write http://host:8501") as told:
        visioncam.load_model(address)
    assert "secret" not in str(told.value)
