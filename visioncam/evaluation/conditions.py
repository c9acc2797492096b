"""Conditions on an evaluation, for builds that shall fail: `pointing_game < 0.6`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from visioncam_core.errors import OptionError
from visioncam_core.plugins.default import registry
from visioncam_core.text import shown

if TYPE_CHECKING:
    from visioncam.evaluation.evaluation import Evaluation

SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_FORM = re.compile(r"\s*([\w .+-]+?)\s*(<=|>=|<|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")


def parsed(condition: str) -> tuple[str, str, float]:
    """Return (metric, sign, number) of a condition.

    Raises:
        OptionError: it has another form.
        NameNotFoundError: there is no such metric.
    """
    found = _FORM.fullmatch(condition)
    if found is None:
        raise OptionError(
            f"the condition {shown(condition, 60)} cannot be read; write a metric, one of < <= > >=, and a "
            "number, as in 'pointing_game < 0.6'"
        )
    return registry().metric(found[1]).name, found[2], float(found[3])


def held(evaluation: Evaluation, condition: str) -> list[str]:
    """Return in words where a condition holds, method by method; a method without any number counts too.

    Raises:
        OptionError: as `parsed`, or the metric was not measured.
    """
    metric, sign, number = parsed(condition)
    if metric not in evaluation.metrics:
        raise OptionError(
            f"{condition!r} is about {metric!r}, which was not measured; measured: "
            f"{', '.join(evaluation.metrics)}"
        )
    told = []
    for at, subject, _, result, interval in evaluation.rows():
        if subject.kind != "method" or result.metric != metric:
            continue
        if interval.count == 0:
            told.append(f"{subject.title} at {at.layer}: {metric} has no answer on any picture")
        elif SIGNS[sign](interval.value, number):
            told.append(f"{subject.title} at {at.layer}: {metric} is {interval.value:.4g}, {sign} {number:g}")
    return told
