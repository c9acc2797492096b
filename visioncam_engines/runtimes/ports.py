"""What a file says of its inputs and outputs, and how such a file is read."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import BackendError, ModelError, UnsafeModelError
from visioncam_core.images.files import quoted, sniff
from visioncam_engines.archives import first_bytes

FILE = (2 << 30) - 1  # bytes of a file: neither format can hold more
TENSOR = 2 << 30  # bytes of one array while one picture is run
OUTSIDE = "keeps weights in other files"
INSTALL = 'pip install "visioncam[export]"'


@attrs.frozen
class Port:
    """One input or output.

    Attributes:
        name: in the file.
        shape: the batch included; None where it is open, () also where the file does not say.
        dtype: of NumPy, such as "float32"; "" for what is no array of numbers.
        scale: of whole numbers that stand for others, scale * (number - zero); 0 for plain numbers.
        zero: see `scale`.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    scale: float = 0.0
    zero: int = 0

    @property
    def kind(self) -> str:
        """The kind of its dtype in NumPy, such as "f"; "" for what is no array of numbers."""
        return np.dtype(self.dtype).kind if self.dtype else ""

    def stored(self, values: np.ndarray) -> np.ndarray:
        """Return values as the file takes them; what its numbers cannot hold is clipped."""
        values = np.asarray(values)
        values = np.rint(values / self.scale + self.zero) if self.scale else values
        if self.kind in "iu" and values.dtype.kind == "f":
            bounds = np.iinfo(self.dtype)
            values = np.rint(values).clip(bounds.min, bounds.max)
        return values.astype(self.dtype)

    def meant(self, values: np.ndarray) -> np.ndarray:
        """Return what an output's numbers stand for."""
        if not self.scale:
            return values
        return np.asarray((values.astype(np.float32) - self.zero) * np.float32(self.scale), np.float32)


@attrs.frozen
class Facts:
    """What was read of a file without running it.

    Attributes:
        problems: what speaks against opening it, in words.
        ports: ("input" or "output", which).
        metadata: what it says of itself, by key.
    """

    problems: list[str]
    ports: tuple[tuple[str, Port], ...]
    metadata: dict[str, str]


def contents(path: str | os.PathLike[str], suffix: str) -> bytes:
    """Return the bytes of a model file.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelError: it is no regular file, empty, larger than such a file can be, or something else.
    """
    text = os.fsdecode(os.fspath(path))
    check_start(text, suffix)
    if (size := os.path.getsize(text)) > FILE:
        raise UnsafeModelError(f"{quoted(text)}: has {size:,} bytes, more than {FILE:,}, and is not read")
    with open(text, "rb") as file:
        return file.read(FILE)


def check_start(path: str | os.PathLike[str], suffix: str) -> None:
    """Raise `ModelError` unless a file begins as one of its suffix."""
    text = os.fsdecode(os.fspath(path))
    name = quoted(text)

    def no_file(folder: bool) -> ModelError:
        return ModelError(
            f"{name}: is {'a folder' if folder else 'not a regular file'}; pass a {suffix} file"
        )

    start = first_bytes(text, name, 64, no_file)
    kind = sniff(start)
    if kind == "Git LFS pointer":
        raise ModelError(f"{name}: is a Git LFS pointer, a placeholder for the model: git lfs pull")
    tflite = start[4:8] == b"TFL3"
    if suffix == ".tflite" and not tflite:
        raise ModelError(
            f"{name}: is not a TFLite file (it begins with {start[:12]!r}); convert the model again"
        )
    if suffix == ".onnx" and (kind is not None or tflite or start[:2] in (b"PK", b"\x89H")):
        what = (
            f"is not a model ({kind})" if kind else "is a model file of another kind; give it its own suffix"
        )
        raise ModelError(f"{name}: {what}; pass an .onnx file")


def damaged(name: str, why: str) -> ModelError:
    """Return the error for a file, called `name`, that cannot be read."""
    return ModelError(f"{name}: is truncated or damaged ({why}); download or convert it again")


def refused(name: str, problems: list[str]) -> UnsafeModelError:
    """Return the error for a file with problems."""
    trust = ". Only if you trust its author, pass --allow-unsafe-model (unsafe=True)"
    trust = "" if is_outside(problems) else trust
    return UnsafeModelError(f"{name}: {'; '.join(problems[:3])}; it is not opened{trust}")


def is_outside(problems: list[str]) -> bool:
    """Return whether weights lie in other files: no trust brings them here."""
    return any(one.startswith(OUTSIDE) for one in problems)


def needed(module: str, name: str) -> Any:
    """Return a module of the extra `export`.

    Raises:
        BackendError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise BackendError(f"{name} needs {module.partition('.')[0]} ({error}): {INSTALL}") from error
