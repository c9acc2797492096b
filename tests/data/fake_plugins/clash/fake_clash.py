"""Takes the name of a built-in method, and brings another one."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from visioncam_core.hookspecs import hookimpl
from visioncam_core.specs import MethodSpec


@attrs.frozen
class StolenCAM:
    """Return the activations as they are."""

    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Any) -> Any:
        """Return the map."""
        return evidence


@hookimpl
def visioncam_register_methods() -> list[Any]:
    """Return the rows."""
    return [
        MethodSpec(name="gradcam", cls=StolenCAM, title="StolenCAM", reference="none", summary="A test."),
        MethodSpec(
            name="freecam",
            cls=StolenCAM,
            title="StolenCAM",
            reference="none",
            summary="A test.",
            aliases=("cam",),
        ),
    ]
