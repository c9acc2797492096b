"""Methods and renderers for the tests of the command line: one with options, and ones that fail."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import attrs

from visioncam_core.options.fields import in_range, option
from visioncam_core.plugins.specs import MethodSpec, RendererSpec

EVERYTHING = frozenset({"activations"})


@attrs.frozen
class FailingCAM:
    """Fails as a stranger's method may."""

    needs: ClassVar[frozenset[str]] = EVERYTHING

    def __call__(self, evidence: Any) -> Any:
        raise ValueError("made to fail")


@attrs.frozen
class MeanCAM:
    """The mean of some channels; its options collide with other methods' and with the command's own."""

    sigma: int = option(3, help="has the name of another method's option, and another type")
    layer: int = option(0, help="has the name of a flag of the command")
    only_mine: tuple[float, ...] = option((), help="several numbers")
    mode: Literal["a", "b"] | None = option(None, help="one of two, or neither")
    bright: bool = option(False, help="a switch")
    level: float = option(0.5, help="a level", validator=in_range(0, 1))
    anything: object = option(None, help="cannot be written as text")
    needs: ClassVar[frozenset[str]] = EVERYTHING

    def __call__(self, evidence: Any) -> Any:
        return evidence.activations[..., self.layer]


@attrs.frozen
class Raising:
    """A renderer that raises what it is told to."""

    what: str = option(
        "RuntimeError", help="name of the exception", choices=("RuntimeError", "KeyboardInterrupt")
    )

    def __call__(self, explanation: Any) -> Any:
        raise {"RuntimeError": RuntimeError, "KeyboardInterrupt": KeyboardInterrupt}[self.what](
            "in the renderer"
        )


def _method(name: str, cls: type) -> MethodSpec:
    return MethodSpec(name, cls, cls.__name__, "nobody 2020", "for a test")


failing = _method("failingcam", FailingCAM)
mean = _method("meancam", MeanCAM)
raising = RendererSpec("raising", Raising, "Raising", summary="for a test")
