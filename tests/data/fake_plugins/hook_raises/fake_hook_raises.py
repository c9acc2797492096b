"""One hook raises, the other works."""

from __future__ import annotations

from typing import Any

import attrs

from visioncam_core.hookspecs import hookimpl
from visioncam_core.specs import RendererSpec


@attrs.frozen
class Fine:
    """A renderer."""

    def __call__(self, explanation: Any) -> Any:
        """Return the picture."""
        return explanation


@hookimpl
def visioncam_register_methods() -> list[Any]:
    """Raise."""
    raise ZeroDivisionError("boom in the hook")


@hookimpl
def visioncam_register_renderers() -> list[Any]:
    """Return a row."""
    return [RendererSpec("fine", Fine, "Fine")]
