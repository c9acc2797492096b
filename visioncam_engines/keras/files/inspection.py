"""One record of what a model file holds, and what speaks against loading it."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs

from visioncam_core.errors import ModelError, UnsafeModelError
from visioncam_core.results.provenance import source_digest
from visioncam_engines.keras.files.archive import (
    description_of,
    member_problems,
    members_of,
    stored_in,
)
from visioncam_engines.keras.files.config import Config, reading
from visioncam_engines.keras.files.hdf5 import Stored, check_hdf5

CURE = "Only if you trust its author, pass --allow-unsafe-model (load_model(unsafe=True) in Python)"
LIMIT = 2_000_000_000  # weights; 8 GB in float32
_LARGEST = 10**15  # of one number; longer ones would take long to multiply, and are as impossible
_AXES = 8  # of a kernel; Keras takes three
_WIDTHS = ("units", "filters", "output_dim", "depth_multiplier")


@attrs.frozen
class Holdings:
    """What a model file says of itself."""

    kind: str  # "keras" or "h5"
    size: int  # bytes of the file
    sha256: str
    config: Config
    layers: dict[str, int]  # class -> how many of them
    declared: int  # weights the description asks for, a lower bound
    stored: int  # numbers that its arrays declare
    problems: tuple[str, ...]  # what speaks against loading it, in words; empty for an ordinary model

    def record(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "kind": self.kind,
            "size": self.size,
            "sha256": self.sha256,
            "keras": self.config.keras,
            "layers": self.layers,
            "weights_declared": self.declared,
            "numbers_stored": self.stored,
            "problems": list(self.problems),
        }

    def lines(self) -> list[str]:
        """Return it in sentences; the first goes on after the file's name."""
        return [
            f"a Keras model, .{self.kind}, {self.size:,} bytes",
            f"saved by Keras {self.config.keras or 'of unknown version'}; {self.stored:,} numbers stored",
            f"sha256 {self.sha256}",
        ]

    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Return the head and the rows of what it holds."""
        return ("layer", "how many"), [(name, str(count)) for name, count in self.layers.items()]


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
    if kind == "keras":
        _refuse(name, member_problems(members_of(path, name)))
        config = read_config(path, kind, name)  # plain JSON comes first: it needs no other process
        with reading(kind, name):
            stored = Stored() if config.unsafe else stored_in(path)
    else:
        with reading(kind, name):
            stored = check_hdf5(path)
        if stored.description is None:
            _refuse(name, stored.problems)
        config = read_config(path, kind, name, stored)
    problems = [*stored.problems[:3], *config.unsafe]
    total = sum(declared(node) for _, node in config.nodes())
    if total > LIMIT and stored.numbers < total / 2:
        problems.append(f"its configuration needs {total:,} weights, but the file stores {stored.numbers:,}")
    return Holdings(
        kind, os.path.getsize(path), source_digest(path), config, _layers(config), total, stored.numbers,
        tuple(problems),
    )  # fmt: skip


def _refuse(name: str, problems: list[str]) -> None:
    if problems:
        raise UnsafeModelError(f"{name}: {'; '.join(problems[:3])}; it is not loaded. {CURE}")


def read_config(path: str | os.PathLike[str], kind: str, name: str, stored: Stored | None = None) -> Config:
    """Read a model file's description; `stored` is what an HDF5 file holds, where that is known already."""
    try:
        if kind == "keras":
            config = Config(*description_of(path))
        else:
            stored = stored or check_hdf5(path)
            if stored.description is None:
                raise ModelError(
                    f"{name}: holds weights only, no model; build the model in Python, "
                    "model.load_weights(...) and save it with model.save('name.keras')"
                )
            config = Config(json.loads(stored.description), stored.keras)
        for _ in config.nodes():  # all of it, as a tree that is too deep shows only there
            pass
    except (ModelError, OSError):
        with reading(kind, name):
            raise
    except Exception as error:  # zlib, zipfile, json: each has its own
        raise ModelError(
            f"{name}: its configuration cannot be read ({type(error).__name__}); download or save it again"
        ) from error
    return config


def _layers(config: Config) -> dict[str, int]:
    found: Counter[str] = Counter()
    for _, node in config.nodes():
        inner: Any = node.get("config")
        if isinstance(inner, dict) and "name" in inner and "trainable" in inner:
            found[node["class_name"]] += 1
    return dict(found.most_common())


def declared(node: Mapping[str, Any]) -> int:
    """Return a lower bound of the weights that the description of one layer asks for."""
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
