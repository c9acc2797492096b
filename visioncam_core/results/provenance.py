"""Which model and which file made a map: marks that a result carries, so that one file alone tells them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import attrs

from visioncam_core.errors import ModelError
from visioncam_core.results.data import ExplanationData
from visioncam_core.text import shown
from visioncam_core.version import VERSION

D = TypeVar("D", bound=ExplanationData)
_SIGN = " sha256 "


def marked(explanation: D, model: str = "", source: str = "") -> D:
    """Return an explanation whose provenance tells the model and the input file.

    Args:
        explanation: it is not changed.
        model: the model's mark, from `model_file_mark` or `model_mark`; "" where it is not known.
        source: SHA-256 of the file it is of; "" where it is of none.
    """
    told = {"source_sha256": source} if source else {}
    return attrs.evolve(explanation, provenance={**explanation.provenance, **entries(model), **told})


def entries(mark: str) -> dict[str, str]:
    """Return what provenance tells of a model's mark: the SHA-256, and of what it is."""
    of, _, digest = mark.partition(_SIGN)
    return {"model_sha256": digest, "model_sha256_of": of} if digest else {}


def model_file_mark(path: str | None) -> str:
    """Return what tells a model file, from its bytes; for None, the embedded model. Loads no TensorFlow.

    Raises:
        ModelError: the file cannot be read.
    """
    if path is None:
        from visioncam_engines.demo.weights import SHA256

        return f"embedded weights{_SIGN}{SHA256}"
    try:
        return f"file{_SIGN}{_digest(Path(path))}"
    except OSError as error:
        raise ModelError(f"the model {shown(path)} cannot be read: {error.strerror}") from error


def model_mark(model: Any) -> str:
    """Return what tells a model in memory: its weights, and its configuration where it has one."""
    from visioncam_engines.tensorflow.weights import model_digest

    try:
        about = model.to_json().encode()
    except Exception:  # a subclassed model has no configuration
        about = type(model).__qualname__.encode()
    digest = hashlib.sha256(about + model_digest(model).encode())
    return f"memory{_SIGN}{digest.hexdigest()}"


def source_digest(source: Any) -> str:
    """Return the SHA-256 of what a picture was read from, where that is a file or a file's bytes; else "".

    Raises:
        OSError: the file cannot be read.
    """
    if isinstance(source, str | os.PathLike):
        return _digest(Path(source))
    return hashlib.sha256(source).hexdigest() if isinstance(source, bytes | bytearray | memoryview) else ""


def _digest(path: Path) -> str:
    """Return a file's SHA-256; of a folder, that of all its files' names and bytes."""
    if not path.is_dir():
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    whole = hashlib.sha256()
    for each in _files(path):
        whole.update(
            f"{each.relative_to(path).as_posix()} {_digest(each)}\n".encode("utf-8", "surrogateescape")
        )
    return whole.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


@lru_cache(maxsize=1)
def versions() -> dict[str, Any]:
    """Return the versions that made a result."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"visioncam": VERSION}
    for name in ("tensorflow", "keras", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found
