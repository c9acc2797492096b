"""What a metric is given, and what it returns."""

from visioncam_core.metrics.result import (
    STABLE,
    TRAPEZOID,
    UNASKED,
    Measured,
    MetricResult,
    Switches,
    comparable,
    difference,
)

__all__ = [
    "STABLE",
    "TRAPEZOID",
    "UNASKED",
    "Measured",
    "MetricResult",
    "Switches",
    "comparable",
    "difference",
]
