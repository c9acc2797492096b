"""Stands in for a built-in plugin: two methods, a renderer, an exact selector and `auto`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import attrs

from visioncam_core.hookspecs import hookimpl
from visioncam_core.layers import LayerChoice
from visioncam_core.options import in_range, option
from visioncam_core.specs import MethodSpec, RendererSpec

CALLS: list[str] = []


@attrs.frozen
class GradCAM:
    """A method without options."""

    needs: ClassVar[frozenset[str]] = frozenset({"activations", "gradients"})

    def __call__(self, evidence: Any) -> Any:
        """Return the map."""
        return evidence


@attrs.frozen
class SmoothCAM:
    """A method with an option."""

    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    samples: int = option(8, help="noisy copies", validator=in_range(1, 512))

    def __call__(self, evidence: Any) -> Any:
        """Return the map."""
        return evidence


@attrs.frozen
class Overlay:
    """A renderer."""

    alpha: float = option(0.5, help="weight of the map", validator=in_range(0, 1))

    def __call__(self, explanation: Any) -> Any:
        """Return the picture."""
        return explanation


@hookimpl
def visioncam_register_methods() -> Iterator[MethodSpec]:
    """Yield the rows, as a generator: that is allowed."""
    CALLS.append("methods")
    yield MethodSpec("gradcam", GradCAM, "Grad-CAM", "Selvaraju 2017", "Mean gradients.", aliases=("cam",))
    yield MethodSpec(
        "smoothcam", SmoothCAM, "Smooth-CAM++", "none", "Noisy copies.", aliases=("smoothcam++",)
    )


@hookimpl
def visioncam_register_renderers() -> list[RendererSpec]:
    """Return the rows."""
    return [RendererSpec("overlay", Overlay, "Overlay", summary="Map on photo.", aliases=("saliency",))]


@hookimpl(tryfirst=True, specname="visioncam_select_layer")
def exact(table: Any, query: Any) -> LayerChoice | None:
    """Answer an exact path."""
    return next((LayerChoice(row, "exact") for row in table.rows if row.path == query), None)


@hookimpl(trylast=True, specname="visioncam_select_layer")
def auto(table: Any, query: Any) -> LayerChoice | None:
    """Answer `auto`."""
    return LayerChoice(table.rows[-1], "last") if query == "auto" else None
