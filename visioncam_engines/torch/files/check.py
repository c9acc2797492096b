"""What a file is, by its content, and what to do with one that is no model.  torch is not imported."""

from __future__ import annotations

import os

from visioncam_core.errors import ModelError, UnsafeModelError
from visioncam_core.images.files import quoted, sniff
from visioncam_core.text import error_text
from visioncam_engines.archives import first_bytes, listed
from visioncam_engines.other_formats import told_of
from visioncam_engines.torch.files.tensors import read_header, read_pickled, told

EXPORT = "torch.export.save(torch.export.export(model.eval(), (picture,)), 'name.pt2')"
WITH = (
    "name the function that builds the model, and the file as its weights: "
    "--model package.module:function --weights"
)
SCRIPT = (
    "is TorchScript, a program whose layers cannot be seen; pass the torch.nn.Module that was "
    f"scripted, or export it: {EXPORT}"
)
RUNS = "is a pickle that runs code when read"
"""How `refusal` begins where reading a file would run code."""
DIRECTORY = 16 << 20  # bytes of the list of members: torch writes one a weight


_EXPORTED = ("/models/", "/data/aotinductor/", "/serialized_exported_program")


def kind_of(path: str | os.PathLike[str]) -> str:
    """Return what a file is: "pt2", "script", "pickle" (of weights, or of a model) or "safetensors".

    Raises:
        ModelNotFoundError: there is no such file.
        ModelError: a folder, empty, unreadable, damaged, or something else.
    """
    text = os.fsdecode(os.fspath(path))
    name = quoted(text)

    def refused(folder: bool) -> ModelError:
        what = "is a folder" if folder else "is not a regular file"
        what += "; pass a .pt2 file, or the folder of a model of transformers as hf:FOLDER"
        what = (folder and told_of(text)) or what
        return ModelError(f"{name}: {what}")

    start = first_bytes(text, name, 512, refused)
    try:
        if start.startswith(b"PK"):
            inside = [f"/{member.filename}" for member in listed(text, name, DIRECTORY)]
            if any(part in one for one in inside for part in _EXPORTED):
                return "pt2"
        pickled = read_pickled(text, name)
        header = None if pickled is not None else read_header(text, name)
    except ModelError:
        raise
    except Exception as error:  # zlib, zipfile, pickletools and the system have errors of their own
        raise ModelError(
            f"{name}: is truncated or damaged ({error_text(error, 80)}); download or save it again"
        ) from error
    if pickled is not None:
        return "script" if pickled.script else "pickle"
    if header is not None:
        return "safetensors"
    kind = sniff(start)
    if kind == "Git LFS pointer":
        raise ModelError(f"{name}: is a Git LFS pointer, a placeholder for the model: git lfs pull")
    if kind is None and (other := told_of(text, start)):
        raise ModelError(f"{name}: {other}")
    what = f"not a model ({kind})" if kind else f"not a PyTorch model file (it begins with {start[:12]!r})"
    raise ModelError(f"{name}: is {what}; pass a .pt2 file: {EXPORT}")


def refusal(path: str | os.PathLike[str], kind: str) -> str:
    """Return why no model can be loaded from a file of some kind, and what to do; "" where one can."""
    text = os.fsdecode(os.fspath(path))
    name = quoted(text)
    if kind == "safetensors":
        return f"holds only weights, no model; {WITH} {name}"
    if kind == "pickle":
        pickled = read_pickled(text, name)
        if pickled is not None and pickled.names:
            return (
                f"{RUNS} ({told(pickled.names)}), so it is not read; in Python, save the weights, "
                f"torch.save(model.state_dict(), ...), or export the model: {EXPORT}"
            )
        return f"holds only weights, no model; {WITH} {name}"
    return ""


def check_file(path: str | os.PathLike[str]) -> str:
    """Return what kind of model file it is, "pt2" or "script".

    Raises:
        UnsafeModelError: it would run code.
        ModelError: everything else, naming the file, the reason and the cure.
    """
    kind = kind_of(path)
    why = refusal(path, kind)
    if why:
        error = UnsafeModelError if why.startswith(RUNS) else ModelError
        raise error(f"{quoted(os.fsdecode(os.fspath(path)))}: {why}")
    return kind
