"""What a check is: a name, a subject, and a function that raises AssertionError."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import attrs
import numpy as np

from visioncam_core.ops import to_numpy
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.pipeline.settings import Settings
from visioncam_core.plugins.specs import MethodSpec, MetricSpec, RendererSpec
from visioncam_core.results.accounts import Attribution
from visioncam_core.testing.checks.program_state import restored
from visioncam_core.testing.examples.array_net import ArrayNet

TOLERANCE = 1e-5
"""Largest difference between two arrays that are to be equal, as a share of the larger one's maximum."""


@attrs.frozen(eq=False)
class Subject:
    """An object with options under test.

    Attributes:
        instance: with its default options, or those that its author chose.
        reserved: names that no option may have: keywords of the function that takes the options.
    """

    instance: Any
    reserved: ClassVar[frozenset[str]]

    @property
    def cls(self) -> type:
        return type(self.instance)

    @property
    def name(self) -> str:
        return self.cls.__name__


@attrs.frozen(eq=False)
class MethodSubject(Subject):
    """The method under test.

    Attributes:
        claims: what its row promises.
    """

    claims: frozenset[str] = frozenset()
    reserved: ClassVar[frozenset[str]] = frozenset(
        {"model", "image", "method", "methods", "target", *(field.name for field in attrs.fields(Settings))}
        - {"window"}  # a pair is the pictures', a whole number the method's
    )

    @property
    def gradients(self) -> bool:
        return "gradients" in getattr(self.instance, "needs", ("activations", "gradients"))

    @property
    def on(self) -> str:
        return str(getattr(self.instance, "on", "layer"))

    def evidence(self, net: ArrayNet, x: np.ndarray, seed: int = 0) -> Evidence:
        """Return a net's evidence of pictures, with what the method declares that it needs and no more."""
        return net.evidence(x, gradients=self.gradients, seed=seed, on=self.on)

    def map(self, evidence: Evidence, what: str) -> np.ndarray:
        """Return the raw map of some evidence; `what` is the evidence in words.

        Raises:
            AssertionError: the method raised, or returned something of another shape or kind.
        """
        try:
            answer = self.instance(evidence)
            answer = answer.map if isinstance(answer, Attribution) else answer
        except (Exception, SystemExit) as error:
            raise AssertionError(f"{self.name} raised {type(error).__name__} on {what}: {error}") from error
        answer = answer.map if isinstance(answer, Attribution) else answer
        try:
            raw = to_numpy(answer)
        except (TypeError, ValueError) as error:
            raise AssertionError(
                f"{self.name} returned {type(answer).__name__} on {what}, not an array"
            ) from error
        expected = tuple(int(n) for n in evidence.activations.shape[:-1])
        require(
            raw.shape == expected,
            f"{self.name} returned shape {raw.shape} on {what}; a raw map has one value for each position "
            f"of each picture, (N, *grid), here {expected}",
        )
        require(
            raw.dtype.kind == "f",
            f"{self.name} returned {raw.dtype} on {what}; a raw map holds real floating-point numbers",
        )
        return raw

    def finite(self, evidence: Evidence, what: str) -> np.ndarray:
        raw = self.map(evidence, what)
        broken = int((~np.isfinite(raw)).sum())
        require(
            not broken,
            f"{self.name} returned {broken} NaN or infinite values of {raw.size} on {what}; guard its "
            "divisions (visioncam_core.ops.divide) and exponentials (ops.softmax)",
        )
        return raw


def require(condition: object, message: str) -> None:
    """Raise AssertionError with the message unless the condition holds, also under `python -O`."""
    if not condition:
        raise AssertionError(message)


def assert_same(actual: Any, expected: Any, what: str, tolerance: float = TOLERANCE) -> None:
    """Raise AssertionError where two arrays differ by more than `tolerance` of the larger one's maximum."""
    a, b = (to_numpy(values).astype(np.float64) for values in (actual, expected))
    require(a.shape == b.shape, f"{what}: shapes {a.shape} and {b.shape}")
    size = max(float(np.abs(values).max(initial=0.0)) for values in (a, b))
    gap = float(np.abs(a - b).max(initial=0.0))
    require(gap <= tolerance * size, f"{what}: they differ by {gap:.3g}, and the largest value is {size:.3g}")


def instance_of(subject: Any) -> Any:
    """Return the object to check, for a row, a class or the object itself."""
    cls = subject.cls if isinstance(subject, MethodSpec | MetricSpec | RendererSpec) else subject
    return cls() if isinstance(cls, type) else cls


@attrs.frozen(eq=False)
class Check:
    """One named check of one subject: call it, and it raises AssertionError or returns None.

    Attributes:
        name: such as `"batch-equals-singles"`; pytest shows it.
        subject: what is checked.
    """

    name: str
    subject: Any
    _run: Callable[[Any], None]

    def __call__(self) -> None:
        """Run the check; what a faulty plugin does to the program is undone.

        Raises:
            AssertionError: it found a fault; the message says which and what to do.
        """
        with restored():
            self._run(self.subject)

    @property
    def __name__(self) -> str:
        """The id under which `pytest.mark.parametrize` shows the check."""
        return f"{self.subject.name}-{self.name}"


S = TypeVar("S")


def by_name(*checks: Callable[[S], None]) -> dict[str, Callable[[S], None]]:
    """Return functions by the names of their checks: `one_axis` is "one-axis"."""
    return {check.__name__.replace("_", "-"): check for check in checks}
