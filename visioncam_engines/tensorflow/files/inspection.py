"""One record of what a model file holds, and what speaks against loading it."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs

from visioncam_core.errors import ModelError, UnsafeModelError
from visioncam_core.results.provenance import source_digest
from visioncam_engines.tensorflow.files.archive import check_archive
from visioncam_engines.tensorflow.files.config import Config, cut_short, read_config
from visioncam_engines.tensorflow.files.hdf5 import Stored, check_hdf5


@attrs.frozen
class Holdings:
    """What a model file says of itself.

    Attributes:
        kind: "keras" or "h5".
        size: bytes of the file.
        sha256: its checksum, 64 hexadecimal digits.
        config: its description.
        layers: class -> how many of them.
        declared: weights the description asks for, a lower bound.
        stored: numbers that its arrays declare.
        problems: what speaks against loading it, in words; empty for an ordinary model.
    """

    kind: str
    size: int
    sha256: str
    config: Config
    layers: dict[str, int]
    declared: int
    stored: int
    problems: tuple[str, ...]


def inspect_file(path: str | os.PathLike[str], kind: str, name: str) -> Holdings:
    """Read what a model file holds; nothing in it is built or run, and Keras is not loaded.

    Args:
        path: a file that `check_file` let pass.
        kind: "keras" or "h5".
        name: the file for messages.

    Raises:
        UnsafeModelError: the archive itself cannot be opened safely.
        ModelError: it is cut short, damaged, or holds no description.
    """
    wrong = _archive_problems(path, name) if kind == "keras" else []
    if wrong:
        raise UnsafeModelError(f"{name}: {'; '.join(wrong[:3])}; it is not loaded. {CURE}")
    if kind == "keras":
        config = read_config(path, kind, name)  # plain JSON comes first: it needs no other process
        stored = Stored() if config.unsafe else _stored(path, kind, name)
    else:
        stored = _stored(path, kind, name)
        if stored.problems and stored.description is None:
            raise UnsafeModelError(f"{name}: {'; '.join(stored.problems[:3])}; it is not loaded. {CURE}")
        config = read_config(path, kind, name, (stored.description, stored.keras))
    problems = [*stored.problems[:3], *config.unsafe]
    total = sum(declared(node) for _, node in config.nodes())
    if total > LIMIT and stored.numbers < total / 2:
        problems.append(f"its description asks for {total:,} weights and the file stores {stored.numbers:,}")
    return Holdings(
        kind, os.path.getsize(path), source_digest(path), config, _layers(config), total, stored.numbers,
        tuple(problems),
    )  # fmt: skip


CURE = "Only if you trust its maker, pass --allow-unsafe-model (load_model(unsafe=True) in Python)"


def _archive_problems(path: str | os.PathLike[str], name: str) -> list[str]:
    try:
        return check_archive(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ModelError(f"{name}: {cut_short('keras')}") from error


def _stored(path: str | os.PathLike[str], kind: str, name: str) -> Stored:
    total = Stored()
    try:
        if kind == "h5":
            return check_hdf5(path)
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if not member.endswith(".h5"):
                    continue
                with tempfile.NamedTemporaryFile(suffix=".h5") as copy, archive.open(member) as packed:
                    shutil.copyfileobj(packed, copy, 1 << 20)
                    copy.flush()
                    one = check_hdf5(copy.name)
                total.numbers += one.numbers
                total.problems += one.problems
    except Exception as error:  # zlib, zipfile, h5py and the system each have errors of their own
        raise ModelError(f"{name}: {cut_short(kind)}") from error
    return total


def _layers(config: Config) -> dict[str, int]:
    found: Counter[str] = Counter()
    for _, node in config.nodes():
        inner: Any = node.get("config")
        if isinstance(inner, dict) and "name" in inner and "trainable" in inner:
            found[node["class_name"]] += 1
    return dict(found.most_common())


LIMIT = 2_000_000_000  # weights; 8 GB in float32


_LARGEST = 10**15  # of one number; longer ones would take long to multiply, and are as impossible


_AXES = 8  # of a kernel; Keras takes three


_WIDTHS = ("units", "filters", "output_dim", "depth_multiplier")


def declared(node: Mapping[str, Any]) -> int:
    """Return a lower bound of the weights that one layer's description asks for.

    Args:
        node: a mapping with `class_name` and `config`, and `build_config` where the file has it.
    """
    config = node.get("config")
    if not isinstance(config, Mapping):
        return 0
    widths = [_size(config.get(name)) for name in _WIDTHS]
    if not any(widths):
        return 0
    total = math.prod(width for width in widths if width)
    kernel = config.get("kernel_size", 1)
    total *= math.prod(_size(one) or 1 for one in (kernel[:_AXES] if isinstance(kernel, list) else [kernel]))
    if "output_dim" in config:
        total *= _size(config.get("input_dim")) or 1
    built = node.get("build_config")
    shape = built.get("input_shape") if isinstance(built, Mapping) else None
    if isinstance(shape, list) and shape and "output_dim" not in config:
        axis = 1 if config.get("data_format") == "channels_first" and len(shape) > 1 else -1
        total *= _size(shape[axis]) or 1
    return total // (_size(config.get("groups")) or 1)


def _size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return 0
    return int(min(max(value, 0), _LARGEST))
