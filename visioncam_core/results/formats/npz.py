"""NPZ: all of an explanation, arrays and words, in a file that holds no code.

    e.save("cat.npz")
    e = visioncam.load("cat.npz")       # the same arrays, ready to render
    np.load("cat.npz")["heatmap"]       # or without VisionCam; "about" is JSON
    e.save("cat.npz", raw_only=True)    # only "raw" and "about"

Of files only the names are written, not the folders, so that no user's name is given away.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import attrs
import numpy as np

from visioncam_core.files import without_folders
from visioncam_core.options.fields import option
from visioncam_core.plain_data import plain
from visioncam_core.results.data import ExplanationData
from visioncam_core.text import brief

KIND = "visioncam explanation"
VERSION = 1
ARRAYS = ("raw", "heatmap", "picture")
TABLE = ("region_labels", "region_contributions")  # only where the method has regions
WORDS = ("score", "score_kind", "probabilities", "method", "method_title", "evidence")
_DAWN = (1980, 1, 1, 0, 0, 0)  # equal explanations give equal bytes
_LARGE = 8_000_000  # bytes; above it an array is packed quickly rather than tightly


@attrs.frozen
class Arrays:
    """Everything, or the raw map alone."""

    raw_only: bool = option(
        False, help="leave out the heat map and the picture: a small file that cannot be drawn"
    )

    def __call__(self, explanation: ExplanationData) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ARRAYS[:1] if self.raw_only else ARRAYS:
                _write(archive, name, getattr(explanation, name))
            if explanation.regions is not None and not self.raw_only:
                for name in TABLE:
                    _write(archive, name, getattr(explanation.regions, name.partition("_")[2]))
            _write(archive, "about", np.array(json.dumps(about(explanation), allow_nan=False)))
        return buffer.getvalue()


def about(explanation: ExplanationData) -> dict[str, Any]:
    """Return all of an explanation but its arrays, as JSON can hold it."""
    e = explanation
    return {
        "kind": KIND,
        "version": VERSION,
        **{name: _plain(getattr(e, name)) for name in WORDS},
        "target": _plain(attrs.asdict(e.target)),
        "predictions": [_plain(attrs.asdict(prediction)) for prediction in e.predictions],
        "layer": attrs.asdict(e.layer),
        "options": _without_folders(_plain(e.options)),
        "diagnostics": [_without_folders(attrs.asdict(diagnostic)) for diagnostic in e.diagnostics],
        "provenance": _without_folders(_plain(e.provenance)),
        "account": None if e.account is None else _plain(attrs.asdict(e.account)),
        "regions": None if e.regions is None else list(e.regions.names),
    }


def _write(archive: zipfile.ZipFile, name: str, values: Any) -> None:
    array = np.ascontiguousarray(values).reshape(np.shape(values))
    entry = zipfile.ZipInfo(f"{name}.npy", _DAWN)
    entry.compress_type = zipfile.ZIP_DEFLATED
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    archive.writestr(entry, buffer.getvalue(), compresslevel=1 if array.nbytes > _LARGE else 6)


def _plain(value: Any) -> Any:
    """Return a value as JSON's types; of what has none, its `repr`; nan, inf and -inf as words."""
    return plain(
        value,
        not_finite=str,
        other=lambda one: _plain(one.item()) if isinstance(one, np.generic) else brief(one),
    )


def _without_folders(value: Any) -> Any:
    """Return plain data with absolute paths in its texts cut down to the file's name."""
    if isinstance(value, str):
        return without_folders(value)
    if isinstance(value, dict):
        return {key: _without_folders(item) for key, item in value.items()}
    return [_without_folders(item) for item in value] if isinstance(value, list) else value
