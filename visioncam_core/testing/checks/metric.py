"""The contract of a metric, as a list of named checks."""

from __future__ import annotations

import inspect
import re
from typing import Any, ClassVar

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.metrics import Measured, Switches
from visioncam_core.metrics.case import Case, Questions
from visioncam_core.metrics.intervals import UNBOUNDED
from visioncam_core.metrics.measure import flaw
from visioncam_core.testing.checks import options
from visioncam_core.testing.checks.program_state import assert_left_alone
from visioncam_core.testing.checks.subject import Check, Subject, by_name, instance_of, require
from visioncam_core.testing.examples.explanations import blob, photo

SHAPES = ((24, 36), (37, 20), (1, 1), (1, 40))
ARRAYS = ("x", "heat", "raw", "truth", "black")


@attrs.frozen(eq=False)
class MetricSubject(Subject):
    """The metric under test."""

    reserved: ClassVar[frozenset[str]] = frozenset({"model", "images", "methods", "metrics"})

    def case(self, heat: np.ndarray) -> Case:
        """Return a case of a map, with what the metric declares that it needs and no more.

        The model behind it is as sure of the class as the middle of the picture is bright.
        """
        needs, x = self.instance.needs, photo(heat.shape, 3).astype(np.float32) / 255
        truth = blob(heat.shape, (0.5, 0.5)) >= 0.5

        def sure(pictures: Any) -> np.ndarray:
            return np.asarray(ops.sigmoid(8 * np.asarray(pictures)[:, truth].mean((1, 2)) - 4), np.float64)

        def scores(make: Any, count: int, which: str) -> np.ndarray:
            found = np.concatenate([sure(make(np.arange(i, min(i + 3, count)))) for i in range(0, count, 3)])
            return 1 - found if which == "remainder" else found

        clean, raw = float(sure(x[None])[0]), heat.astype(np.float32)
        drawn = np.random.default_rng(0).normal(size=(2, 3, *heat.shape)).astype(np.float32)
        asked = Questions(
            scores=scores if "scores" in needs else None,
            maps=(lambda inputs: np.stack([raw] * len(inputs))) if "maps" in needs else None,
            rival=(lambda: raw[::-1].copy()) if "rival" in needs else None,
            randomised=(lambda: [[raw, *one] for one in drawn]) if "randomised" in needs else None,
            blank=(lambda: 0.0) if "activations" in needs else None,
        )
        return Case(
            x, raw, raw, clean, 1 - clean, clean, truth if "truth" in needs else None,
            black=np.zeros(3, np.float32), questions=asked,
        )  # fmt: skip

    def measure(self, case: Case, what: str, metric: Any = None, refusable: bool = False) -> Measured:
        """Return what the metric says of a case; `what` is the case in words, which may be `refusable`."""
        made = self.instance if metric is None else metric
        try:
            with np.errstate(all="ignore"):
                answer = made(case)
            found = answer if isinstance(answer, Measured) else Measured(float(answer))
        except (Exception, SystemExit) as error:
            if refusable and isinstance(error, ValueError):  # its message is the flag
                return Measured(float("nan"), str(error))
            raise AssertionError(f"{made!r} raised {type(error).__name__} on {what}: {error}") from error
        low, high = getattr(self.cls, "bounds", UNBOUNDED)
        require(
            np.isnan(found.value) or low - 1e-9 <= found.value <= high + 1e-9,
            f"{made!r} gave {found.value!r} on {what}; its `bounds` are {low} to {high}, and NaN says that "
            "there is no number",
        )
        return found


def number(subject: MetricSubject) -> None:
    """A number within its bounds, or NaN, for pictures of any proportions and maps of any kind."""
    for shape in SHAPES:
        for what, heat in {
            "a blob": blob(shape, (0.3, 0.4)),
            "a map that is one everywhere": np.ones(shape, np.float32),
            "a map of one pixel": np.eye(1, shape[0] * shape[1], dtype=np.float32).reshape(shape),
        }.items():
            case = subject.case(heat)
            if not flaw(subject.instance, case):
                subject.measure(case, f"{what}, of shape {shape}", refusable=min(shape) == 1)


def every_choice(subject: MetricSubject) -> None:
    """Each switch turned over, each choice, each lower bound; each says how its numbers are made."""
    for made in (subject.instance, *options.variants(subject, highest=False)):
        subject.measure(subject.case(blob(SHAPES[0], (0.3, 0.4))), "a blob", made)
        require(isinstance(made.switches, Switches), f"the `switches` of {made!r} are {made.switches!r}")


def case_untouched(subject: MetricSubject) -> None:
    """The arrays of the case are the same, bit for bit, after the call."""
    case = subject.case(blob(SHAPES[0], (0.3, 0.4)))
    before = {name: np.copy(getattr(case, name)) for name in ARRAYS if getattr(case, name) is not None}
    subject.measure(case, "a blob")
    changed = [name for name, array in before.items() if not np.array_equal(array, getattr(case, name))]
    require(not changed, f"{subject.name} wrote to case.{', case.'.join(changed)}; work on a copy")


def same_number_twice(subject: MetricSubject) -> None:
    """The same case has the same number; what is drawn comes from `case.rng()`."""
    first, second = (
        subject.measure(subject.case(blob(SHAPES[0], (0.3, 0.4))), "a blob").value for _ in range(2)
    )
    require(
        np.array_equal(first, second, equal_nan=True),
        f"{subject.name} gave {first!r}, then {second!r} for one case; draw from case.rng()",
    )


def leaves_the_program_alone(subject: MetricSubject) -> None:
    """Nothing is printed; no global setting or generator is touched."""
    case = subject.case(blob(SHAPES[0], (0.3, 0.4)))
    assert_left_alone(subject.name, lambda: subject.measure(case, "a blob"))


def docstring(subject: MetricSubject) -> None:
    """The docstring says what is measured, and has the reference, with its year."""
    head, _, references = inspect.cleandoc(subject.cls.__doc__ or "").partition("References:")
    require(
        head and re.search(r"\b(19|20)\d\d\b", references),
        f"the docstring of {subject.name} has no reference with a year; write it under 'References:'",
    )


METRIC_CHECKS = by_name(
    number, every_choice, case_untouched, same_number_twice, leaves_the_program_alone,
    options.options_documented, options.options_validated, options.frozen, options.repr_round_trips,
    docstring,
)  # fmt: skip
"""Name -> check."""


def metric_checks(metric: Any) -> list[Check]:
    """Return the checks that a metric must pass.

        @pytest.mark.parametrize("check", metric_checks(MyMetric))
        def test_contract(check):
            check()

    They run on cases made by hand, without TensorFlow.

    Args:
        metric: its row (`MetricSpec`), its class, or an instance with options of your choice.

    Returns:
        One check each, with a `name` that pytest shows; calling it raises AssertionError or returns.
    """
    subject = MetricSubject(instance_of(metric))
    return [Check(name, subject, run) for name, run in METRIC_CHECKS.items()]
