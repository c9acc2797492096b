"""The hooks a plugin implements (public name of `plugins.hookspecs`)."""

from visioncam_core.plugins.hookspecs import (
    API_VERSION,
    HOOKS,
    hookimpl,
    hookspec,
    visioncam_register_engines,
    visioncam_register_methods,
    visioncam_register_metrics,
    visioncam_register_renderers,
    visioncam_select_layer,
)

__all__ = [
    "API_VERSION",
    "HOOKS",
    "hookimpl",
    "hookspec",
    "visioncam_register_engines",
    "visioncam_register_methods",
    "visioncam_register_metrics",
    "visioncam_register_renderers",
    "visioncam_select_layer",
]
