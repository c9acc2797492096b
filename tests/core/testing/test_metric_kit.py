"""The contract kit for metrics: ours pass it, and metrics with one fault each are rejected for it."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
import pytest

import visioncam
from visioncam_core.cases import Case
from visioncam_core.metrics import UNASKED, Switches
from visioncam_core.options import in_range, option
from visioncam_core.testing import Check, metric_checks
from visioncam_core.testing.checks.metric import METRIC_CHECKS

OURS = [check for spec in visioncam.metrics() for check in metric_checks(spec)]


@pytest.mark.parametrize("check", OURS)
def test_built_in_metrics_keep_the_contract(check: Check) -> None:
    check()


@attrs.frozen
class Right:
    """Share of the map above a threshold.

    Notes:
        s = mean of [M_p > t]

    References:
        None, 2026.
    """

    t: float = option(0.5, help="threshold", validator=in_range(0, 1))
    needs: ClassVar[frozenset[str]] = frozenset()
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    switches: ClassVar[Any] = property(lambda self: Switches(score=UNASKED))

    def __call__(self, case: Case) -> float:
        return float((case.heat > self.t).mean())


def wrong(**held: Any) -> type:
    return attrs.frozen(type("Wrong", (Right,), {"__doc__": Right.__doc__, "__module__": __name__, **held}))


def writing(self: Any, case: Case) -> float:
    case.heat[:] = case.heat > 0.5
    return float(case.heat.mean())


DRAW = np.random.default_rng()
FAULTS = {
    "number": wrong(__call__=lambda self, case: case.heat.size * float(case.heat.mean())),
    "every-choice": wrong(__call__=lambda self, case: float(1 // self.t and case.heat.mean())),
    "case-untouched": wrong(__call__=writing),
    "same-number-twice": wrong(__call__=lambda self, case: DRAW.uniform()),
    "leaves-the-program-alone": wrong(__call__=lambda self, case: print("x") or float(case.heat.mean())),
    "docstring": wrong(__doc__="Words alone."),
    "needs": wrong(__call__=lambda self, case: case.score_of(case.x)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_rejected_by_the_right_check(name: str) -> None:
    (check,) = [one for one in metric_checks(FAULTS[name]) if one.name == name.replace("needs", "number")]
    with pytest.raises(AssertionError, match="Wrong"):
        check()


def test_the_metric_that_the_faults_are_put_into_is_right() -> None:
    for check in metric_checks(Right(t=0.3)):
        check()
    assert {check.name for check in metric_checks(Right)} == set(METRIC_CHECKS)
