"""The rows a plugin registers (public name of `plugins.specs`)."""

from visioncam_core.plugins.specs import (
    BETTER,
    METRIC_NEEDS,
    EngineSpec,
    MethodSpec,
    MetricSpec,
    RendererSpec,
)

__all__ = ["BETTER", "METRIC_NEEDS", "EngineSpec", "MethodSpec", "MetricSpec", "RendererSpec"]
