"""The five hooks: everything a plugin can add.

A plugin is a module named by an entry point of the group `visioncam`:

    # pyproject.toml
    [project.entry-points.visioncam]
    mycam = "mycam.plugin"

    # mycam/plugin.py
    from visioncam_core.plugins.hookspecs import hookimpl

    @hookimpl
    def visioncam_register_methods():
        from visioncam_core.plugins.specs import MethodSpec
        from mycam.method import MyCAM          # imported here, when somebody asks

        return [MethodSpec("mycam", MyCAM, title="MyCAM", reference="...", summary="...")]

The built-in methods, renderers, metrics, engines and selectors enter through the same hooks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from visioncam_core.engine.layer_table import LayerChoice, LayerTable
    from visioncam_core.plugins.specs import EngineSpec, MethodSpec, MetricSpec, RendererSpec

API_VERSION = 1
"""Version of these hooks.  Specs only gain arguments within a version; a plugin
that needs a newer one says so with `VISIONCAM_API_VERSION = 2` in its module."""

hookspec = pluggy.HookspecMarker("visioncam")
hookimpl = pluggy.HookimplMarker("visioncam")


@hookspec
def visioncam_register_methods() -> Iterable[MethodSpec]:
    """Return the class activation methods this plugin adds.

    Called once, when a name is first requested.  Import the method classes
    inside the function.

    Returns:
        Rows, each a `MethodSpec`; a list, a tuple or a generator.
    """
    raise NotImplementedError


@hookspec
def visioncam_register_renderers() -> Iterable[RendererSpec]:
    """Return the renderers this plugin adds.

    Called once, when a name is first requested.

    Returns:
        Rows, each a `RendererSpec`; a list, a tuple or a generator.
    """
    raise NotImplementedError


@hookspec
def visioncam_register_metrics() -> Iterable[MetricSpec]:
    """Return the metrics this plugin adds.

    Called once, when a name is first requested.  Import the metric classes
    inside the function.

    Returns:
        Rows, each a `MetricSpec`; a list, a tuple or a generator.
    """
    raise NotImplementedError


@hookspec
def visioncam_register_engines() -> Iterable[EngineSpec]:
    """Return the engines this plugin adds: what runs the models of one framework.

    Called once, when a model is first opened or a name is first requested.  Import
    the framework in `EngineSpec.make`, never here.

    Returns:
        Rows, each an `EngineSpec`; a list, a tuple or a generator.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def visioncam_select_layer(table: LayerTable, query: Any) -> LayerChoice | None:
    """Answer a layer query, or return None to pass it to the next selector.

    Exact names, paths, indices and layers are answered before any
    plugin; `"auto"` is answered last.  A plugin uses its own scheme, such as
    `"block:4"`.

    Args:
        table: what the model computes, one row per output.
        query: what the user passed as `layer=`.

    Returns:
        A `LayerChoice`, or None for a query that is not this selector's.

    Raises:
        LayerError: the query is this selector's and cannot be met; shown to the
            user unless another selector answers.
    """
    raise NotImplementedError


HOOKS = (
    "visioncam_register_methods",
    "visioncam_register_renderers",
    "visioncam_register_metrics",
    "visioncam_register_engines",
    "visioncam_select_layer",
)
