"""The rows a plugin registers (public name of `plugins.specs`)."""

from visioncam_core.plugins.specs import (
    ABILITIES,
    BETTER,
    METRIC_NEEDS,
    EngineSpec,
    MethodSpec,
    MetricSpec,
    RendererSpec,
)

__all__ = ["ABILITIES", "BETTER", "METRIC_NEEDS", "EngineSpec", "MethodSpec", "MetricSpec", "RendererSpec"]
