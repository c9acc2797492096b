"""One request from keywords: the same fields in Python, in `Settings` and as flags."""

from __future__ import annotations

import inspect

import attrs
import pytest

import visioncam
from visioncam.cli.flags import KEYWORDS
from visioncam.cli.request import keywords_of
from visioncam_core.errors import OptionTypeError
from visioncam_core.pipeline.request import Request, several_layers, several_methods, side_by_side
from visioncam_core.pipeline.settings import Settings


def test_explain_takes_every_setting_with_the_same_default() -> None:
    parameters = inspect.signature(visioncam.explain).parameters
    settings = {field.name: field.default for field in attrs.fields(Settings)}
    assert settings == {name: parameters[name].default for name in settings}
    others = {"model", "image", "method", "target", "method_options"}
    assert set(parameters) == {*settings, *others}
    assert set(KEYWORDS) == set(settings)


def test_flags_make_the_request_that_keywords_make() -> None:
    flags = keywords_of({"layer": ("-1", "conv"), "output": "2", "seed": 3, "image": "x", "target": "1"})
    assert flags == {"layer": [-1, "conv"], "output": 2, "seed": 3}
    assert keywords_of({"layer": ()}) == {}
    assert attrs.asdict(Request.of("gradcam", flags).settings) == attrs.asdict(Settings(**flags))


def test_an_option_goes_to_the_methods_that_have_it_and_made_methods_stay() -> None:
    request = Request.of(["gradcam", "scorecam"], {"weights": "probability", "seed": 7}, target=3)
    assert [one.options for one in request.methods] == [
        {},
        {"weights": "probability", "channels": None, "until": None},
    ]
    assert (request.settings.seed, request.target) == (7, 3)
    assert Request.of(request.methods, {}).methods == request.methods
    with pytest.raises(OptionTypeError, match="unknown keyword 'wieghts'; did you mean 'weights'"):
        Request.of(["gradcam", "scorecam"], {"wieghts": "probability"})


def test_singular_and_plural() -> None:
    assert side_by_side("target", None, None, "default") == "default"
    assert side_by_side("target", 1, None) == [1]
    assert side_by_side("target", None, "top2") == "top2"
    assert several_methods("gradcam", None) == ["gradcam"]
    assert several_methods(None, None) == [spec.name for spec in visioncam.methods()]
    assert several_layers(None, {"layer": "a"}) is None
    assert several_layers(["a"], {}) == ["a"]
    with pytest.raises(OptionTypeError, match="methods is an empty list"):
        several_methods(None, [])
    with pytest.raises(OptionTypeError, match="layer and layers were both given"):
        several_layers(["a"], {"layer": "b"})
    message = "layers takes a list with at least one entry, received 'a'; for a single one use layer="
    with pytest.raises(OptionTypeError, match=message):
        several_layers("a", {})
