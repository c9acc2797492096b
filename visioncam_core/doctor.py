"""A health report: can the maps of this model on this picture be trusted, and how should one ask?"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from visioncam_core.agreement import rank_correlation
from visioncam_core.diagnostics import Diagnostic
from visioncam_core.engine.view import View
from visioncam_core.explainer import Explainer
from visioncam_core.explanation import Explanation
from visioncam_core.options import describe_options
from visioncam_core.preprocess import Preprocessing
from visioncam_core.settings import Settings

ALIKE = 0.95
"""Rank correlation of two classes' maps above which the map hardly depends on the class."""


@attrs.frozen(eq=False)
class Report:
    """What `visioncam.doctor` found.

    Attributes:
        facts: section -> one line: model, input, output, score, layer, gradient, map, class.
        diagnostics: what is wrong or worth knowing, each with its fix; empty when all is well.
        keywords: those of the suggested call, in order; "…" where only you know the value.
        explanation: the explanation it was judged on.
    """

    facts: dict[str, str]
    diagnostics: tuple[Diagnostic, ...]
    keywords: dict[str, Any]
    explanation: Explanation = attrs.field(repr=False)

    @property
    def suggestion(self) -> str:
        """The call to use."""
        written = ", ".join(
            f"{name}={'…' if value == '…' else repr(value)}" for name, value in self.keywords.items()
        )
        return f"visioncam.explain(model, image, {written})"

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.diagnostics

    def __str__(self) -> str:
        """Return the report as aligned lines."""
        width = max(map(len, self.facts))
        lines = [f"{name.ljust(width)}  {text}" for name, text in self.facts.items()]
        lines += [f"! {diagnostic}" for diagnostic in self.diagnostics] or ["all is well"]
        return "\n".join([*lines, f"suggested: {self.suggestion}"])


def examine(explainer: Explainer, image: object, target: object = None) -> Report:
    """Return the health report of one picture, explained by the explainer's first method.

    Args:
        explainer: a model made ready to be asked.
        image: one picture or model input.
        target: what is explained; the top class by default.
    """
    seen, _ = explainer.layers(image)
    explanation = explainer(image, target)
    if isinstance(explanation, list):
        explanation = explanation[0]
    other = _other_class(explainer, image, explanation)
    found = list(dict.fromkeys(explanation.diagnostics))
    alike = None if other is None else float(np.nan_to_num(rank_correlation(explanation.raw, other.raw)))
    if alike is not None and other is not None and alike > ALIKE:
        message = f"the map for {other.target.label} has a rank correlation of {alike:.2f} with this one"
        found.append(Diagnostic("class-insensitive", message))
    facts = {
        "model": f"{seen.table.model_name}: {len(seen.table.rows)} recorded outputs, {len(seen.table)} "
        "candidates",
        "input": _input(explainer, image, explainer.preprocessing),
        "output": _output(seen),
        "score": f"{explanation.score_kind} of {explanation.target.label} = {explanation.score:.4g}",
        "layer": f"{explanation.layer.path} {explanation.layer.shape}: {explanation.layer.why}",
        "map": _map(explanation),
    }
    if alike is not None and other is not None:
        facts["class"] = f"rank correlation {alike:.2f} with the map for {other.target.label}"
    return Report(facts, tuple(found), _keywords(explainer, explanation, found), explanation)


def _other_class(explainer: Explainer, image: object, explanation: Explanation) -> Explanation | None:
    """Return the explanation of the next best class, where there is one."""
    index = explanation.target.index
    others = [row.index for row in explanation.predictions if row.index != index]
    if index is None or not others:
        return None
    found = explainer(image, others[0])
    return found if isinstance(found, Explanation) else found[0]


def _input(explainer: Explainer, image: object, preprocessing: Preprocessing) -> str:
    item = explainer.reader.read(image)[0][0]
    values = item.flat[explainer.inputs.image]
    how = (
        "as passed"
        if item.geometry is None
        else f"{item.geometry.name}, {preprocessing.name} ({preprocessing.why})"
    )
    return f"{item.source} as {values.shape[1:]} in [{values.min():.4g}, {values.max():.4g}]; {how}"


def _output(seen: View) -> str:
    activation = seen.score.activation or "no softmax or sigmoid found"
    names = ", ".join(seen.trace.outputs)
    return f"{seen.score.output} of {names}, shape {tuple(seen.score.answer.shape)[1:]}, {activation}"


def _map(explanation: Explanation) -> str:
    raw = explanation.raw
    positive = float((raw > 0).mean())
    total = float(np.maximum(raw, 0).sum())
    share = float(np.maximum(raw, 0).max() / total) if total > 0 else 0.0
    return f"{positive:.0%} of {raw.size} positions positive, the strongest holds {share:.0%} of the evidence"


def _keywords(explainer: Explainer, explanation: Explanation, found: list[Diagnostic]) -> dict[str, Any]:
    """Return the keywords of the call to use: those that were given, with what was found put right."""
    codes = {diagnostic.code for diagnostic in found}
    asked: dict[str, Any] = {"method": explanation.method}
    if explanation.target.index is not None:
        asked["target"] = explanation.target.index
    layer = explainer.settings.layer
    asked["layer"] = list(layer) if isinstance(layer, list | tuple) else explanation.layer.path
    for info in describe_options(Settings):
        value = getattr(explainer.settings, info.name)
        if info.name not in ("layer", "progress") and value is not info.default and value != info.default:
            asked[info.name] = value if isinstance(value, str | int) else "…"
    if "signed-activations" in codes:
        asked["method"] = "hirescam"
    else:
        asked |= _options(explainer, explanation)
    if "no-positive-evidence" in codes:
        asked["evidence"] = "signed"
    if "preprocess-unknown" in codes:
        asked["preprocess"] = "…"
    return asked


def _options(explainer: Explainer, explanation: Explanation) -> dict[str, Any]:
    """Return the method's options that are not the default."""
    if not explanation.options:
        return {}
    defaults = {info.name: info.default for info in describe_options(type(explainer.methods[0].method))}
    return {name: value for name, value in explanation.options.items() if value != defaults.get(name)}
