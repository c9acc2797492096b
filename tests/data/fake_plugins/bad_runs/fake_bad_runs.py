"""Methods and renderers that load well and go wrong when they are run, each in its own way."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import numpy as np

from visioncam_core.hookspecs import hookimpl
from visioncam_core.specs import MethodSpec, RendererSpec

METHODS: list[MethodSpec] = []
RENDERERS: list[RendererSpec] = []


def method(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make a row of a function of the evidence."""
    body = {"__call__": lambda self, evidence: call(evidence), "needs": frozenset({"activations"})}
    body["__annotations__"] = {"needs": ClassVar[frozenset[str]]}
    cls: Any = attrs.frozen(type(call.__name__, (), body))
    METHODS.append(MethodSpec(call.__name__, cls, call.__name__, "none", "Goes wrong."))
    return call


def renderer(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make a row of a function of the explanation."""
    cls: Any = attrs.frozen(type(call.__name__, (), {"__call__": lambda self, e: call(e)}))
    RENDERERS.append(RendererSpec(call.__name__, cls, call.__name__))
    return call


def grid(evidence: Any) -> tuple[int, ...]:
    """Return the shape a raw map has."""
    return tuple(int(n) for n in evidence.activations.shape[:-1])


@method
def raises(evidence: Any) -> Any:
    raise RuntimeError("boom\nwhile running")


@method
def divides(evidence: Any) -> Any:
    return 1 / 0


@method
def imports(evidence: Any) -> Any:
    import package_nobody_has  # type: ignore[import-not-found]

    return package_nobody_has


@method
def exits(evidence: Any) -> Any:
    sys.exit(5)


@method
def nan(evidence: Any) -> Any:
    return np.full(grid(evidence), np.nan)


@method
def infinite(evidence: Any) -> Any:
    return np.full(grid(evidence), 1e300)


@method
def keepschannels(evidence: Any) -> Any:
    return evidence.activations


@method
def forgetsthebatch(evidence: Any) -> Any:
    return np.zeros(grid(evidence)[1:])


@method
def imaginary(evidence: Any) -> Any:
    return np.zeros(grid(evidence), complex)


@method
def words(evidence: Any) -> Any:
    return np.full(grid(evidence), "hot")


@method
def nothing(evidence: Any) -> Any:
    return None


@method
def ragged(evidence: Any) -> Any:
    return [[1, 2], [3]]


@method
def huge(evidence: Any) -> Any:
    return np.broadcast_to(np.float32(0), (10**6, 10**6))


@method
def writes(evidence: Any) -> Any:
    evidence.activations[...] = 0
    return np.zeros(grid(evidence))


@method
def undeclared(evidence: Any) -> Any:
    return evidence.gradients[..., 0]


@method
def wrongversions(evidence: Any) -> Any:
    evidence.score_activations(lambda indices: np.zeros((len(indices), 2, 2, 1)), 3)
    return np.zeros(grid(evidence))


@method
def toofewversions(evidence: Any) -> Any:
    evidence.score_inputs(lambda indices: evidence.inputs[:0], 3)
    return np.zeros(grid(evidence))


@renderer
def drawraises(explanation: Any) -> Any:
    raise LookupError("no pencil")


@renderer
def drawexits(explanation: Any) -> Any:
    sys.exit("no pencil")


@renderer
def drawsfloats(explanation: Any) -> Any:
    return np.zeros((4, 5, 3))


@renderer
def drawsgrey(explanation: Any) -> Any:
    return np.zeros((4, 5), np.uint8)


@renderer
def drawsopacity(explanation: Any) -> Any:
    return np.zeros((4, 5, 4), np.uint8)


@renderer
def drawsnothing(explanation: Any) -> Any:
    return None


@renderer
def drawsempty(explanation: Any) -> Any:
    return np.zeros((0, 5, 3), np.uint8)


@renderer
def drawsoverit(explanation: Any) -> Any:
    explanation.picture[...] = 0
    return explanation.picture


@hookimpl
def visioncam_register_methods() -> list[MethodSpec]:
    """Return the methods."""
    return METHODS


@hookimpl
def visioncam_register_renderers() -> list[RendererSpec]:
    """Return the renderers."""
    return RENDERERS
