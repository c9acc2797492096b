"""Open a model file, and fill a model with weights from one; see the package for what is trusted."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from visioncam_core.errors import ModelError, UnsafeModelError
from visioncam_core.images.files import quoted
from visioncam_core.results.provenance import check_digest
from visioncam_core.text import error_text
from visioncam_engines.torch.files.check import EXPORT, RUNS, SCRIPT, check_file, kind_of, refusal
from visioncam_engines.torch.files.exported import read_exported, write_plain

_INSIDE = ("state_dict", "model_state_dict", "model", "module", "net", "weights", "params")
"""Under which key checkpoints keep the weights."""
_PREFIXES = ("module.", "_orig_mod.", "model.")
"""What wrappers put before the names of weights: DataParallel, torch.compile, Lightning."""
_log = logging.getLogger("visioncam.model_files")  # below "visioncam", which the command line shows


def load_model(
    path: str | os.PathLike[str],
    *,
    custom_objects: Sequence[str] = (),
    unsafe: bool = False,
    sha256: str | None = None,
    trust_savedmodel: bool = False,
) -> Any:
    """Return the model in an archive of `torch.export`, as a module whose parts are named as they were.

    Args:
        path: the file.
        custom_objects: not for files of PyTorch.
        unsafe: take TorchScript too, a program that runs with your rights.
        sha256: the checksum the file must have.
        trust_savedmodel: not for files of PyTorch.

    Raises:
        UnsafeModelError: it could run code, or fill the memory.
        ModelError: everything else, naming the file, the reason and the cure.
    """
    kind = check_file(path)
    name = quoted(os.fsdecode(os.fspath(path)))
    check_digest(path, sha256, name)
    if custom_objects:
        raise ModelError(f"{name}: custom_objects= is for Keras files; a .pt2 file needs no classes")
    return _script(path, name, unsafe) if kind == "script" else _exported(path, name)


def _script(path: str | os.PathLike[str], name: str, unsafe: bool) -> Any:
    if not unsafe:
        raise UnsafeModelError(
            f"{name}: {SCRIPT}. Only if you trust its author, pass --allow-unsafe-model (unsafe=True)"
        )
    _log.warning("%s: is TorchScript: its layers cannot be seen", name)
    try:
        return torch.jit.load(os.fspath(path), map_location="cpu").eval()
    except Exception as error:  # a file can make its reader raise anything
        raise ModelError(
            f"{name}: cannot be loaded by torch.jit ({error_text(error)}); export it: {EXPORT}"
        ) from error


def _exported(path: str | os.PathLike[str], name: str) -> Any:
    held = read_exported(path, name)
    if held.problems:
        raise UnsafeModelError(
            f"{name}: {'; '.join(held.problems[:3])}; it is not loaded. Export the model again: {EXPORT}"
        )
    with tempfile.TemporaryDirectory(prefix="visioncam-") as folder:
        copy = str(Path(folder, "model.pt2"))
        try:
            write_plain(held, path, copy)
            return torch.export.unflatten(torch.export.load(copy))
        except Exception as error:
            by = f", saved by torch {held.version}" if held.version else ""
            raise ModelError(
                f"{name}: cannot be loaded by torch {torch.__version__}{by}: {error_text(error)}; "
                "export it again"
            ) from error


def fill(model: Any, path: str | os.PathLike[str]) -> None:
    """Set a module's weights to those in a file, in place."""
    name = quoted(os.fsdecode(os.fspath(path)))
    weights = _weights(path, name)
    for prefix in _PREFIXES:
        if weights and all(key.startswith(prefix) for key in weights):
            weights = {key.removeprefix(prefix): value for key, value in weights.items()}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        own = model.state_dict()
        missing = [key for key in own if key not in weights]
        more = [key for key in weights if key not in own]
        shapes = [
            f"{key} is {tuple(weights[key].shape)} and not {tuple(own[key].shape)}"
            for key in own
            if key in weights and weights[key].shape != own[key].shape
        ]
        parts = [
            f"{len(found)} {what}, such as {found[0]}"
            for found, what in ((missing, "missing"), (more, "left over"), (shapes, "of another shape"))
            if found
        ]
        raise ModelError(
            f"{name}: holds the weights of another model ({'; '.join(parts) or error_text(error)}); build "
            "the model that they were saved from"
        ) from error


def _weights(path: str | os.PathLike[str], name: str) -> dict[str, Any]:
    """Return the tensors in a file by name."""
    kind = kind_of(path)
    if kind == "safetensors":
        try:
            from safetensors.torch import load_file
        except ImportError as error:
            raise ModelError(f"{name}: to read it, pip install safetensors") from error
        return dict(load_file(os.fspath(path)))
    why = refusal(path, kind)
    if kind != "pickle" or why.startswith(RUNS):
        raise UnsafeModelError(
            f"{name}: {why or 'holds a model, not weights'}; pass a .safetensors or .pth file of weights"
        )
    try:
        found = torch.load(os.fspath(path), map_location="cpu", weights_only=True)
    except Exception as error:  # a file can make its reader raise anything
        raise ModelError(
            f"{name}: cannot be read with weights_only=True ({error_text(error)}); save the weights alone: "
            "torch.save(model.state_dict(), ...)"
        ) from error
    for _ in range(2):
        inner = [
            found[key]
            for key in _INSIDE
            if isinstance(found, Mapping) and isinstance(found.get(key), Mapping)
        ]
        found = inner[0] if inner else found
    if not isinstance(found, Mapping) or not all(isinstance(one, torch.Tensor) for one in found.values()):
        raise ModelError(f"{name}: holds no weights by name; save them: torch.save(model.state_dict(), ...)")
    return dict(found)
