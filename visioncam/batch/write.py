"""Writing a picture's files, and its line of the manifest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from visioncam.batch.entry import Entry
from visioncam.batch.file_names import file_names
from visioncam_core.errors import ImageError, OutputError
from visioncam_core.plain_data import plain
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.provenance import add_marks
from visioncam_core.results.save import DATA
from visioncam_core.results.writer import Saving

RAW_ONLY = {".npz": {"raw_only": True}}


@attrs.frozen(eq=False)
class Writing:
    """What is written of each map, and where."""

    folder: Path
    suffixes: tuple[str, ...] = (".npz", ".png")  # kinds of files
    # renderer -> its options
    drawings: Mapping[str, Mapping[str, Any]] = attrs.field(factory=lambda: {"overlay": {}})
    # suffix -> options of that kind of file
    options: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    spread: bool = False  # put the files into 256 folders
    model: str = ""  # the model's mark, which is in every file; see `visioncam_core.results.provenance`

    @property
    def facts(self) -> dict[str, Any]:
        """What of it decides the files, for the fingerprint."""
        own = {f"options of {suffix}": dict(values) for suffix, values in self.options.items() if values}
        drawing = {f"options of {name}": dict(values) for name, values in self.drawings.items() if values}
        drawn = any(suffix not in DATA for suffix in self.suffixes)
        pictures = {"renderers": list(self.drawings)} if drawn else {}
        return {"files": list(self.suffixes), "spread": self.spread, **pictures, **own, **drawing}

    def check(self) -> None:
        """Raise `OptionError` for values out of their range, before anything is computed."""
        Saving(self.suffixes, next(iter(self.drawings)), {}, self._options).check()

    def __call__(self, entry: Entry, explanation: Explanation, batch: int) -> dict[str, Any]:
        """Write the files and return the line, which also says of how many pictures the batch was.

        Raises:
            OutputError: a file cannot be written; there is none under its name, or the old one.
        """
        explanation = add_marks(explanation, self.model, entry.digest)
        every = list(self.drawings)
        several = tuple(every) if len(every) > 1 else ("",)
        kinds = {suffix: ("",) if suffix in DATA else several for suffix in self.suffixes}
        names = file_names(entry.key, explanation.method, kinds, spread=self.spread)
        if self.spread and (self.folder / names[0]).parent.is_symlink():
            raise OutputError(
                f"{names[0][:2]!r} in {self.folder.name!r} is a link, which may lead out of it; delete it"
            )
        renderers = [(suffix, one) for suffix in kinds for one in (every[:1] if suffix in DATA else every)]
        for name, (suffix, renderer) in zip(names, renderers, strict=True):
            saving = Saving((suffix,), renderer, self.drawings[renderer], self._options)
            saving.write(explanation, [self.folder / name])
        files = {name: os.stat(self.folder / name).st_size for name in names}
        return line_of(entry, explanation, files, batch)

    @property
    def _options(self) -> dict[str, Mapping[str, Any]]:
        return {
            suffix: {**RAW_ONLY.get(suffix, {}), **self.options.get(suffix, {})} for suffix in self.suffixes
        }


def line_of(entry: Entry, explanation: Explanation, files: Mapping[str, int], batch: int) -> dict[str, Any]:
    """Return a picture's line of the manifest: nothing in it depends on time, place or what ran before."""
    try:
        boxes = [attrs.asdict(box) for box in explanation.boxes()]
    except ImageError:  # a volume or a signal has none
        boxes = []
    line: dict[str, Any] = plain(
        {
            "key": entry.key,
            "seen": entry.mark,
            "sha256": entry.digest or None,
            "files": dict(files),
            "class": explanation.target.index,
            "label": explanation.target.label,
            "probability": explanation.target.probability,
            "score": explanation.score,
            "layer": explanation.layer.path,
            "boxes": boxes,
            "diagnostics": [one.code for one in explanation.diagnostics],
            "batch": batch,
        }
    )
    return line
