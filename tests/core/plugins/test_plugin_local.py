"""Plugins that are not installed: a file in progress, an object of a test."""

from __future__ import annotations

import types
from typing import Any

import pytest
from helpers.plugins import OURS, LocalCAM, install, loaded, plugin, select, spec, table, warned

from visioncam_core.plugins.hookspecs import API_VERSION, hookimpl
from visioncam_core.plugins.registry import Registry
from visioncam_core.plugins.specs import RendererSpec


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    install(monkeypatch)
    return Registry(OURS, discover=False)


def test_local_plugin_is_added_and_replaced(registry: Registry) -> None:
    found = registry.add_plugin(plugin([spec()]), "mine")
    assert (found.status, found.distribution, found.hooks) == (
        "loaded",
        "local",
        ("visioncam_register_methods",),
    )
    assert registry.method("local:localcam") is registry.method("localcam")
    registry.add_plugin(plugin([spec(title="Second")]), "mine")
    assert registry.method("localcam").title == "Second"
    assert [one.name for one in registry.plugins()] == ["fake_ours", "mine"]


def test_plugin_for_an_older_version_works(registry: Registry) -> None:
    module = plugin([spec()], VISIONCAM_API_VERSION=API_VERSION - 1)
    found, messages = warned(lambda: registry.add_plugin(module, "mine"))
    assert (found.status, messages) == ("loaded", [])
    assert registry.method("localcam").distribution == "local"


def test_one_module_twice_is_one_clash(registry: Registry) -> None:
    module = plugin([spec()])
    registry.add_plugin(module, "one")
    _, messages = warned(lambda: registry.add_plugin(module, "two"))
    assert len(messages) == 1
    assert "plugin 'two' of local has a problem" in messages[0]
    assert "local provides two methods named 'localcam'; the second is left out" in messages[0]
    assert select(registry, table("a"), "auto").path == "a"


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (
            plugin(None),
            "must return a list of MethodSpec rows, received None; have you forgotten the return?",
        ),
        (plugin(spec()), "have you forgotten the list around it?"),
        (plugin("localcam"), "must return a list of MethodSpec rows, received 'localcam'"),
        (plugin(iter(spec, None)), "more than 1000 rows; is it an endless generator?"),
        (
            plugin([RendererSpec("localsheet", LocalCAM, "x")]),
            "must return MethodSpec rows, received RendererSpec",
        ),
        (plugin([spec(name="else:localcam")]), "'else:localcam'; a name has no colon"),
        (
            plugin([], VISIONCAM_API_VERSION="1"),
            "VISIONCAM_API_VERSION must be an int such as 1, received '1'",
        ),
    ],
)
def test_local_plugin_that_returns_nonsense(registry: Registry, module: types.ModuleType, words: str) -> None:
    found, messages = warned(lambda: registry.add_plugin(module, "mine"))
    assert len(messages) == 1
    assert words in messages[0]
    assert words in found.error
    assert found.status == "failed"
    assert [row.name for row in registry.methods()] == ["gradcam", "smoothcam"]


def test_exception_that_cannot_be_printed(registry: Registry) -> None:
    class SilentError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    class Plugin:
        @hookimpl
        def visioncam_register_methods(self) -> Any:
            raise SilentError

    found, messages = warned(lambda: registry.add_plugin(Plugin(), "silent"))
    assert "SilentError: (its message cannot be printed)" in messages[0]
    assert found.status == "failed"


def test_wrapper_is_refused(registry: Registry) -> None:
    class Plugin:
        @hookimpl(wrapper=True)
        def visioncam_select_layer(self, table: Any, query: Any) -> Any:
            return (yield)

    found, _ = warned(lambda: registry.add_plugin(Plugin(), "wrapper"))
    assert "visioncam_select_layer is a wrapper" in found.error


def test_a_broken_plugin_is_told_once_and_a_clash_ends_with_its_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, "clash", "raises")
    registry = Registry(OURS)
    assert len(loaded(registry)) == 2
    _, messages = warned(lambda: registry.add_plugin(plugin([spec(name="freecam")]), "mine"))
    assert messages == []
    (clash,) = [one.error for one in registry.plugins() if one.name == "clash"]
    assert clash.count("'gradcam' is taken") == 1
    assert "also comes from local" in clash
    registry.add_plugin(plugin([spec()]), "mine")
    (clash,) = [one.error for one in registry.plugins() if one.name == "clash"]
    assert "also comes from local" not in clash
