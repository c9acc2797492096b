"""An explanation in words: for the text chunks of a PNG file, and for `print`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from visioncam_core.results.data import ExplanationData
from visioncam_core.results.diagnostics import Diagnostic
from visioncam_core.results.formats.npz import about


def words(explanation: ExplanationData) -> dict[str, str]:
    """Return a PNG file's chunks by name; what is not known is left out."""
    e, made = explanation, explanation.provenance
    told = {
        "Title": f"{e.method_title}: {e.target.label}",
        "Software": f"VisionCam {made.get('visioncam', '')}".strip(),
        "Layer": e.layer.path,
        "Method": e.method,
        "Options": json.dumps(about(e)["options"]),
        "Class": e.target.label if e.target.index is None else str(e.target.index),
        "Score": f"{e.score_kind} {e.score:.9g}",
        "Evidence": e.evidence,
        "Seed": str(made.get("seed", "")),
        "Model": str(made.get("model", "")),
        "Model SHA-256": str(made.get("model_sha256", "")),
        "Source": str(made.get("source", "")),
        "Source SHA-256": str(made.get("source_sha256", "")),
    }
    return {key: value for key, value in told.items() if value}


def words_of_a_sheet(maps: Sequence[ExplanationData]) -> dict[str, str]:
    """Return the chunks of a contact sheet: what is the same for all its maps, and its methods."""
    told = [words(one) for one in maps]
    first = told[0] if told else {}
    shared = {key: text for key, text in first.items() if all(one.get(key) == text for one in told)}
    methods = ", ".join(dict.fromkeys(one.method for one in maps))
    return {**shared, "Title": "VisionCam comparison", "Method": methods}


def line(explanation: ExplanationData) -> str:
    """Return what was explained, how and where, below it each diagnostic; nothing that a terminal obeys."""
    e = explanation
    sure = f"{e.score_kind} {e.score:.4g}"
    if e.target.probability is not None:
        sure = f"probability {e.target.probability:.1%}, {sure}"
    kind = "" if e.evidence == "for" else f" ({e.evidence})"
    grid = "×".join(map(str, e.raw.shape))
    first = f"{e.method_title}{kind} of {e.target.label}: {sure}; layer {e.layer.path} ({grid})"
    lines = [first, *(f"  {one}" for one in e.diagnostics)]
    return "\n".join("".join(c if c.isprintable() else "?" for c in text) for text in lines)


def shared_notes(
    explanations: Sequence[ExplanationData], names: Sequence[str]
) -> list[tuple[Diagnostic, tuple[str, ...]]]:
    """Return each diagnostic once, with the names of whom it is about; with none where it is about all."""
    about: dict[Diagnostic, list[str]] = {}
    for explanation, name in zip(explanations, names, strict=True):
        for note in explanation.diagnostics:
            about.setdefault(note, []).append(name)
    return [(note, () if len(who) == len(names) else tuple(who)) for note, who in about.items()]
