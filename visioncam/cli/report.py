"""An explanation in words for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from visioncam.cli.phrasing import in_flags
from visioncam.cli.terminal import Output, Part
from visioncam_core.diagnostics import Diagnostic
from visioncam_core.explanation import Explanation, Prediction

WIDTH = 9  # of the words on the left


def tell_model(output: Output, source: str, model: str, explanation: Explanation) -> None:
    """Say which picture and model, what the model sees, what is explained, and where it is looked at."""
    size = "×".join(str(n) for n in _size(explanation))
    output.line((source, "bold"), f" ({size}), {model}")
    target = explanation.target
    names = [_named(one) for one in explanation.predictions]
    width = max((len(name) for name in names), default=0)
    for row, (name, one) in enumerate(zip(names, explanation.predictions, strict=True)):
        mine = one.index == target.index
        value = f"{one.value:7.1%}" if explanation.probabilities else f"{one.value:9.4g}"
        label = ("sees" if explanation.probabilities else "answers") if row == 0 else ""
        _line(
            output,
            label,
            (f"{name:<{width}}  {value}", "bold" if mine else ""),
            "  ← explained" if mine else "",
        )
    if all(one.index != target.index for one in explanation.predictions):
        share = "" if target.probability is None else f", {target.probability:.2%}"
        _line(output, "explains", f"{target.label}{share}")
    layer = explanation.layer
    grid = "×".join(map(str, layer.grid))
    why = layer.why if grid in layer.why else f"{layer.why}, {grid}"
    _line(output, "layer", f"{layer.path}: {why}")
    _line(output, "score", f"{explanation.score_kind} {explanation.score:.4g} of {target.label}")


def tell_notes(output: Output, notes: Iterable[tuple[Diagnostic, Sequence[str]]]) -> None:
    """Say what the reader should know, with the fix.

    Args:
        output: where to.
        notes: each diagnostic with the methods it is about; none where that goes without saying.
    """
    for note, about in notes:
        who = f"{', '.join(about)}: " if about else ""
        _line(output, "note", (who + in_flags(note.message), "yellow"))
        if note.fix and not note.fix.startswith("nothing to do"):
            _line(output, "", f"fix: {in_flags(note.fix)}")


def tell_file(output: Output, path: Path) -> None:
    """Say which file was written."""
    _line(output, "wrote", (str(path), "green"))


def tell_method(output: Output, explanation: Explanation) -> None:
    """Say which method, with its options, and which part is shown."""
    options = ", ".join(f"{name}={value}" for name, value in explanation.options.items())
    part = "" if explanation.evidence == "for" else f", evidence {explanation.evidence}"
    _line(output, "method", f"{explanation.method_title}{f' ({options})' if options else ''}{part}")


def _line(output: Output, label: str, *parts: Part) -> None:
    output.line((f"  {label:<{WIDTH}}", "dim"), *parts)


def _named(one: Prediction) -> str:
    return f"{one.name.split(',')[0]} ({one.index})" if one.name else f"class {one.index}"


def _size(explanation: Explanation) -> list[int]:
    shape = list(explanation.heatmap.shape)
    return shape[::-1] if len(shape) == 2 else shape  # width first, as people say it
