"""An explanation in words: its facts, the text chunks of a PNG file, and what `print` shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from visioncam_core.results.data import ExplanationData
from visioncam_core.results.diagnostics import Diagnostic
from visioncam_core.results.formats.npz import about


def facts(explanation: ExplanationData) -> dict[str, str]:
    """Return what an explanation says, label by label; terminal, notebook and app lay it out."""
    e, share = explanation, explanation.target.probability
    part = "" if e.evidence == "for" else f", evidence {e.evidence}"
    return {
        "Class": e.target.label + ("" if share is None else f", {share:.1%}"),
        "Score": f"{e.score_kind} {e.score:.4g}",
        "Method": method_in_text(e.method_title, e.options) + part,
        "Layer": f"{e.layer.path}: {e.layer.why}",
        "Account": str(e.account or ""),
        "Regions": "" if e.regions is None else e.regions.in_text(),
        "The model sees": ", ".join(
            f"{one.short_name} {one.amount(e.probabilities)}" for one in e.predictions[:3]
        ),
    }


def method_in_text(title: str, options: Mapping[str, Any]) -> str:
    """Return a method with its options: `Score-CAM (channels=64)`."""
    return f"{title} ({options_in_text(options)})" if options else title


def options_in_text(options: Mapping[str, Any]) -> str:
    """Return options in words; of an array its size, of masks their names."""

    def word(value: Any) -> str:
        if isinstance(value, Mapping):
            return f"{{{', '.join(map(str, value))}}}"
        return f"array of {lengths_in_text(value.shape)}" if hasattr(value, "shape") else str(value)

    return ", ".join(f"{name}={word(value)}" for name, value in options.items())


def lengths_in_text(shape: Iterable[int]) -> str:
    return "×".join(map(str, shape))


def words(explanation: ExplanationData) -> dict[str, str]:
    """Return a PNG file's chunks by name; what is not known is left out."""
    e, made = explanation, explanation.provenance
    chunks = {
        "Title": f"{e.method_title}: {e.target.label}",
        "Software": f"VisionCam {made.get('visioncam', '')}".strip(),
        "Layer": e.layer.path,
        "Method": e.method,
        "Options": json.dumps(about(e)["options"]),
        "Class": e.target.label if e.target.index is None else str(e.target.index),
        "Score": f"{e.score_kind} {e.score:.9g}",
        "Evidence": e.evidence,
        "Account": str(e.account or ""),
        "Seed": str(made.get("seed", "")),
        "Model": str(made.get("model", "")),
        "Model SHA-256": str(made.get("model_sha256", "")),
        "Source": str(made.get("source", "")),
        "Source SHA-256": str(made.get("source_sha256", "")),
    }
    return {key: value for key, value in chunks.items() if value}


def words_of_a_sheet(maps: Sequence[ExplanationData]) -> dict[str, str]:
    """Return the chunks of a contact sheet: what is the same for all its maps, and its methods."""
    chunks = [words(one) for one in maps]
    first = chunks[0] if chunks else {}
    shared = {key: text for key, text in first.items() if all(one.get(key) == text for one in chunks)}
    methods = ", ".join(dict.fromkeys(one.method for one in maps))
    return {**shared, "Title": "VisionCam comparison", "Method": methods}


def line(explanation: ExplanationData) -> str:
    """Return what was explained, how and where; below it account, regions and each diagnostic.

    It has nothing that a terminal obeys.
    """
    e, about = explanation, facts(explanation)
    sure = about["Score"]
    if e.target.probability is not None:
        sure = f"probability {e.target.probability:.1%}, {sure}"
    kind = "" if e.evidence == "for" else f" ({e.evidence})"
    layer = f"{e.layer.path} ({lengths_in_text(e.raw.shape)})"
    first = f"{e.method_title}{kind} of {e.target.label}: {sure}; layer {layer}"
    more = (f"{name.lower()}: {about[name]}" for name in ("Account", "Regions") if about[name])
    lines = [first, *(f"  {one}" for one in (*more, *e.diagnostics))]
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
