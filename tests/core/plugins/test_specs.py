"""Names as people write them, and rows that say what is wrong with them."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import pytest
from helpers.plugins import LocalCAM, spec

from visioncam_core.errors import (
    PluginError,
)
from visioncam_core.plugins import hookspecs
from visioncam_core.plugins.specs import RendererSpec
from visioncam_core.text import brief, listing, nearest, normalise, not_found


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("Grad-CAM++", "gradcamplusplus"),
        ("grad_cam plus plus", "gradcamplusplus"),
        ("Grad\u2011CAM", "gradcam"),  # the dash that PDFs give
        ("XGradCAM", "xgradcam"),
    ],
)
def test_spellings_of_one_name(spelling: str, expected: str) -> None:
    assert normalise(spelling) == expected


def test_nearest_names() -> None:
    names = ["gradcam", "gradcamplusplus", "scorecam", "tabby, tabby cat"]
    assert nearest("grad-cam ++", names)[0] == "gradcamplusplus"
    assert nearest("scorcam", names)[0] == "scorecam"
    assert nearest("tabby", names) == ["tabby, tabby cat"]
    assert nearest("zzzz", names) == []


def test_error_for_an_unknown_name_offers_and_lists() -> None:
    error = not_found("method", "grdcam", ["gradcam", "scorecam"], also=["saliency"])
    assert str(error) == "unknown method 'grdcam'; did you mean 'gradcam'? known: 'gradcam', 'scorecam'"
    assert "did you mean 'saliency'" in str(not_found("renderer", "salency", ["overlay"], also=["saliency"]))
    assert "known: none" in str(not_found("method", "x", []))


def test_long_values_and_lists_are_cut() -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    assert len(brief("x" * 1000)) == 120
    assert brief(Hostile()) == "<Hostile whose repr raises RuntimeError>"
    assert listing(range(23)).endswith("19 and 3 more")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "Local-CAM++"}, "MethodSpec.name .* 'Local-CAM\\+\\+'; write 'localcamplusplus'"),
        ({"name": None}, "MethodSpec.name .* received None"),
        ({"title": ""}, "MethodSpec.title must be one line of text, received ''"),
        ({"summary": "two\nlines"}, "MethodSpec.summary must be one line"),
        ({"aliases": "lcam"}, "tuple of words, received 'lcam'"),
        ({"aliases": ("a:b",)}, "MethodSpec.aliases must be words without a colon, received 'a:b'"),
        ({"cls": LocalCAM()}, "must be a class, not an instance; received LocalCAM"),
        ({"cls": int}, "attrs class .* received <class 'int'>"),
    ],
)
def test_wrong_rows_say_what_is_wrong(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PluginError, match=words):
        spec(**changes)


def test_wrong_classes_say_what_is_wrong() -> None:
    @attrs.frozen
    class NoCall:
        needs: ClassVar[frozenset[str]] = frozenset()

    @attrs.frozen
    class TwoArguments:
        needs: ClassVar[frozenset[str]] = frozenset()

        def __call__(self, evidence: Any, more: Any) -> Any:
            return evidence

    @attrs.frozen
    class NoDefault:
        power: float
        needs: ClassVar[frozenset[str]] = frozenset()

        def __call__(self, evidence: Any) -> Any:
            return evidence

    @attrs.frozen
    class NoNeeds:
        def __call__(self, evidence: Any) -> Any:
            return evidence

    words = {
        NoCall: r"NoCall has no __call__\(self, evidence\)",
        TwoArguments: r"TwoArguments.__call__ must accept exactly \(self, evidence\)",
        NoDefault: "every option of NoDefault needs a default; these have none: power",
        NoNeeds: "NoNeeds.needs must be a frozenset .* received None",
    }
    for cls, pattern in words.items():
        with pytest.raises(PluginError, match=pattern):
            spec(cls=cls)
    assert RendererSpec("sheet", NoNeeds, "Sheet").cls is NoNeeds  # a renderer needs no `needs`


@pytest.mark.parametrize("hook", hookspecs.HOOKS)
def test_every_hook_is_specified_and_documented(hook: str) -> None:
    function = getattr(hookspecs, hook)
    assert "Returns:" in (function.__doc__ or "")
    assert "return" in function.__annotations__
