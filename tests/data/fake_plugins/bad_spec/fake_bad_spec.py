"""Makes a row that cannot be right."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from visioncam_core.hookspecs import hookimpl
from visioncam_core.specs import MethodSpec


@attrs.frozen
class OddCAM:
    """Return the activations as they are."""

    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Any) -> Any:
        """Return the map."""
        return evidence


@hookimpl
def visioncam_register_methods() -> list[Any]:
    """Return the rows."""
    return [
        MethodSpec(name="Odd-CAM", cls=OddCAM, title="OddCAM", reference="none", summary="A test."),
    ]
