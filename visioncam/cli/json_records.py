"""Results as plain data for `--json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from visioncam_core.options.fields import describe_options
from visioncam_core.plain_data import plain

if TYPE_CHECKING:
    from visioncam_core.plugins.specs import MethodSpec, MetricSpec, RendererSpec
    from visioncam_core.results.explanation import Explanation


def explanation_record(explanation: Explanation) -> dict[str, Any]:
    """Return everything about an explanation but its pixels."""
    layer, heat = explanation.layer, explanation.heatmap
    record = {
        "method": explanation.method,
        "method_title": explanation.method_title,
        "options": explanation.options,
        "target": attrs.asdict(explanation.target),
        "score": explanation.score,
        "score_kind": explanation.score_kind,
        "evidence": explanation.evidence,
        "predictions": [attrs.asdict(one) for one in explanation.predictions],
        "probabilities": explanation.probabilities,
        "layer": {
            "path": layer.path, "kind": layer.row.kind, "shape": layer.shape, "grid": layer.grid,
            "why": layer.why,
        },
        "account": None if explanation.account is None else attrs.asdict(explanation.account),
        "regions": None if explanation.regions is None else [
            {"name": name, "contribution": value} for _, name, value in explanation.regions.rows()
        ],
        "heatmap": {"shape": heat.shape, "minimum": float(heat.min()), "maximum": float(heat.max())},
        "diagnostics": [attrs.asdict(one) for one in explanation.diagnostics],
        "provenance": explanation.provenance,
    }  # fmt: skip
    done: dict[str, Any] = plain(record)
    return done


def spec_record(spec: MethodSpec | RendererSpec | MetricSpec) -> dict[str, Any]:
    """Return a row of the registry with its options."""
    options = [
        {
            "name": info.name, "type": info.type_name, "default": info.default, "help": info.help,
            "unit": info.unit, "choices": info.choices, "rule": info.rule,
        }
        for info in describe_options(spec.cls)
    ]  # fmt: skip
    names = ("name", "title", "summary", "reference", "aliases", "claims", "distribution")
    record = {**{name: getattr(spec, name) for name in names}, "options": options}
    if hasattr(spec, "better"):
        record["better"] = spec.better
    done: dict[str, Any] = plain(record)
    return done
