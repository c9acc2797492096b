"""Made for a newer version of the hooks."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from visioncam_core.hookspecs import API_VERSION, hookimpl
from visioncam_core.specs import MethodSpec

VISIONCAM_API_VERSION = API_VERSION + 1


@attrs.frozen
class FutureCAM:
    """Return the activations as they are."""

    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Any) -> Any:
        """Return the map."""
        return evidence


@hookimpl
def visioncam_register_methods() -> list[Any]:
    """Return the rows."""
    return [
        MethodSpec(name="futurecam", cls=FutureCAM, title="FutureCAM", reference="none", summary="A test."),
    ]
