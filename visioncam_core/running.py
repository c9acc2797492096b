"""Applying a method to evidence, and checking what it returns like any foreign data."""

from __future__ import annotations

import time
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.counters import COUNTERS
from visioncam_core.errors import PluginError, VisionCamError
from visioncam_core.evidence import Evidence
from visioncam_core.ops import to_numpy
from visioncam_core.specs import MethodSpec

PASSES = ("forward", "backward", "head", "tail")


@attrs.frozen(eq=False)
class Named:
    """A method object with its name, whether or not the registry knows it.

    Attributes:
        name: canonical name.
        title: for people.
        method: the method object.
        source: the distribution it comes from, for messages.
    """

    name: str
    title: str
    method: Any
    source: str

    @classmethod
    def of(cls, spec: MethodSpec | None, method: Any) -> Named:
        """Return a method with its registry row, or named after its class."""
        if spec is not None:
            return cls(spec.name, spec.title, method, spec.distribution or "visioncam")
        name = type(method).__name__ if not hasattr(method, "__name__") else method.__name__
        return cls(str(name).lower(), str(name), method, "your own code")

    @property
    def needs(self) -> frozenset[str]:
        """What the method declares to need; activations and gradients where it declares nothing."""
        return frozenset(getattr(self.method, "needs", ("activations", "gradients")))

    @property
    def options(self) -> dict[str, Any]:
        """The method's options."""
        return attrs.asdict(self.method) if attrs.has(type(self.method)) else {}


@attrs.frozen(eq=False)
class Applied:
    """What a method made of a chunk: (N, *grid) raw maps and its cost, or why it could not."""

    raw: np.ndarray | None
    seconds: float
    passes: int
    failure: VisionCamError | None = None


def apply(named: Named, evidence: Evidence) -> Applied:
    """Apply a method; errors of ours are kept as data, everything else becomes a `PluginError`."""
    before, start = COUNTERS.snapshot(), time.perf_counter()
    raw, failure = None, None
    try:
        raw = checked(named, named.method(evidence), evidence)
    except VisionCamError as error:
        failure = error
    except (
        ArithmeticError,
        AttributeError,
        IndexError,
        LookupError,
        NameError,
        TypeError,
        ValueError,
    ) as error:
        failure = PluginError(
            f"method {named.name!r} of {named.source} failed: {type(error).__name__}: {error}"
        )
        failure.__cause__ = error
    spent = COUNTERS.snapshot() - before
    return Applied(raw, time.perf_counter() - start, sum(spent[name] for name in PASSES), failure)


def checked(named: Named, raw: Any, evidence: Evidence) -> np.ndarray:
    """Return a raw map as float32, or raise an error that names the method and the fault."""
    expected = tuple(int(n) for n in evidence.activations.shape[:-1])
    try:
        array = to_numpy(raw)
    except (TypeError, ValueError) as error:
        raise PluginError(
            f"method {named.name!r} of {named.source} returned {type(raw).__name__}, no array"
        ) from error
    if array.dtype.kind not in "fiu" or array.shape != expected:
        raise PluginError(
            f"method {named.name!r} of {named.source} returned {array.dtype} of shape {array.shape}; a raw "
            "map here has "
            f"shape {expected} and real numbers"
        )
    array = array.astype(np.float32)
    if not np.all(np.isfinite(array)) and _finite(evidence):
        count = int((~np.isfinite(array)).sum())
        raise PluginError(
            f"method {named.name!r} of {named.source} returned {count} NaN or infinite values from finite "
            "evidence"
        )
    return array


def _finite(evidence: Evidence) -> bool:
    parts = [evidence.activations, evidence.score]
    if evidence.has_gradients:
        parts.append(evidence.gradients)
    return all(bool(np.all(np.isfinite(to_numpy(part)))) for part in parts)
