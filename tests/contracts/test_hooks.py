"""Each hook by its own test, `test_<name of the hook>`; see `test_writing_plugins.py`."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
from helpers.numpy_engine import SPEC, TwoLayers
from helpers.plugins import select, spec

from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.errors import LayerError, ModelError
from visioncam_core.metrics.result import UNASKED, Switches
from visioncam_core.plugins import hookspecs
from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.plugins.specs import MetricSpec, RendererSpec
from visioncam_core.testing import isolated_registry, make_table


@attrs.frozen
class Half:
    needs: ClassVar[frozenset[str]] = frozenset()

    @property
    def switches(self) -> Switches:
        return Switches(score=UNASKED)

    def __call__(self, case: Any) -> float:
        return 0.5


@attrs.frozen
class Stamp:
    def __call__(self, explanation: Any) -> np.ndarray:
        return np.zeros((1, 1, 3), np.uint8)


def test_visioncam_register_methods() -> None:
    class Plugin:
        @hookimpl
        def visioncam_register_methods(self) -> Any:
            yield spec(name="first", aliases=("one",))
            yield spec(name="second")

    registry = isolated_registry(Plugin())
    assert [row.name for row in registry.methods()] == ["first", "second"]
    assert registry.method("ONE").distribution == "test"


def test_visioncam_register_renderers() -> None:
    class Plugin:
        @hookimpl
        def visioncam_register_renderers(self) -> Any:
            return (RendererSpec("stamp", Stamp, "Stamp"),)

    registry = isolated_registry(Plugin())
    row, renderer = registry.make_renderer("Stamp")
    assert row is registry.renderers()[0]
    assert isinstance(renderer, Stamp)


def test_visioncam_register_metrics() -> None:
    class Plugin:
        @hookimpl
        def visioncam_register_metrics(self) -> Any:
            return {MetricSpec("half", Half, "Half", "neither", reference="none", summary="A half.")}

    registry = isolated_registry(Plugin())
    row, metric = registry.make_metric("HALF")
    assert row is not None
    assert (row.distribution, metric(None)) == ("test", 0.5)  # type: ignore[operator]


def test_visioncam_register_engines() -> None:
    class Plugin:
        @hookimpl
        def visioncam_register_engines(self) -> Any:
            yield SPEC

    registry = isolated_registry(Plugin())
    row = registry.engine_spec(TwoLayers())
    assert (row.name, row.distribution) == ("numpy-two-layers", "test")
    assert registry.engine_of(TwoLayers()) is registry.engine_of(TwoLayers(), "NumPy two layers")
    with pytest.raises(ModelError, match=r"engines: keras-tensorflow, .*numpy-two-layers"):
        registry.engine_of(3)


def test_visioncam_select_layer() -> None:
    asked: list[object] = []

    class Plugin:
        @hookimpl
        def visioncam_select_layer(self, table: Any, query: Any) -> LayerChoice | None:
            asked.append(query)
            return LayerChoice(table.rows[2], "third") if query == "row:3" else None

    registry, table = isolated_registry(Plugin()), make_table()
    assert select(registry, table, "row:3").why == "third"
    assert select(registry, table, "stage1/conv1").path == "stage1/conv1"
    assert select(registry, table, "auto").path == "stage4/conv2"
    with pytest.raises(LayerError, match="no layer 'row:4'"):
        select(registry, table, "row:4")
    assert asked == ["row:3", "auto", "row:4"]  # not what is VisionCam's own


def test_the_list_of_hooks_is_whole() -> None:
    marked = {name for name, value in vars(hookspecs).items() if hasattr(value, "visioncam_spec")}
    assert marked == set(hookspecs.HOOKS)


@pytest.mark.parametrize("hook", hookspecs.HOOKS)
def test_a_hook_may_be_implemented_without_its_arguments(hook: str) -> None:
    """What lets a hook gain an argument without breaking a plugin."""

    class Plugin:
        pass

    def implementation(self: Any) -> Any:
        return None if hook == "visioncam_select_layer" else []

    setattr(Plugin, hook, hookimpl(implementation))
    registry = isolated_registry(Plugin())
    assert select(registry, make_table(), "auto")
