"""A good plugin: a method with an option, a renderer, a layer scheme."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from visioncam_core.errors import LayerError
from visioncam_core.hookspecs import hookimpl
from visioncam_core.layers import LayerChoice
from visioncam_core.options import in_range, option
from visioncam_core.specs import MethodSpec, RendererSpec

IMPORTED = True


@attrs.frozen
class GoodCAM:
    """Return the activations times a power."""

    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    power: float = option(1.0, help="exponent", validator=in_range(0, 4, low_open=True))

    def __call__(self, evidence: Any) -> Any:
        """Return the map."""
        return evidence**self.power


@attrs.frozen
class GoodSheet:
    """Return the explanation as it is."""

    def __call__(self, explanation: Any) -> Any:
        """Return the picture."""
        return explanation


@hookimpl
def visioncam_register_methods() -> list[MethodSpec]:
    """Return the method."""
    return [MethodSpec("goodcam", GoodCAM, "Good-CAM", "none", "A good method.", aliases=("good-cam++",))]


@hookimpl
def visioncam_register_renderers() -> tuple[RendererSpec, ...]:
    """Return the renderer."""
    return (RendererSpec("goodsheet", GoodSheet, "Good sheet", summary="A good renderer."),)


@hookimpl
def visioncam_select_layer(table: Any, query: Any) -> LayerChoice | None:
    """Answer `good:N`: the N-th row."""
    if not isinstance(query, str) or not query.startswith("good:"):
        return None
    number = int(query.removeprefix("good:"))
    if number >= len(table.rows):
        raise LayerError(f"there is no row {number}; the model has {len(table.rows)}")
    return LayerChoice(table.rows[number], "the scheme good:")
