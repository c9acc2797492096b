"""What a model file says of itself: read as plain JSON, nothing in it is run."""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs

from visioncam_core.errors import ModelError
from visioncam_engines.keras.files.legacy import (
    ENGINE,
    OPERATIONS,
    is_installed,
    is_legacy,
    unsafe_operation,
)

LARGEST = 64 << 20  # bytes of JSON
DEEPEST = 200  # lists and mappings within each other
CODE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
_ALLOWED = {"layers", "initializers", "regularizers", "constraints", "activations", "dtype_policies",
            "models", "quantizers", "ops", "losses", "metrics", "optimizers", "random"}  # fmt: skip
_KERAS = ("keras", "tf_keras")
_MODULES = ("layers", "models", "initializers", "regularizers", "constraints", "activations", "optimizers",
          "losses", "metrics", "dtype_policies")  # fmt: skip


@attrs.frozen
class Config:
    """A model's description of itself: parsed JSON, and the version of Keras that wrote it."""

    tree: Any
    keras: str = ""

    def nodes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every mapping that names a class, with its place; what training needs is left out."""
        tree = self.tree
        if isinstance(tree, dict):
            tree = {key: value for key, value in tree.items() if key != "compile_config"}
        return _nodes(tree)

    @property
    def unsafe(self) -> list[str]:
        """What in the description could run code or read other files, each with its place."""
        found: dict[str, str] = {}
        for place, node in self.nodes():
            why = _unsafe(node)
            if why and not any(place.startswith(outer) for outer in found):
                found[place] = f"{why} at {place}"
        return list(found.values())

    @property
    def legacy(self) -> bool:
        """Whether Keras 2 saved it."""
        return is_legacy(self.keras)

    def missing(self, objects: Mapping[str, Any]) -> list[str]:
        """Return all classes and functions that neither Keras nor `objects` nor a registration has."""
        keras = importlib.import_module("tf_keras" if self.legacy and is_installed() else "keras")
        found = []
        for _, node in self.nodes():
            name = _third_party(node, keras, self.legacy)
            if name is None or name in objects or name.rsplit(">", 1)[-1] in objects:
                continue
            if keras.saving.get_registered_object(name) is None:
                found.append(name)
        return list(dict.fromkeys(found))

    def elsewhere(self, objects: Mapping[str, Any]) -> list[str]:
        """Return the modules that loading would import besides Keras's and those of `objects`."""
        named = {getattr(value, "__module__", None) for value in objects.values()} | {None, "builtins"}
        modules = {module for _, node in self.nodes() if isinstance(module := node.get("module"), str)}
        return sorted(one for one in modules - named if one.split(".")[0] not in _KERAS)

    def saved_by(self, here: str) -> str:
        """Return a clause about the version that saved the file, where it explains a failure."""
        if not self.keras or self.keras == here:
            return ""
        if self.legacy:
            cure = "tf_keras cannot either" if is_installed() else "install tf_keras, which loads such files"
            return f" (it was saved by Keras {self.keras}; {cure})"
        return f" (it was saved by Keras {self.keras}; try that version)"


@contextmanager
def reading(kind: str, name: str) -> Iterator[None]:
    """Turn what a damaged file makes its reader raise into a `ModelError`; `kind`: "keras" or "h5"."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # zlib, zipfile, h5py and the system each have errors of their own
        inside = {"keras": "the zip archive", "h5": "the HDF5 file"}[kind]
        raise ModelError(
            f"{name}: is truncated or damaged ({inside} in it is incomplete); download or save the model "
            "again"
        ) from error


def _nodes(tree: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (place, mapping) for all that name a class; no recursion, as the file may be hostile."""
    left: list[tuple[str, Any, int]] = [("", tree, 0)]
    while left:
        place, one, depth = left.pop()
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} deep")
        if isinstance(one, dict):
            if isinstance(one.get("class_name"), str):
                yield place or "the top", one
            pairs = [(f"{place}.{key}".lstrip("."), value) for key, value in one.items()]
        elif isinstance(one, list):
            pairs = [(f"{place}[{index}]", value) for index, value in enumerate(one)]
        else:
            continue
        left.extend((where, value, depth + 1) for where, value in reversed(pairs))


def _unsafe(node: Mapping[str, Any]) -> str:
    name, module, config = node["class_name"], node.get("module"), node.get("config")
    inner = config if isinstance(config, Mapping) else {}
    if name in CODE:
        return f"carries code ({name} {str(inner.get('name', ''))!r})"
    if name == "__lambda__":
        return "carries code (a lambda)"
    if name.endswith(("Lookup", "TextVectorization")) and isinstance(inner.get("vocabulary"), str):
        return f"reads the file {inner['vocabulary']!r} ({name})"
    if called := unsafe_operation(name, inner):
        return called
    if not isinstance(module, str):
        return ""
    root, *rest = module.split(".")
    called = config if name == "function" and isinstance(config, str) else name
    function = name == "function" and hasattr(builtins, str(called))
    if root in sys.stdlib_module_names and (root != "builtins" or function):
        return f"names {module}.{called}"
    parts = [part for part in rest if part != "src"]
    engine = parts[:1] == ["engine"] and name in ENGINE
    if root in _KERAS and parts and parts[0] not in _ALLOWED and not engine:
        return f"names {module}.{called}, not part of a model"
    if root in _KERAS and not parts and not str(called)[:1].isupper() and not name.startswith("__"):
        return f"names {root}.{called}, not part of a model"
    return ""


def _third_party(node: Mapping[str, Any], keras: Any, legacy: bool) -> str | None:
    """Return the name of a class or function that is not Keras's own, else None."""
    name, module = node["class_name"], node.get("module")
    registered = node.get("registered_name")
    if name.startswith("__"):
        return None
    if module == "builtins":
        if name == "function":
            return str(node.get("config"))
        return None if hasattr(builtins, name) else name
    if isinstance(module, str):
        return None if module.split(".")[0] in _KERAS else str(registered or name)
    if "module" in node:
        return str(registered or name)
    return None if _is_keras(name, keras) or (legacy and name in OPERATIONS) else str(name)


def _is_keras(name: str, keras: Any) -> bool:
    """Return whether Keras has a class of this name; older files name no module."""
    modules = [getattr(keras, part) for part in _MODULES if hasattr(keras, part)]
    return name in ("Functional", "ModuleWrapper") or any(hasattr(one, name) for one in (keras, *modules))
