"""How a name becomes an object."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.plugins import OURS, LocalCAM, install

import visioncam
from visioncam_core.errors import (
    NameNotFoundError,
    OptionError,
    OptionTypeError,
    VisionCamError,
)
from visioncam_core.options.fields import describe_options
from visioncam_core.plugins.registry import Registry


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    install(monkeypatch)
    return Registry(OURS, discover=False)


def test_names_find_rows(registry: Registry) -> None:
    assert [row.name for row in registry.methods()] == ["gradcam", "smoothcam"]
    assert registry.method("Smooth CAM++") is registry.method("smoothcam") is registry.methods()[1]
    assert registry.renderer("SALIENCY").name == "overlay"
    with pytest.raises(
        NameNotFoundError, match=r"unknown method 'gradcan'; did you mean 'gradcam'\? known: 'gra"
    ):
        registry.method("gradcan")
    with pytest.raises(NameNotFoundError, match="unknown renderer 'pie'"):
        registry.renderer("pie")
    with pytest.raises(NameNotFoundError, match="unknown method 'other:gradcam'; did you mean"):
        registry.method("other:gradcam")
    with pytest.raises(
        OptionTypeError, match=r"method must be a name or a method object, received 5 \(int\)"
    ):
        registry.method(5)  # type: ignore[arg-type]


def test_name_and_options_make_an_object(registry: Registry) -> None:
    row, method = registry.make_method("smoothcam", {"samples": 3})
    assert row is registry.method("smoothcam")
    assert repr(method) == "SmoothCAM(samples=3)"
    assert registry.make_method(registry.methods()[0]) == registry.make_method("gradcam")
    with pytest.raises(
        OptionTypeError, match=r"method 'smoothcam' has no option 'sample'; did you mean 'samples'\?"
    ):
        registry.make_method("smoothcam", {"sample": 3})
    with pytest.raises(OptionTypeError, match="'gradcam' has no option 'samples'; it takes no options"):
        registry.make_method("gradcam", {"samples": 3})
    with pytest.raises(OptionError, match="option 'alpha' of Overlay must be between 0 and 1, received 2"):
        registry.make_renderer("overlay", {"alpha": 2})


def test_object_passes_through(registry: Registry) -> None:
    cls: Any = registry.method("smoothcam").cls
    method = cls(samples=4)
    assert registry.make_method(method) == (registry.method("smoothcam"), method)
    assert registry.make_method(LocalCAM()) == (None, LocalCAM())
    with pytest.raises(
        OptionTypeError, match=r"options 'samples' .* SmoothCAM\(samples=4\); give them to the obj"
    ):
        registry.make_method(method, {"samples": 3})
    with pytest.raises(OptionTypeError, match=r"method=SmoothCAM is a class; have you forgotten the \(\)\?"):
        registry.make_method(cls)
    with pytest.raises(OptionTypeError, match=r"renderer must be a name .* received None \(NoneType\)"):
        registry.make_renderer(None)


@pytest.mark.parametrize("kind", ["method", "renderer"])
def test_no_option_of_any_built_in_takes_what_it_is_not(kind: str) -> None:
    """Generated from the fields, so that a new option is covered the day it is written."""
    registry = visioncam.registry()
    make = registry.make_method if kind == "method" else registry.make_renderer
    specs = [row for row in getattr(visioncam, f"{kind}s")() if row.distribution in ("", "visioncam")]
    taken = []
    for spec in specs:
        for info in describe_options(spec.cls):
            for wrong in (object(), b"x", {"a": 1}, float("nan"), -(10**40), "\0"):
                try:
                    make(spec.name, {info.name: wrong})
                except VisionCamError as error:
                    silent = info.name not in str(error)
                else:
                    silent = True
                if silent:
                    taken.append((spec.name, info.name, wrong))
    assert len(specs) > 5
    free = {("sheet", "tile_options"), ("sheet", "renderer")}  # anything that can be called, any mapping
    assert [row for row in taken if row[:2] not in free] == []
