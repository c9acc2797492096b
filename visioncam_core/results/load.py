"""Load a saved explanation; safe for untrusted files.

Nothing is unpickled, every array is measured before it is read, and what is not an explanation
is refused.
"""

from __future__ import annotations

import json
import math
import os
import types
import typing
import zipfile
import zlib
from functools import lru_cache
from typing import Any, TypeVar

import attrs
import numpy as np

from visioncam_core.engine.layer_table import LayerChoice, LayerRow, Layout
from visioncam_core.errors import ImageError, ImageNotFoundError, ImageTypeError
from visioncam_core.files import as_path
from visioncam_core.resize import Placement
from visioncam_core.results.accounts import Account, RegionTable
from visioncam_core.results.data import Prediction, TargetInfo
from visioncam_core.results.diagnostics import Diagnostic
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.formats.npz import ARRAYS, KIND, TABLE, VERSION, WORDS

T = TypeVar("T")
MOST = 4 * 2**30  # bytes of one array
NOT_FINITE = ("nan", "inf", "-inf")  # JSON has no such numbers
UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, RecursionError, zlib.error,
    zipfile.BadZipFile, NotImplementedError,
)  # fmt: skip


def load(path: str | os.PathLike[str]) -> Explanation:
    """Return the explanation that `e.save("x.npz")` wrote.

    Args:
        path: the file.

    Raises:
        ImageNotFoundError: there is no such file.
        ImageError: it is not such a file, or damaged.
    """
    file = as_path(path, ImageError, ImageTypeError)
    if not file.exists():
        raise ImageNotFoundError(f"{str(file)!r} does not exist. Give a file that e.save('x.npz') wrote.")
    try:
        with zipfile.ZipFile(file) as archive:
            if {"raw.npy", "about.npy"} == set(archive.namelist()):
                raise ImageError(
                    f"{str(file)!r} holds the raw map alone. Read it with np.load(...)['raw'], or save it "
                    "whole: raw_only=False, for a run --save-option raw_only=no."
                )
            table = TABLE if f"{TABLE[0]}.npy" in archive.namelist() else ()
            values = {name: _array(archive, name) for name in (*ARRAYS, *table, "about")}
        return _explanation(values)
    except ImageError:
        raise
    except UNREADABLE as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(
            f"{file.name!r} is not an explanation that can be loaded: {why}. Give a file that "
            "e.save('x.npz') wrote, or save it again."
        ) from error


def load_raw(path: str | os.PathLike[str]) -> np.ndarray:
    """Return the raw map alone of an `.npz` file that `e.save` or a run wrote; raises as `load`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _array(archive, "raw")
    except FileNotFoundError as error:
        raise ImageNotFoundError(f"{os.fspath(path)!r} does not exist; make it again with the run") from error
    except UNREADABLE as error:
        raise ImageError(f"{os.path.basename(path)!r} holds no raw map that can be read: {error}") from error


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Return one array; its header is read first, so that a false size costs nothing."""
    with archive.open(f"{name}.npy") as file:
        old = np.lib.format.read_magic(file) == (1, 0)
        read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        kinds = "U" if name == "about" else "biufc"
        if dtype.kind not in kinds or dtype.hasobject:
            raise ValueError(f"its {name!r} holds {dtype}, not numbers")
        size = math.prod(shape) * dtype.itemsize
        if size > MOST or size != archive.getinfo(f"{name}.npy").file_size - file.tell():
            raise ValueError(f"its {name!r} declares {shape} {dtype}, which does not match its contents")
    with archive.open(f"{name}.npy") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _explanation(values: dict[str, np.ndarray]) -> Explanation:
    about = json.loads(str(values["about"]))
    if not isinstance(about, dict) or about.get("kind") != KIND:
        raise ValueError("it is a different kind of file")
    if about["version"] != VERSION:
        raise ValueError(f"it is of version {about['version']!r}, and this VisionCam reads {VERSION}")
    layer = about["layer"]
    row = layer["row"]
    layout = None if row["layout"] is None else _record(Layout, row["layout"])
    return _record(
        Explanation,
        {
            **{name: values[name] for name in ARRAYS},
            **{name: about[name] for name in WORDS},
            "target": _record(TargetInfo, about["target"]),
            "predictions": tuple(_record(Prediction, each) for each in about["predictions"]),
            "layer": LayerChoice(
                _record(LayerRow, {**row, "layout": layout}),
                str(layer["why"]),
                _record(Placement, layer.get("placement", {})),
            ),
            "options": dict(about["options"]),
            "diagnostics": tuple(_record(Diagnostic, each) for each in about["diagnostics"]),
            "provenance": dict(about["provenance"]),
            "account": _record(Account, about["account"]) if about.get("account") else None,
            "regions": _table(values, about["regions"]) if about.get("regions") else None,
        },
    )


def _table(values: dict[str, np.ndarray], names: list[str]) -> RegionTable:
    labels, contributions = (values[name] for name in TABLE)
    if labels.dtype.kind != "i" or contributions.shape != (len(names),):
        raise ValueError(f"its table has {len(names)} names and {contributions.shape} contributions")
    if labels.min(initial=0) < -1 or labels.max(initial=0) >= len(names):
        raise ValueError(
            f"its regions go from {labels.min()} to {labels.max()}, and it has {len(names)} names"
        )
    return RegionTable(labels, tuple(map(str, names)), contributions)


def _record(cls: type[T], data: dict[str, Any]) -> T:
    """Return a record from its fields, each checked against its type; those it does not know are left out."""
    kind: Any = cls
    hints = _hints(kind)
    fields = {}
    for name in [one for one in attrs.fields_dict(kind) if one in data]:
        value = tuple(data[name]) if isinstance(data[name], list) else data[name]
        if isinstance(value, str) and value in NOT_FINITE and not _fits(value, hints[name]):
            value = float(value)
        if not _fits(value, hints[name]):
            raise ValueError(f"its {name!r} of {cls.__name__} is {value!r:.40}")
        fields[name] = value
    return cls(**fields)


@lru_cache(maxsize=16)
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _fits(value: object, hint: Any) -> bool:
    """Return whether a value is of a type, as deep as its outermost class."""
    if isinstance(hint, types.UnionType):
        return any(_fits(value, arm) for arm in typing.get_args(hint))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, typing.get_origin(hint) or hint)
