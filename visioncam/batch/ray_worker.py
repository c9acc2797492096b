"""What runs on a cluster: an actor that loads and traces the model once, and never fails a whole block."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from typing import Any

import numpy as np

from visioncam.batch.compute import Computer
from visioncam.batch.entry import Entry
from visioncam.batch.pipeline import Local
from visioncam.batch.request import Recipe
from visioncam.cli.terminal import Output
from visioncam_core.errors import PluginError

Block = dict[str, np.ndarray]


class Writer:
    """Takes pickled entries; writes their files; returns their lines or errors, pickled.

    Ray may run a block twice.  Both write the same bytes under the same names, each by renaming.
    """

    def __init__(self, recipe: Recipe, workers: int = 1) -> None:
        """Load the model; what goes wrong with it is every picture's error."""
        self._workers, self._recipe = workers, recipe
        self._computer: Computer | None = None
        self._error: Exception | None = None
        try:
            self._computer = computer_of(recipe)
        except Exception as error:
            self._error = error

    def __call__(self, block: Block) -> Block:
        """Explain a block."""
        entries = [pickle.loads(text) for text in block["entry"]]
        found = dict.fromkeys(range(len(entries)), b"")
        numbers = {entry.key: number for number, entry in enumerate(entries)}
        try:
            for entry, outcome in self._outcomes(entries):
                found[numbers[entry.key]] = packed(outcome)
        except Exception as error:  # a full disk: the driver stops; what is written is whole
            found = {number: text or packed(error) for number, text in found.items()}
        return {"entry": block["entry"], "outcome": np.array(list(found.values()), dtype=object)}

    def _outcomes(self, entries: list[Entry]) -> Iterable[tuple[Entry, Any]]:
        if self._computer is None:
            return [(entry, self._error) for entry in entries]
        return Local(self._computer, self._recipe.writing, self._workers)(entries, lambda: False)


class Mapper:
    """Takes rows with a picture; returns rows with its map, and an error where there is none."""

    def __init__(self, recipe: Recipe, image: str) -> None:
        """Load the model."""
        self._computer, self._image, self._target = computer_of(recipe), image, recipe.target

    def __call__(self, block: Block) -> Block:
        """Explain a block; the other columns pass through."""
        ready: list[Any] = []
        for place, picture in enumerate(block[self._image]):
            wanted = block["class"][place] if "class" in block else None
            entry = Entry(str(place), picture, "", _plain(wanted), place)
            try:
                ready.append(self._computer.decode(entry))
            except Exception as error:
                ready.append(error)
        good = [one for one in ready if not isinstance(one, Exception)]
        shapes = {one.shapes for one in good}
        found: dict[int, Any] = {}
        for shape in shapes:
            same = [one for one in good if one.shapes == shape]
            found |= {one.entry.place: got for one, got in zip(same, self._computer(same), strict=True)}
        rows = [found.get(place, one) for place, one in enumerate(ready)]
        failed = [isinstance(one, Exception) for one in rows]
        raw = np.empty(len(rows), object)
        for place, one in enumerate(rows):
            raw[place] = np.zeros((0, 0), np.float32) if failed[place] else one.raw
        errors = [
            f"{type(one).__name__}: {one}" if bad else "" for one, bad in zip(rows, failed, strict=True)
        ]
        return {
            **{name: column for name, column in block.items() if name != self._image},
            "raw": raw,
            "label": np.array(
                ["" if bad else one.target.label for one, bad in zip(rows, failed, strict=True)]
            ),
            "score": np.array([np.nan if bad else one.score for one, bad in zip(rows, failed, strict=True)]),
            "error": np.array(errors),
        }


def computer_of(recipe: Recipe) -> Computer:
    """Load the model of a recipe and return what asks it."""
    return Computer(recipe.open(Output()), recipe.target, recipe.batch)


def packed(outcome: Any) -> bytes:
    """Return a line or an error as bytes; of an error that cannot travel, its words."""
    try:
        text = pickle.dumps(outcome)
        pickle.loads(text)
    except Exception:
        return pickle.dumps(PluginError(f"{type(outcome).__name__}: {outcome}"))
    return text


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
