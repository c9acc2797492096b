"""A health report: can the maps of this model on this picture be trusted, and which call should be used?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine import cache
from visioncam_core.engine.interface import View
from visioncam_core.engine.output import head_of
from visioncam_core.images.sample import Read, Sample
from visioncam_core.options.fields import describe_options
from visioncam_core.pipeline.diagnosis import diagnose
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.settings import Settings
from visioncam_core.pipeline.watched import Watched, try_preprocessings
from visioncam_core.resize import STRETCHED
from visioncam_core.results.agreement import rank_correlation
from visioncam_core.results.diagnostics import FIRST, Diagnostic
from visioncam_core.results.explanation import Explanation
from visioncam_core.targets.classes import Ranked

QUARTER = 0.25
"""Of a cell: how far from where they look positions may be drawn without a word."""
MOVED = 0.1
"""Share of a map's maximum that a millionth of the picture's brightness may move."""
ALIKE = 0.95
"""Rank correlation of two classes' maps above which the map hardly depends on the class."""


@attrs.frozen(eq=False)
class Report:
    """What `visioncam.doctor` found.

    Attributes:
        facts: section -> one line: model, trace, input, range, output, score, layer, place, gradient, map,
            class; tried, if the model does not say what it expects.
        diagnostics: what is wrong or worth knowing, each with its fix; empty if nothing is wrong.
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
        told = [f"! {diagnostic}" for diagnostic in self.diagnostics]
        first = sum(one.code in FIRST for one in self.diagnostics)
        facts = [f"{name.ljust(width)}  {text}" for name, text in self.facts.items()]
        lines = [*told[:first], *facts, *(told[first:] if told else ["no problem found"])]
        return "\n".join([*lines, f"suggested: {self.suggestion}"])


def examine(explainer: Explainer, image: object, target: object = None) -> Report:
    """Return the health report of one picture, explained by the explainer's first method.

    Args:
        explainer: a model made ready to be keywords.
        image: one picture or model input.
        target: what is explained; the top class by default.
    """
    with cache.steady(explainer.engine, explainer.model):
        return _examined(explainer, image, target)


def _examined(explainer: Explainer, image: object, target: object) -> Report:
    if len(explainer.inputs.inputs) == 1:  # decoded once
        image = Read(*explainer.reader.read(image))
    item = next(explainer.reader.read(image)[0][0].parts())
    off, tolerance = faithfulness(explainer, item)
    view, _ = explainer.layers(image)
    method = explainer.methods[0]
    watched = Watched(method)
    explanation = _first(explainer.with_methods(attrs.evolve(method, method=watched)), image, target)
    explanation = attrs.evolve(explanation, options=method.options)
    other = _other_class(explainer, image, explanation, view)
    found = list(dict.fromkeys(explanation.diagnostics))
    if watched.deaf:
        label = explanation.target.label
        message = f"the score of {label} is the same for the picture, its negative and noise, up to rounding"
        found.append(Diagnostic("answers-alike", message))
    alike = None if other is None else float(np.nan_to_num(rank_correlation(explanation.raw, other.raw)))
    if alike is not None and other is not None and alike > ALIKE:
        message = f"the map for {other.target.label} has a rank correlation of {alike:.2f} with this one"
        found.append(Diagnostic("class-insensitive", message))
    faithful = off <= tolerance
    if not faithful and all(one.code != cache.DIFFERS for one in found):
        found.append(
            Diagnostic(cache.DIFFERS, f"its output differs by {off:.1%} from the model's own, model(image)")
        )
    place, offset = _place(view, explanation)
    if explanation.layer.placement.name == "stretched" and offset > QUARTER:
        found.append(Diagnostic("placement-offset", f"the map of {explanation.layer.path!r}: {place}"))
    if not view.exact:
        with explainer.engine.running(explainer.model):
            mixed = explainer.mixing(explainer.engine.tensors(item.flat))
        found = list(dict.fromkeys([*found, *diagnose.of_mixing(mixed)]))
    found += _unsteady(explainer, image, target, explanation)
    facts = {
        "model": f"{view.table.model_name}: {explainer.hints.kind}, {len(view.table.rows)} layer "
        f"outputs, {len(view.table)} of them candidates",
        "trace": f"agrees with the model itself, within {off:.0e} of the largest output"
        if faithful
        else f"differs from the model itself, by {off:.1%} of the largest output",
        **_input(explainer, item),
        "output": _output(view),
        "score": f"{explanation.score_kind} of {explanation.target.label} = {explanation.score:.4g}",
        "layer": f"{explanation.layer.path} {explanation.layer.shape}: {explanation.layer.why}",
        "place": place,
        "gradient": watched.flow,
        "map": _map(explanation),
    }
    if explanation.account is not None:
        facts["account"] = str(explanation.account)
    if alike is not None and other is not None:
        facts["class"] = f"rank correlation {alike:.2f} with the map for {other.target.label}"
    best, tried = ("", "") if explainer.expected.known else try_preprocessings(explainer, view, item)
    if tried:
        facts["tried"] = tried
    found.sort(key=lambda one: FIRST.index(one.code) if one.code in FIRST else len(FIRST))
    keywords = _keywords(explainer, explanation, found)
    if best and (best != explainer.preprocessing.name or "preprocess" in keywords):
        keywords["preprocess"] = best
    return Report(facts, tuple(found), keywords, explanation)


def _place(view: View, explanation: Explanation) -> tuple[str, float]:
    """Return where the layer's positions lie, in words, and how far from an even spread, in cells."""
    layer, space = explanation.layer, view.table.image_shape
    looks = view.table.placement(layer.row, "effective")
    if not looks.step or len(space) != len(layer.grid):
        return looks.why or "positions are spread evenly over the input", 0.0
    even = STRETCHED.pixels(layer.grid, space)
    pixels = [np.abs(a - b).max() for a, b in zip(looks.pixels(layer.grid, space), even, strict=True)]
    cells = max(float(off / abs(step)) for off, step in zip(pixels, looks.step, strict=True))
    drawn = f"drawn {layer.placement.name}"
    return (
        f"positions look up to {max(pixels):.1f} pixels ({cells:.2f} cells) off an even spread; {drawn}",
        cells,
    )


def _first(explainer: Explainer, image: object, target: object) -> Explanation:
    found = explainer(image, target)
    while isinstance(found, list):
        found = found[0]
    return found


def _other_class(
    explainer: Explainer, image: object, explanation: Explanation, view: View
) -> Explanation | None:
    """Return the explanation of the least likely class, the least alike; None where there is no other class.

    The second best class would not do: a network that tells two breeds of cats apart looks at the same cat.
    """
    head = head_of(view.score, None)
    if explanation.target.index is None or head.dense or head.classes < 2:
        return None
    other = _first(explainer, image, Ranked(head.classes - 1))
    return other if other.target.index != explanation.target.index else _first(explainer, image, Ranked(0))


def faithfulness(explainer: Explainer, item: Sample) -> tuple[float, float]:
    """Return how far the trace's outputs are from the model's own, and what rounding may explain.

    Returns:
        As `cache.compared`; and the share that is allowed.
    """
    flat = explainer.engine.tensors(item.flat)
    with explainer.engine.running(explainer.model):
        traced, off = cache.compared(explainer.engine, explainer.model, explainer.inputs, flat)
    return off, traced.tolerance


def _unsteady(
    explainer: Explainer, image: object, target: object, explanation: Explanation
) -> Iterator[Diagnostic]:
    """Yield that a picture brighter by a millionth, which is the same to anybody, has another map."""
    sample = explainer.reader.read(image)[0][0]
    place = explainer.inputs.image
    if sample.windows is not None or not explainer.methods[0].needs & {"gradients", "gradients-elsewhere"}:
        return
    flat = [
        x * x.dtype.type(1 + 1e-6) if i == place and x.dtype.kind == "f" else x
        for i, x in enumerate(sample.flat)
    ]
    asked = target if explanation.target.index is None else explanation.target.index
    again = _first(explainer, Read([attrs.evolve(sample, flat=tuple(flat))], True), asked)
    off = float(np.abs(again.heatmap - explanation.heatmap).max(initial=0.0))
    if off > MOVED:
        message = (
            f"brightening the picture by one part in a million changes the map by {off:.2f} of its maximum"
        )
        yield Diagnostic("unsteady-map", message)


def _input(explainer: Explainer, item: Sample) -> dict[str, str]:
    values = item.flat[explainer.inputs.image]
    how = "as passed"
    if item.geometry is not None:
        how = f"{item.geometry.name}, {explainer.preprocessing.name} ({explainer.preprocessing.why})"
    expected = explainer.expected
    takes = "the model's input range is not known"
    if expected.known and expected.expected_range is not None:
        low, high = expected.expected_range
        takes = f"the model takes {low:g} to {high:g} ({expected.why})"
    return {
        "input": f"{item.source} as {values.shape[1:]}; {how}",
        "range": f"{values.min():.4g} to {values.max():.4g}; {takes}",
    }


def _output(view: View) -> str:
    head = head_of(view.score, None)
    count = f"{head.classes} class{'es' if head.classes != 1 else ''}"
    if head.binary:
        what = "one value for two classes"
    elif view.score.activation == "sigmoid":
        what = f"{count} that are not mutually exclusive"
    else:
        what = count if head.probable else f"{head.classes} value{'s' if head.classes != 1 else ''}"
    what += " at every position" if head.dense else ""
    activation = view.score.activation or "no softmax or sigmoid found"
    shape = view.score.answer_shape[1:]
    return f"{view.score.output!r} of {len(view.outputs)}, shape {shape}: {what}, {activation}"


def _map(explanation: Explanation) -> str:
    raw = explanation.raw
    positive = float((raw > 0).mean())
    total = float(np.maximum(raw, 0).sum())
    share = float(np.maximum(raw, 0).max() / total) if total > 0 else 0.0
    return f"{positive:.0%} of {raw.size} positions positive, the strongest holds {share:.0%} of the evidence"


def _keywords(explainer: Explainer, explanation: Explanation, found: list[Diagnostic]) -> dict[str, Any]:
    """Return the keywords of the call to use: those that were given, with what was found put right."""
    codes = {diagnostic.code for diagnostic in found}
    keywords: dict[str, Any] = {"method": explanation.method}
    if explanation.target.index is not None:
        keywords["target"] = explanation.target.index
    layer = explainer.settings.layer
    if not explanation.layer.row.is_input:
        keywords["layer"] = list(layer) if isinstance(layer, list | tuple) else explanation.layer.path
    for info in describe_options(Settings):
        value = getattr(explainer.settings, info.name)
        if info.name not in ("layer", "progress") and value is not info.default and value != info.default:
            keywords[info.name] = value if isinstance(value, str | int) else "…"
    if codes & {"signed-activations", "terms-cancel"}:
        keywords["method"] = "gradcam" if explanation.method == "hirescam" else "hirescam"
    else:
        keywords |= _options(explainer, explanation)
    if "no-positive-evidence" in codes:
        keywords["evidence"] = "signed"
    if "preprocess-unknown" in codes:
        keywords["preprocess"] = "…"
    return keywords


def _options(explainer: Explainer, explanation: Explanation) -> dict[str, Any]:
    if not explanation.options:
        return {}
    defaults = {info.name: info.default for info in describe_options(type(explainer.methods[0].method))}
    return {name: value for name, value in explanation.options.items() if value != defaults.get(name)}
