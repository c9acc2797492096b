"""Applying a metric to a case, and what has no answer written down as such."""

from __future__ import annotations

import math
import time
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import OptionError, VisionCamError
from visioncam_core.metrics.case import Case
from visioncam_core.metrics.result import Measured
from visioncam_core.ops import read_only_array
from visioncam_core.pipeline.apply import PASSES
from visioncam_core.plugins.calls import plugin_failure
from visioncam_core.plugins.records import cause_of
from visioncam_core.results.agreement import ROUNDING

BLANK = frozenset({"blank"})
UNORDERED = frozenset({"blank", "constant"})
"""What a metric that goes by the order of the pixels refuses."""


def judge(metric: Any, case: Case, name: str = "", source: str = "visioncam") -> Measured:
    """Return what a metric says of a case; a map without an answer is flagged, never a number.

    The metric sees arrays it cannot write to.

    Args:
        metric: a metric object: `needs`, `switches`, `__call__(case)`; `refuses` where it differs from
            {"blank"}.
        case: the picture and its map.
        name: the metric's, for messages.
        source: the distribution that brought it; whatever a third-party one raises, or returns
            instead of a number, is a flag that names both.
    """
    flag = flaw(metric, case)
    if flag:
        return Measured(float("nan"), flag)
    arrays = {name: read_only_array(getattr(case, name)) for name in ("x", "heat", "raw", "truth", "black")}
    before, start = COUNTERS.snapshot(), time.perf_counter()
    try:
        with np.errstate(all="ignore"):
            answer = metric(attrs.evolve(case, **arrays))
            found = answer if isinstance(answer, Measured) else Measured(float(answer))
    except (OptionError, KeyboardInterrupt):
        raise
    except BaseException as error:
        ours = source == "visioncam"
        if ours and not isinstance(error, ArithmeticError | ValueError | RuntimeError | VisionCamError):
            raise
        cause = cause_of(error)
        found = Measured(float("nan"), cause if ours else str(plugin_failure("metric", name, source, cause)))
    if not math.isfinite(found.value) and not found.flag:
        found = attrs.evolve(found, flag="not a finite number", value=float("nan"))
    spent = COUNTERS.snapshot() - before
    passes = sum(spent[name] for name in PASSES)
    return attrs.evolve(found, passes=passes, seconds=time.perf_counter() - start)


def flaw(metric: Any, case: Case) -> str:
    """Return why this case has no answer to this metric, or nothing."""
    refuses = getattr(metric, "refuses", BLANK)
    if not np.all(np.isfinite(case.heat)):
        return "the map is not finite"
    low, high = float(case.heat.min()), float(case.heat.max())
    if "blank" in refuses and high <= 0:
        return "the map is blank"
    if "constant" in refuses and high - low <= ROUNDING * high:
        return "the map is constant and orders no pixel"
    if "truth" in metric.needs and case.truth is None:
        return "no object is marked"
    if "truth" in metric.needs and not np.any(case.truth):
        return "no object is marked on what the model sees"
    if "activations" in metric.needs and case.raw is None:
        return "the map has no scale"
    return ""
