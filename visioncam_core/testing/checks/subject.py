"""What a check is: a name, a subject, and a function that raises AssertionError."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs
import numpy as np

from visioncam_core.ops import to_numpy
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.pipeline.settings import Settings
from visioncam_core.plugins.specs import MethodSpec
from visioncam_core.testing.checks.program_state import state_restored
from visioncam_core.testing.examples.array_net import ArrayNet

TOLERANCE = 1e-5
"""Largest difference between two maps that are to be equal, as a share of the larger one's maximum."""


@attrs.frozen(eq=False)
class Formed:
    """What has options: a method or renderer under test.

    Attributes:
        instance: with its default options, or the options its author chose.
    """

    instance: Any

    @property
    def cls(self) -> type:
        return type(self.instance)

    @property
    def name(self) -> str:
        return self.cls.__name__

    @property
    def reserved(self) -> frozenset[str]:
        """Names that no option may have."""
        raise NotImplementedError


@attrs.frozen(eq=False)
class Subject(Formed):
    """The method under test.

    Attributes:
        claims: what its row promises.
    """

    claims: frozenset[str] = frozenset()

    @classmethod
    def of(cls, method: Any, claims: Iterable[str] | None = None) -> Subject:
        """Return the subject for a row, a class or an instance; a row brings its own claims."""
        if isinstance(method, MethodSpec):
            return Subject(method.cls(), method.claims if claims is None else frozenset(claims))
        instance = method() if isinstance(method, type) else method
        return Subject(instance, frozenset(claims or ()))

    @property
    def reserved(self) -> frozenset[str]:
        """Names that no option may have: the keywords of `visioncam.explain`."""
        settings = {field.name for field in attrs.fields(Settings)}
        return frozenset({"model", "image", "method", "methods", "target"} | settings)

    @property
    def gradients(self) -> bool:
        return "gradients" in getattr(self.instance, "needs", ("activations", "gradients"))

    def evidence(self, net: ArrayNet, x: np.ndarray, seed: int = 0) -> Evidence:
        """Return a net's evidence of pictures, with what the method declares that it needs and no more."""
        return net.evidence(x, gradients=self.gradients, seed=seed)

    def map(self, evidence: Evidence, what: str) -> np.ndarray:
        """Return the raw map of some evidence.

        Args:
            evidence: what the method may look at.
            what: the evidence in words, for messages.

        Raises:
            AssertionError: the method raised, or returned something of another shape or kind.
        """
        try:
            answer = self.instance(evidence)
        except (Exception, SystemExit) as error:
            raise AssertionError(f"{self.name} raised {type(error).__name__} on {what}: {error}") from error
        try:
            raw = to_numpy(answer)
        except (TypeError, ValueError) as error:
            raise AssertionError(
                f"{self.name} returned {type(answer).__name__} on {what}, no array"
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


def assert_same(actual: np.ndarray, expected: np.ndarray, what: str, tolerance: float = TOLERANCE) -> None:
    """Raise AssertionError where two maps differ by more than `tolerance` of the larger one's maximum."""
    size = float(max(np.abs(actual).max(initial=0.0), np.abs(expected).max(initial=0.0)))
    gap = float(np.abs(actual - expected).max(initial=0.0))
    require(gap <= tolerance * size, f"{what}: they differ by {gap:.3g}, and the largest value is {size:.3g}")


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
        with state_restored():
            self._run(self.subject)

    @property
    def __name__(self) -> str:
        """The id under which `pytest.mark.parametrize` shows the check."""
        return f"{self.subject.name}-{self.name}"
