"""An explanation in words for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from visioncam.cli.phrasing import in_flags
from visioncam.cli.terminal import Output, Part
from visioncam_core.results.describe import facts, lengths_in_text
from visioncam_core.results.diagnostics import Diagnostic

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation

WIDTH = 9  # of the words on the left


def tell_model(output: Output, source: str, model: str, stack: Sequence[Explanation]) -> None:
    """Print the picture, the model, its best classes, the target and the layer.

    `stack` holds the explanations of one picture and layer, one for each class.
    """
    first = stack[0]
    shape = first.heatmap.shape
    size = lengths_in_text(shape[::-1] if len(shape) == 2 else shape)  # width first, as people say it
    output.line((source, "bold"), f" ({size}), {model}")
    targets = {one.target.index for one in stack}
    names = [f"{one.short_name} ({one.index})" if one.name else one.short_name for one in first.predictions]
    width = max((len(name) for name in names), default=0)
    for row, (name, one) in enumerate(zip(names, first.predictions, strict=True)):
        mine = one.index in targets
        value = f"{one.amount(first.probabilities):>{7 if first.probabilities else 9}}"
        label = ("sees" if first.probabilities else "answers") if row == 0 else ""
        line(
            output,
            label,
            (f"{name:<{width}}  {value}", "bold" if mine else ""),
            "  ← explained" if mine else "",
        )
    target = first.target
    if all(one.index not in targets for one in first.predictions):
        share = "" if target.probability is None else f", {target.probability:.2%}"
        line(output, "explains", f"{target.label}{share}")
    grid = lengths_in_text(first.layer.grid)
    line(output, "layer", facts(first)["Layer"] + ("" if grid in first.layer.why else f", {grid}"))
    if len(stack) == 1:
        tell_score(output, first)


def tell_score(output: Output, explanation: Explanation, paths: Sequence[Path] = ()) -> None:
    """Print the score that was explained; of a stack of classes also the files of each."""
    wrote: list[Part] = [", wrote ", (", ".join(map(str, paths)), "green")] if paths else []
    line(output, "score", f"{facts(explanation)['Score']} of {explanation.target.label}", *wrote)


def tell_account(output: Output, explanation: Explanation) -> None:
    """Print what the map adds up to, and the regions with the largest contributions."""
    about = facts(explanation)
    for name in ("Account", "Regions"):
        if about[name]:
            line(output, name.lower(), about[name])


def tell_notes(output: Output, notes: Iterable[tuple[Diagnostic, Sequence[str]]]) -> None:
    """Print diagnostics, each with its fix, and with whom it is about unless that goes without saying."""
    for note, about in notes:
        who = f"{', '.join(about)}: " if about else ""
        line(output, "note", (who + in_flags(note.message), "yellow"))
        if note.fix and not note.fix.startswith("nothing to do"):
            line(output, "", f"fix: {in_flags(note.fix)}")


def tell_files(output: Output, paths: Sequence[Path]) -> None:
    for row, path in enumerate(paths):
        line(output, "" if row else "wrote", (str(path), "green"))


def tell_method(output: Output, explanation: Explanation) -> None:
    line(output, "method", facts(explanation)["Method"])


def line(output: Output, label: str, *parts: Part) -> None:
    """Print a line with a word on the left that says what it is about."""
    output.line((f"  {label:<{WIDTH}}", "dim"), *parts)
