"""The result: what changed between two models, said first, then by class and by picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from visioncam.differences.changes import Change, Group
from visioncam.evaluation.conditions import SIGNS, parse_condition
from visioncam.html_report.page import Fact, Page
from visioncam.html_report.sections import Picture, Section, Table
from visioncam_core.errors import OutputError
from visioncam_core.files import csv_text, json_text, without_folders, write_bytes
from visioncam_core.metrics.intervals import Interval
from visioncam_core.plain_data import plain
from visioncam_core.text import aligned

NUMBERS = ("moved", "correlation", "changed")
NAME, SOURCE = 22, 30  # letters of a class and of a picture in a table
Rows = tuple[list[str], list[list[str]]]
SECOND = {
    True: "more than a change of seed",
    False: "not significantly more than a change of seed",
    None: "too few pictures to tell",
}
BEYOND = {True: "yes", False: "no", None: "too few"}


@attrs.frozen(eq=False)
class Diff:
    """What changed between two models.

    Attributes:
        old: name of the old model.
        new: name of the new model.
        second: name of a second run of the old one's training, or "".
        pictures: those that moved most first; those with nothing to compare last.
        overall: what changed over all pictures.
        classes: by the old model's answer; what chance does not explain first, then what moved most.
        method: of the maps.
        layers: of each model's maps.
        score: what the scores are: "probability", "logit" or "output".
        notes: caveats.
        failures: picture -> why it could not be compared.
        provenance: versions, settings and models.
        strips: number of a picture -> (H, W, 3) uint8, the picture and its maps side by side; of those that
            moved most.
    """

    old: str
    new: str
    second: str
    pictures: tuple[Change, ...] = attrs.field(repr=False)
    overall: Group
    classes: tuple[Group, ...] = attrs.field(repr=False)
    method: str
    layers: tuple[str, ...]
    score: str
    notes: tuple[str, ...] = ()
    failures: Mapping[str, str] = attrs.field(factory=dict)
    provenance: dict[str, Any] = attrs.field(factory=dict, repr=False)
    strips: Mapping[int, np.ndarray] = attrs.field(factory=dict, repr=False)

    def verdict(self) -> list[str]:
        """Return what changed in a few sentences."""
        whole, told = self.overall, []
        if count := whole.changed.count:
            told.append(f"answers: {_share(whole.changed)} of {count} changed, {_said(whole.changed)}")
        if not whole.moved.count:
            told.append("evidence: no picture has two maps to compare")
        elif whole.moved.value == 0:
            told.append("evidence: no map moved at all")
        else:
            order = f"rank correlation {_said(whole.correlation)}"
            told.append(f"evidence: {_said(whole.moved)} of it moved (0 none, 1 all); {order}")
        if math.isfinite(whole.second_moved):
            told.append(
                f"two runs of one training differ by {_number(whole.second_moved)}, and in "
                f"{_number(whole.second_changed)} of the answers"
            )
            if whole.second_moved > 0 and not math.isnan(whole.chance):
                times = f"the new model moved {whole.moved.value / whole.second_moved:.2g} times as much"
                told.append(f"{times}: {SECOND[whole.beyond]} (p = {whole.chance:.2g}; a single second run)")
        if beyond := [f"{one.name} ({_number(one.moved.value)})" for one in self.classes if one.beyond]:
            rival = "in a second run" if self.second else "in the other classes"
            told.append(f"moved more than {rival}, beyond chance: {', '.join(beyond)}")
        return told

    def by_class(self) -> Rows:
        """Return header and rows of the classes; the last row is all pictures."""
        rows = []
        for one in (*self.classes, self.overall):
            means = (one.correlation.value, one.second_moved) if self.second else (one.correlation.value,)
            beyond = "" if math.isnan(one.chance) else BEYOND[one.beyond]
            name, counts = _cut(one.name, NAME), (str(one.count), _share(one.changed))
            rows.append([name, *counts, _said(one.moved), *map(_number, means), beyond])
        second = ["second"] if self.second else []
        header = ["class", "pictures", "changed", "moved [95 %]", "correlation", *second, "beyond chance"]
        return header, rows

    def by_picture(self, most: int | None = None) -> Rows:
        """Return header and rows of the pictures, those that moved most first; at most so many."""
        rows = []
        for one in self.pictures[:most]:
            answers = (one.old_answer or one.explained, one.new_answer if one.changed else "same")
            source = one.source if len(one.source) <= SOURCE else f"…{one.source[1 - SOURCE :]}"
            cut = [_cut(name, NAME) for name in answers]
            rows.append([_number(one.moved), _number(one.correlation), *cut, source])
        return ["moved", "correlation", "old answer", "new answer", "picture"], rows

    def check(self, condition: str) -> list[str]:
        """Return in words where a condition such as "moved > 0.1" holds over all pictures.

        Args:
            condition: moved, correlation or changed, one of < <= > >=, and a number.  If no picture has the
                number, it counts as held: nothing was shown.

        Raises:
            OptionError: it cannot be read.
            NameNotFoundError: it names something else.
        """
        name, sign, number = parse_condition(condition, NUMBERS)
        found: Interval = getattr(self.overall, name)
        if not found.count:
            return [f"{name} has no value on any picture"]
        return [f"{name} is {found.value:.4g}, {sign} {number:g}"] if SIGNS[sign](found.value, number) else []

    def document(self) -> dict[str, Any]:
        """Return everything but the strips as plain data."""
        found = attrs.asdict(self, filter=lambda field, _: field.name != "strips")
        done: dict[str, Any] = plain({"verdict": self.verdict(), **found})
        return done

    def html(self) -> str:
        """Return the report: the verdict, a table of classes, and the pictures that moved most."""
        by_number = {one.number: one for one in self.pictures}
        strips = [self._strip(by_number[number], pixels) for number, pixels in self.strips.items()]
        careful = [*self.notes, *(f"{name}: {why}" for name, why in self.failures.items())]
        sections = [
            Section(
                "What changed", "\n".join(self.verdict()), [Table(*self.by_class(), "by the old answer")]
            ),
            Section(
                "The pictures that moved most", "Both maps are of one class, each on its own scale.", strips
            ),
            Section("Caveats", "\n".join(map(without_folders, careful))),
            Section("Every picture", "", [Table(*self.by_picture(), "those that moved most first")]),
        ]
        facts = {"old model": self.old, "new model": self.new, "second run": self.second}
        facts |= {"method": self.method, "layers": ", ".join(self.layers)}
        facts |= {name: str(value) for name, value in self.provenance.items()}
        known = [Fact(name, without_folders(value)) for name, value in facts.items() if value]
        told = [one for one in sections if one.text or one.parts]
        return Page(f"What changed: {self.old} → {self.new}", (), {}, known, told).html()

    def _strip(self, one: Change, pixels: np.ndarray) -> Picture:
        answer = f"answers {one.old_answer}, then {one.new_answer}; " if one.changed == 1 else ""
        words = (
            f"{one.source}: {_number(one.moved)} moved, rank correlation {_number(one.correlation)}; {answer}"
            f"maps of {one.explained}, {self.score} {_number(one.old_score)}, then {_number(one.new_score)}"
        )
        return Picture(pixels, f"the picture and both maps, {words}", words)

    def save(self, path: str | Path) -> Path:
        """Write everything to a `.json`, the pictures to a `.csv`, or a report to an `.html` file.

        The file is either complete or absent.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix == ".json":
            text = json_text(self.document())
        elif suffix == ".html":
            text = self.html()
        elif suffix == ".csv":
            text = csv_text([field.name for field in attrs.fields(Change)], map(attrs.asdict, self.pictures))
        else:
            raise OutputError(f"Cannot write a diff to {target.name!r}. Use .json, .csv or .html.")
        write_bytes(target, text.encode("utf-8", "replace"))
        return target

    def __str__(self) -> str:
        """Return the verdict, the classes and the ten pictures that moved most as text."""
        classes, pictures = (aligned([head, *rows]) for head, rows in (self.by_class(), self.by_picture(10)))
        return "\n".join([*self.verdict(), *classes, *pictures, *self.notes])


def _share(found: Interval) -> str:
    return str(round(found.value * found.count)) if found.count else "–"


def _said(found: Interval) -> str:
    """Return a mean with its interval, where there is an honest one."""
    return _number(found.value) if math.isnan(found.low) else str(found)


def _number(value: float) -> str:
    small = 0 < value < 0.0005
    return "<0.001" if small else f"{value:.3f}" if math.isfinite(value) else "–"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
