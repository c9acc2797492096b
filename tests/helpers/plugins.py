"""Put fake distributions on the path, and see what is warned about them."""

from __future__ import annotations

import sys
import types
import warnings
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import attrs
import pytest

from helpers.fake_plugins import fake
from visioncam_core.engine.layer_table import LayerChoice, LayerRow, LayerTable
from visioncam_core.errors import PluginWarning
from visioncam_core.layers.choose import select_layer
from visioncam_core.plugins.default import use_registry
from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.plugins.records import PluginInfo
from visioncam_core.plugins.registry import Registry
from visioncam_core.plugins.specs import MethodSpec

OURS = ("fake_ours",)
T = TypeVar("T")


def install(monkeypatch: pytest.MonkeyPatch, *fakes: str) -> None:
    """Make the stand-in built-in importable, and these fake distributions installed and the only ones."""
    for name in [name for name in sys.modules if name.startswith("fake_")]:
        del sys.modules[name]
    for name in ("ours", *fakes):
        monkeypatch.syspath_prepend(fake(name))
    monkeypatch.setenv("VISIONCAM_PLUGINS", ",".join(distribution(name) for name in fakes))


def distribution(fake: str) -> str:
    """Return the name of a fake's distribution."""
    return "fake-" + fake.replace("_", "-")


def warned(call: Callable[[], T]) -> tuple[T, list[str]]:
    """Return what the call returns, and the plugin warnings it gave; any other warning is an error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        warnings.simplefilter("always", PluginWarning)
        result = call()
    return result, [str(one.message) for one in caught]


def select(registry: Registry, table: LayerTable, query: object) -> LayerChoice:
    """Return the layer that a registry's selectors answer a query with."""
    with use_registry(registry):
        return select_layer(table, query)


def loaded(registry: Registry) -> list[str]:
    """Load the registry and return the plugin warnings."""
    return warned(registry.plugins)[1]


def info(registry: Registry, fake: str) -> PluginInfo:
    """Return what became of a fake distribution."""
    return next(one for one in registry.plugins() if one.distribution == distribution(fake))


def table(*paths: str) -> LayerTable:
    """Return a table of layers with these paths."""
    rows = tuple(
        LayerRow(path, path, "Conv2D", (4, 4, 2), None, (), (0,), True, index=number)
        for number, path in enumerate(paths)
    )
    return LayerTable(rows, (8, 8))


@attrs.frozen
class LocalCAM:
    """A method that returns its evidence."""

    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Any) -> Any:
        return evidence


def spec(**changes: Any) -> MethodSpec:
    """Return a row that is right, but for the changes."""
    fields: dict[str, Any] = {"name": "localcam", "cls": LocalCAM, "title": "Local-CAM"}
    return MethodSpec(**(fields | {"reference": "none", "summary": "A test."} | changes))


def plugin(*answers: Any, name: str = "local_plugin", **attributes: Any) -> types.ModuleType:
    """Return a module whose method hook returns the answer."""
    module = types.ModuleType(name)

    @hookimpl
    def visioncam_register_methods() -> Any:
        return answers[0]

    vars(module).update({"visioncam_register_methods": visioncam_register_methods, **attributes})
    return module
