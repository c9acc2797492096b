"""Conditions on an evaluation, which let a build fail: `pointing_game < 0.6`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from visioncam_core.errors import OptionError
from visioncam_core.plugins.default import registry
from visioncam_core.text import brief, normalise, not_found

SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_FORM = re.compile(r"\s*([\w .+-]+?)\s*(<=|>=|<|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")


def parse_condition(condition: str, names: Sequence[str] = ()) -> tuple[str, str, float]:
    """Return (metric, sign, number) of a condition; `names` are what it may be about in place of metrics."""
    found = _FORM.fullmatch(condition)
    if found is None:
        what, example = (
            ("a metric", "pointing_game < 0.6") if not names else (" or ".join(names), "moved > 0.1")
        )
        raise OptionError(
            f"the condition {brief(condition, 60)} cannot be read; write {what}, one of < <= > >=, and a "
            f"number, as in {example!r}"
        )
    if names and normalise(found[1]) not in names:
        raise not_found("number", found[1], names)
    name = normalise(found[1]) if names else registry().metric(found[1]).name
    return name, found[2], float(found[3])


def violations(records: Iterable[Mapping[str, Any]], metrics: Sequence[str], condition: str) -> list[str]:
    """Return in words where a condition holds, method by method; a method without any number counts too."""
    metric, sign, number = parse_condition(condition)
    if metric not in metrics:
        raise OptionError(
            f"{condition!r} is about {metric!r}, which was not measured; measured: {', '.join(metrics)}"
        )
    lines = []
    for one in records:
        if one["kind"] != "method" or one["metric"] != metric:
            continue
        where, value = f"{one['title']} at {one['layer']}: {metric}", one["value"]
        if one["pictures"] == 0:
            lines.append(f"{where} has no answer on any picture")
        elif SIGNS[sign](value, number):
            lines.append(f"{where} is {value:.4g}, {sign} {number:g}")
    return lines
