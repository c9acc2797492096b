"""What this distribution adds to VisionCam: two methods, a renderer and a layer scheme.

Importing this module is all that listing the plugins costs, so it imports nothing heavy, and the classes only
when they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from visioncam_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from visioncam_core.layers import LayerChoice, LayerTable
    from visioncam_core.specs import MethodSpec, RendererSpec


@hookimpl
def visioncam_register_methods() -> list[MethodSpec]:
    """Return the methods."""
    from example_plugins.eigengradcam import EigenGradCAM
    from example_plugins.groupcam import GroupCAM
    from visioncam_core.specs import MethodSpec

    return [
        MethodSpec(
            name="eigengradcam",
            cls=EigenGradCAM,
            title="EigenGradCAM",
            reference="pytorch-grad-cam, after Muhammad and Yeasin 2020, arXiv:2008.00299",
            summary="the first principal component of activation times gradient",
            claims=frozenset({"scale-invariant", "flip-equivariant"}),
        ),
        MethodSpec(
            name="groupcam",
            cls=GroupCAM,
            title="Group-CAM",
            reference="Zhang et al. 2021, arXiv:2103.13859",
            summary="groups of channels weighted by the model's score of the picture masked by them",
            claims=frozenset({"scale-invariant", "flip-equivariant"}),
        ),
    ]


@hookimpl
def visioncam_register_renderers() -> list[RendererSpec]:
    """Return the renderer."""
    from example_plugins.isolines import Isolines
    from visioncam_core.specs import RendererSpec

    return [
        RendererSpec(
            name="isolines",
            cls=Isolines,
            title="Isolines",
            summary="lines of equal evidence on the photo, like heights on a hiking map",
        )
    ]


@hookimpl
def visioncam_select_layer(table: LayerTable, query: Any) -> LayerChoice | None:
    """Answer `"block:4"`."""
    from example_plugins.blocks import by_block

    return by_block(table, query)
