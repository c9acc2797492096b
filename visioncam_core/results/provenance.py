"""Which model and which file made a map: marks that a result carries, so that one file alone tells them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs
import numpy as np

from visioncam_core.engine.interface import Engine
from visioncam_core.errors import ModelError, UnsafeModelError
from visioncam_core.ops import to_numpy
from visioncam_core.plugins.default import registry
from visioncam_core.results.data import ExplanationData
from visioncam_core.text import brief
from visioncam_core.version import VERSION

D = TypeVar("D", bound=ExplanationData)
_SIGN = " sha256 "


def add_marks(explanation: D, model: str = "", source: str = "") -> D:
    """Return the same explanation whose provenance tells the model and the input file.

    Args:
        explanation: without them.
        model: the model's mark, from `model_file_mark` or `model_mark`; "" where it is not known.
        source: SHA-256 of the file it is of; "" where it is of none.
    """
    own = {"source_sha256": source} if source else {}
    return attrs.evolve(explanation, provenance={**explanation.provenance, **entries(model), **own})


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
        return f"embedded weights{_SIGN}{registry().engine_for_file('').demo_digest()}"
    try:
        return f"file{_SIGN}{_digest(Path(path))}"
    except OSError as error:
        raise ModelError(f"the model {brief(path)} cannot be read: {error.strerror}") from error


def named_mark(name: str, engine: Engine, model: Any) -> str:
    """Return what tells a model that was named, such as `timm:resnet50`: its name and its weights."""
    return f"{name}{_SIGN}{weights_digest(engine, model)}"


def model_mark(model: Any) -> str:
    """Return what tells a model in memory: its weights, and its configuration where it has one."""
    engine = registry().engine_of(model)
    digest = hashlib.sha256((engine.configuration(model) + weights_digest(engine, model)).encode())
    return f"memory{_SIGN}{digest.hexdigest()}"


def check_digest(path: str | os.PathLike[str], expected: str | None, name: str) -> None:
    """Raise `UnsafeModelError` where a file, called `name`, has another SHA-256 than was asked for."""
    found = "" if expected is None else source_digest(path)
    if expected is not None and found != expected.strip().lower():
        raise UnsafeModelError(
            f"{name}: its sha256 is {found}, not {expected!r} as requested: it is a different model and was "
            "not loaded"
        )


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
    for each in sorted(one for one in path.rglob("*") if one.is_file()):
        line = f"{each.relative_to(path).as_posix()} {_digest(each)}\n"
        whole.update(line.encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def versions(engine: Mapping[str, str]) -> dict[str, Any]:
    """Return the versions that made a result: ours, those of what ran the model, and NumPy's."""
    return {"visioncam": VERSION, **engine, "numpy": np.__version__}


def weights_digest(engine: Engine, model: Any) -> str:
    """Return the SHA-256 of a model's weights, 64 hexadecimal digits.

    It covers every weight's shape, type and bytes in the model's own order, not their names: a model that
    was saved and loaded again has the same one.
    """
    digest = hashlib.sha256()
    for _, weight in engine.weights(model):
        values = to_numpy(weight)
        digest.update(f"{values.dtype} {values.shape}\n".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
