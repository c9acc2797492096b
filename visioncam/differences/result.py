"""The result: what changed between two models, said first, then by class and by picture."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from visioncam.differences.changes import Change, Group
from visioncam.differences.report import page
from visioncam.evaluation.conditions import SIGNS, parse_condition
from visioncam_core.errors import OutputError
from visioncam_core.files import as_row, write_bytes
from visioncam_core.metrics.intervals import Interval
from visioncam_core.plain_data import plain

NUMBERS = ("moved", "correlation", "changed")
COLUMNS = tuple(field.name for field in attrs.fields(Change))
SUFFIXES = (".json", ".csv", ".html")
NAME, SOURCE = 22, 30  # letters of a class and a picture in a table
Rows = tuple[list[str], list[list[str]]]


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
        notes: what to be careful about.
        failures: picture -> why nothing is known of it.
        provenance: versions, settings and models.
        strips: number of a picture -> (H, W, 3) uint8 with the picture and its maps side by side; of those
            that moved most.
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
        if whole.changed.count:
            n, share = whole.changed.count, whole.changed
            told.append(f"answers: {round(share.value * n)} of {n} changed, {_said(share)}")
        if whole.moved.value == 0:
            told.append("evidence: no map moved at all")
        elif whole.moved.count:
            told.append(
                f"evidence: {_said(whole.moved)} of it moved (0 none, 1 all); "
                f"rank correlation {_said(whole.correlation)}"
            )
        else:
            told.append("evidence: no picture has two maps to compare")
        if self.second and math.isfinite(whole.second_moved):
            times = (
                "" if math.isnan(whole.times) else f"the new model moved {whole.times:.1f} times as much: "
            )
            more = {
                True: "more than a seed does",
                False: "not surely more than a seed does",
                None: "too few pictures to tell",
            }[whole.beyond]
            told.append(
                f"two runs of one training differ by {whole.second_moved:.3f}, and in "
                f"{whole.second_changed:.3f} of the answers; {times}{more} (p = {whole.chance:.2g}; "
                "one second run is one draw of the seed)"
            )
        if beyond := [f"{one.name} ({_number(one.moved.value)})" for one in self.classes if one.beyond]:
            what = "a second run" if self.second else "the other classes"
            told.append(f"moved more than {what}, beyond chance: {', '.join(beyond)}")
        return told

    def by_class(self) -> Rows:
        """Return header and rows of the classes; the last row is all pictures."""
        second = ["second run"] if self.second else []
        header = ["class", "pictures", "changed", "moved [95 %]", "correlation", *second, "beyond chance"]
        words = {True: "yes", False: "no", None: "too few"}
        rows = [
            [
                _short(one.name, NAME),
                str(one.count),
                str(round(one.changed.value * one.changed.count)) if one.changed.count else "–",
                _said(one.moved),
                _number(one.correlation.value),
                *([_number(one.second_moved)] if second else []),
                "" if math.isnan(one.chance) else words[one.beyond],
            ]
            for one in (*self.classes, self.overall)
        ]
        return header, rows

    def by_picture(self, most: int | None = None) -> Rows:
        """Return header and rows of the pictures, those that moved most first; at most so many."""
        header = ["moved", "correlation", "old answer", "new answer", "picture"]
        rows = []
        for one in self.pictures[:most]:
            answers = (one.old_answer or one.explained, one.new_answer if one.changed else "same")
            cut = [_short(name, NAME) for name in answers]
            source = one.source if len(one.source) <= SOURCE else f"…{one.source[1 - SOURCE :]}"
            rows.append([_number(one.moved), _number(one.correlation), *cut, source])
        return header, rows

    def check(self, condition: str) -> list[str]:
        """Return in words where a condition such as "moved > 0.1" holds over all pictures.

        Args:
            condition: moved, correlation or changed, one of < <= > >=, and a number.  A mean without any
                picture counts as held: nothing was shown.

        Raises:
            OptionError: it cannot be read.
            NameNotFoundError: it names something else.
        """
        name, sign, number = parse_condition(condition, NUMBERS)
        found = getattr(self.overall, name)
        if not found.count:
            return [f"{name} has no number on any picture"]
        return [f"{name} is {found.value:.4g}, {sign} {number:g}"] if SIGNS[sign](found.value, number) else []

    def records(self) -> list[dict[str, Any]]:
        """Return one plain record a picture, those that moved most first."""
        return [attrs.asdict(one) for one in self.pictures]

    def document(self) -> dict[str, Any]:
        """Return everything but the strips as plain data."""
        every = {
            field.name: getattr(self, field.name) for field in attrs.fields(Diff) if field.name != "strips"
        }
        every["verdict"] = self.verdict()
        every["overall"] = attrs.asdict(self.overall)
        every["classes"] = [attrs.asdict(one) for one in self.classes]
        done: dict[str, Any] = plain({**every, "pictures": self.records()})
        return done

    def html(self) -> str:
        """Return the report: the verdict, a table of classes, and the pictures that moved most."""
        captions = {one.number: one for one in self.pictures}
        shown = [(_caption(captions[number], self.score), strip) for number, strip in self.strips.items()]
        facts = {
            "Old model": self.old, "New model": self.new, "Second run": self.second, "Method": self.method,
            "Layers": ", ".join(self.layers), "Score": self.score,
            **{name: str(value) for name, value in self.provenance.items()},
        }  # fmt: skip
        notes = [*self.notes, *(f"{name}: {why}" for name, why in self.failures.items())]
        return page(self.verdict(), notes, self.by_class(), self.by_picture(), shown, facts)

    def save(self, path: str | Path) -> Path:
        """Write everything to a `.json`, the pictures to a `.csv`, or a report to an `.html` file.

        The file is whole or not there.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix == ".json":
            text = json.dumps(self.document(), indent=2, allow_nan=False) + "\n"
        elif suffix == ".html":
            text = self.html()
        elif suffix == ".csv":
            buffer = io.StringIO()
            writer = csv.DictWriter(buffer, COLUMNS)
            writer.writeheader()
            writer.writerows(map(as_row, self.records()))
            text = buffer.getvalue()
        else:
            raise OutputError(f"Cannot write a diff to {target.name!r}. Use {', '.join(SUFFIXES)}.")
        write_bytes(target, text.encode("utf-8", "replace"))
        return target

    def __str__(self) -> str:
        """Return the verdict, the classes and the ten pictures that moved most as text."""
        tables = [*_aligned(*self.by_class()), *_aligned(*self.by_picture(10))]
        return "\n".join([*self.verdict(), *tables, *self.notes])


def _aligned(header: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (header, *rows)]


def _caption(one: Change, score: str) -> str:
    """Return what a picture's strip shows."""
    answer = f"answers {one.old_answer}, then {one.new_answer}. " if one.changed == 1 else ""
    return (
        f"{one.source}: {_number(one.moved)} moved, rank correlation {_number(one.correlation)}. {answer}"
        f"Both maps of {one.explained}, {score} {_number(one.old_score)}, then {_number(one.new_score)}."
    )


def _said(found: Interval) -> str:
    """Return a mean with its interval, where there is an honest one."""
    span = "" if math.isnan(found.low) else f" [{found.low:.3f}, {found.high:.3f}]"
    return f"{_number(found.value)}{span}"


def _number(value: float) -> str:
    small = 0 < value < 0.0005
    return "<0.001" if small else f"{value:.3f}" if math.isfinite(value) else "–"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
