"""Where the maps of a training run go: one small protocol, a folder and TensorBoard.

A sink of your own, for another tracker, is a function that takes a look, or a class with these two methods.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import attrs
import numpy as np

from visioncam.callbacks.event_file import EventFile
from visioncam_core.errors import OptionTypeError, OutputError
from visioncam_core.files import as_cell, write_bytes
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.image_files import encode_image
from visioncam_core.text import brief

COLUMNS = ("epoch", "picture", "target", "probability", "score", "overlap_previous", "overlap_first")


@attrs.frozen(eq=False)
class Look:
    """What the network looked at after one epoch.

    Attributes:
        epoch: how many epochs were finished; 0 is before the first.
        explanations: one for each picture of the probe set.
        previous: overlap of each map with the look before, in [0, 1]; None at the first look.
        first: overlap of each map with the first look, in [0, 1]; None at the first look.
    """

    epoch: int
    explanations: tuple[Explanation, ...]
    previous: tuple[float, ...] | None = None
    first: tuple[float, ...] | None = None

    @property
    def scalars(self) -> dict[str, float]:
        """The curves: means over the probe set."""
        curves = {"overlap_previous": self.previous, "overlap_first": self.first}
        return {name: float(np.mean(values)) for name, values in curves.items() if values}


class Sink(Protocol):
    """What takes looks."""

    def write(self, look: Look) -> None:
        """Take one look; keep no reference to it, or memory grows with every epoch."""

    def close(self) -> None:
        """Training has ended; `write` may still follow if the same monitor is used again."""


@attrs.frozen(eq=False)
class _Function:
    """A function as a sink."""

    write: Callable[[Look], Any]

    def close(self) -> None:
        """Nothing is open."""


def as_sink(given: Any) -> Sink:
    """Return a sink, or a function that takes looks, as a sink."""
    if callable(getattr(given, "write", None)) and callable(getattr(given, "close", None)):
        return given
    if not callable(given) or isinstance(given, type):
        raise OptionTypeError(
            "a sink must be a function that takes a look, or an object with write(look) and close(); "
            f"received {brief(given, 60)}"
        )
    return _Function(given)


@attrs.define(eq=False)
class FolderSink:
    """Writes `epoch_0005_picture_00.png` for each picture, and `overlap.csv`; each file whole or not at all.

    The folder is made when it is first needed.  Rows of earlier epochs that `overlap.csv` already has are
    kept, so that resumed training continues its curve.

    Attributes:
        folder: where to write.
        renderer: a name of `visioncam.renderers()`, or a renderer object.
    """

    folder: Path = attrs.field(converter=Path)
    renderer: str | object = "overlay"
    _rows: list[dict[str, str]] | None = attrs.field(default=None, init=False)

    def write(self, look: Look) -> None:
        """Write the pictures and the table."""
        try:
            os.makedirs(self.folder, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot make the folder {str(self.folder)!r}: {error.strerror or error}; choose another"
            ) from error
        for i, explanation in enumerate(look.explanations):
            explanation.save(self.folder / f"epoch_{look.epoch:04d}_picture_{i:02d}.png", self.renderer)
        path = self.folder / "overlap.csv"
        if self._rows is None:
            self._rows = _read(path)
        self._rows = [row for row in self._rows if int(row["epoch"]) < look.epoch] + _rows_of(look)
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, COLUMNS)
        table.writeheader()
        table.writerows(self._rows)
        write_bytes(path, text.getvalue().encode("utf-8", "replace"))

    def close(self) -> None:
        """Nothing is open."""


@attrs.define(eq=False)
class TensorBoardSink:
    """Writes images and curves as TensorBoard reads them: `visioncam/picture_00`, `visioncam/overlap_first`.

    TensorBoard need not be installed on the training machine.

    Attributes:
        logdir: folder of the event file.
        renderer: a name of `visioncam.renderers()`, or a renderer object.
    """

    logdir: Path = attrs.field(converter=Path)
    renderer: str | object = "overlay"
    _file: EventFile | None = attrs.field(default=None, init=False)

    def write(self, look: Look) -> None:
        """Write the pictures and the curves at step `look.epoch`."""
        if self._file is None:
            self._file = EventFile(self.logdir)
        for i, explanation in enumerate(look.explanations):
            picture = explanation.render(self.renderer)
            text = f"{explanation.method_title}: {explanation.target.label}"
            self._file.image(
                f"visioncam/picture_{i:02d}", look.epoch, encode_image(picture, ".png"), picture.shape, text
            )
        for name, value in look.scalars.items():
            text = "mean overlap of the maps: 1 where they are the same"
            self._file.scalar(f"visioncam/{name}", look.epoch, value, text)
        self._file.flush()

    def close(self) -> None:
        """Close the event file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _rows_of(look: Look) -> list[dict[str, str]]:
    rows = []
    for i, explanation in enumerate(look.explanations):
        sure = explanation.target.probability
        values = (
            str(look.epoch),
            str(i),
            as_cell(explanation.target.label),
            "" if sure is None else f"{sure:.6g}",
            f"{explanation.score:.6g}",
            "" if look.previous is None else f"{look.previous[i]:.4f}",
            "" if look.first is None else f"{look.first[i]:.4f}",
        )
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def _read(path: Path) -> list[dict[str, str]]:
    """Return the rows of an earlier run; none where the file is missing or not ours."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error):
        return []
    ours = all(tuple(row) == COLUMNS and str(row["epoch"]).isdecimal() for row in rows)
    return rows if ours else []
