"""Takes its time to import."""

import time
from typing import Any, ClassVar

import attrs

from visioncam_core.hookspecs import hookimpl
from visioncam_core.specs import MethodSpec

time.sleep(0.06)


@attrs.frozen
class SlowCAM:
    """Return the activations as they are."""

    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Any) -> Any:
        """Return the map."""
        return evidence


@hookimpl
def visioncam_register_methods() -> list[Any]:
    """Return the rows."""
    return [
        MethodSpec(name="slowcam", cls=SlowCAM, title="SlowCAM", reference="none", summary="A test."),
    ]
