"""A plugin that prints, when it is imported and when it is run, and whose method breaks the contract."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from visioncam_core.hookspecs import hookimpl
from visioncam_core.specs import MethodSpec, RendererSpec

print("hello from fake_prints")


@attrs.frozen
class PrintsCAM:
    """Prints the score, and returns the first channel."""

    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Any) -> Any:
        """Return the map."""
        print("the score is", evidence.score)
        return evidence.activations[..., 0]


@attrs.frozen
class Nothing:
    """Draws nothing."""

    def __call__(self, explanation: Any) -> Any:
        """Return nothing."""


@hookimpl
def visioncam_register_methods() -> list[MethodSpec]:
    """Return the method."""
    return [MethodSpec("printscam", PrintsCAM, "Prints-CAM", "none", "Prints.")]


@hookimpl
def visioncam_register_renderers() -> list[RendererSpec]:
    """Return the renderer."""
    return [RendererSpec("nothing", Nothing, "Nothing")]
