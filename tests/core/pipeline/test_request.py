"""One request from keywords: the same fields in Python, in `Settings` and as flags."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import attrs
import pytest

import visioncam
from visioncam.cli.commands.compare import compare
from visioncam.cli.flags import KEYWORDS
from visioncam.cli.request import keywords_of, methods_of
from visioncam_core.errors import NameNotFoundError, OptionTypeError
from visioncam_core.options import option
from visioncam_core.pipeline.request import Request, several_layers, several_methods, side_by_side
from visioncam_core.pipeline.settings import Settings
from visioncam_core.plugins.default import BUILTINS, use_registry
from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.plugins.registry import Registry
from visioncam_core.specs import MethodSpec
from visioncam_methods.gradcam import GradCAM


class Rows:
    def __init__(self, *rows: MethodSpec) -> None:
        self.rows = rows

    @hookimpl
    def visioncam_register_methods(self) -> Any:
        return self.rows


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


def test_a_list_may_name_families_and_each_method_is_there_once() -> None:
    attention = ["rollout", "attentiongradient", "legrad"]
    assert several_methods(None, "attention") == attention
    assert several_methods(None, ["legrad", "attention"]) == ["legrad", *attention[:2]]
    assert several_methods("gradient", None) == ["gradient"]  # one method: an alias of saliency
    assert len(several_methods(None, "every")) == len(visioncam.methods())
    assert several_methods(None, ["all"]) == several_methods(None, None)


def test_commands_name_methods_as_python_does() -> None:
    def named(methods: str | None) -> list[str]:
        context = compare.make_context("compare", ["x.png", *(["--methods", methods] if methods else [])])
        return [spec.name for spec in methods_of(context)]

    assert named(None) == named("all") == several_methods(None, "all")
    assert len(named(None)) == 9
    assert named("gradcam,attention") == ["gradcam", "rollout", "attentiongradient", "legrad"]


def test_singular_and_plural() -> None:
    assert side_by_side("target", None, None, "default") == "default"
    assert side_by_side("target", 1, None) == [1]
    assert side_by_side("target", None, "top2") == "top2"
    assert several_methods("gradcam", None) == ["gradcam"]
    assert several_methods(None, None) == [spec.name for spec in visioncam.methods() if spec.in_all]
    assert several_layers(None, {"layer": "a"}) is None
    assert several_layers(["a"], {}) == ["a"]
    with pytest.raises(OptionTypeError, match="methods is an empty list"):
        several_methods(None, [])
    with pytest.raises(OptionTypeError, match="layer and layers were both given"):
        several_layers(["a"], {"layer": "b"})
    message = "layers takes a list with at least one entry, received 'a'; for a single one use layer="
    with pytest.raises(OptionTypeError, match=message):
        several_layers("a", {})


def test_a_loop_builds_its_request_once_but_never_shares_a_method_that_can_change() -> None:
    @attrs.define
    class Counting:
        needs: ClassVar[frozenset[str]] = frozenset({"activations"})
        calls: int = option(0, help="counts what it has seen")

        def __call__(self, evidence: Any) -> Any:
            self.calls += 1
            return evidence.activations.sum(-1) * self.calls

    with use_registry(Registry(BUILTINS, discover=False)) as registry:
        registry.add_plugin(
            Rows(MethodSpec("counting", Counting, title="Counting", reference="none", summary="a test")),
            "mine",
            "others",
        )
        first, second = (Request.of("counting", {"seed": 1}) for _ in range(2))
        assert first.methods[0].method is not second.methods[0].method
    one, same, other = (Request.of("gradcam", {"seed": seed}) for seed in (1, 1, 2))
    assert one.settings is same.settings
    assert one.methods[0].method is same.methods[0].method
    assert other.settings.seed == 2
    with pytest.raises(OptionTypeError, match="seed"):
        Request.of("gradcam", {"seed": True})  # equal to 1, and no seed


def test_a_plugin_that_comes_later_is_seen() -> None:
    with use_registry(Registry(BUILTINS, discover=False)) as registry:
        with pytest.raises(NameNotFoundError):
            Request.of("gradcam2", {})
        registry.add_plugin(
            Rows(MethodSpec("gradcam2", GradCAM, title="Another name", reference="none", summary="a test")),
            "late",
            "others",
        )
        assert Request.of("gradcam2", {}).methods[0].title == "Another name"
