"""One record of what a file of PyTorch holds, and what speaks against loading it.  torch is not imported."""

from __future__ import annotations

import os
from typing import Any

import attrs

from visioncam_core.images.files import quoted
from visioncam_core.results.provenance import source_digest
from visioncam_engines.torch.files.check import SCRIPT, kind_of, refusal
from visioncam_engines.torch.files.exported import Tensor, read_exported
from visioncam_engines.torch.files.pickled import tensors_in
from visioncam_engines.torch.files.tensors import read_header, read_pickled, told

_TITLES = {
    "pt2": "a model of torch.export", "script": "a model in TorchScript",
    "pickle": "what torch.save wrote", "safetensors": "weights, .safetensors",
}  # fmt: skip
_DTYPES = {"F": "float", "I": "int", "U": "uint", "BOOL": "bool", "BF": "bfloat"}


@attrs.frozen
class TorchHoldings:
    """What a file says of itself."""

    kind: str
    size: int  # bytes of the file
    sha256: str
    version: str  # of torch, that wrote it; "" where the file does not say
    tensors: tuple[Tensor, ...]
    asks: tuple[str, ...]  # what a pickle in it would import
    problems: tuple[str, ...]  # what speaks against loading it, in words

    def record(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            **attrs.asdict(self, filter=lambda field, _: field.name not in ("tensors", "asks", "problems")),
            "tensors": {one.name: {"shape": list(one.shape), "dtype": one.dtype} for one in self.tensors},
            "asks": list(self.asks),
            "problems": list(self.problems),
        }

    def lines(self) -> list[str]:
        """Return it in sentences; the first goes on after the file's name."""
        stored = sum(_count(one.shape) for one in self.tensors)
        by = f"saved by torch {self.version}; " if self.version else ""
        asked = [f"its pickle imports {told(self.asks)}"] if self.asks else []
        return [
            f"{_TITLES[self.kind]}, {self.size:,} bytes",
            f"{by}{len(self.tensors)} tensors, {stored:,} numbers stored",
            f"sha256 {self.sha256}",
            *asked,
        ]

    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Return the head and the rows of what it holds."""
        return ("tensor", "shape", "dtype"), [
            (one.name, " x ".join(map(str, one.shape)) or "one number", one.dtype) for one in self.tensors
        ]


def inspect_file(path: str | os.PathLike[str]) -> TorchHoldings:
    """Read what a file holds; nothing in it is built or run.

    Raises:
        ModelError: it cannot be read, or is something else.
    """
    kind = kind_of(path)
    name = quoted(os.fsdecode(os.fspath(path)))
    version = ""
    tensors: tuple[Tensor, ...] = ()
    asks: tuple[str, ...] = ()
    why = refusal(path, kind) or (SCRIPT if kind == "script" else "")
    problems: tuple[str, ...] = (why,) if why else ()
    if kind == "pt2":
        held = read_exported(path, name)
        version, tensors, problems = held.version, held.tensors, held.problems
    elif kind == "safetensors":
        header = read_header(path, name) or {}
        tensors = tuple(
            Tensor(key, tuple(value["shape"]), _dtype(str(value["dtype"]))) for key, value in header.items()
        )
    else:
        pickled = read_pickled(path, name)
        asks = pickled.names if pickled is not None else ()
        tensors = tensors_in(path) if kind == "pickle" and pickled is not None and not asks else ()
    return TorchHoldings(kind, os.path.getsize(path), source_digest(path), version, tensors, asks, problems)


def _dtype(name: str) -> str:
    """Return NumPy's name of a dtype of safetensors: "F32" is "float32"."""
    letters = name.rstrip("0123456789")
    return _DTYPES.get(letters, letters.lower()) + name[len(letters) :]


def _count(shape: tuple[int, ...]) -> int:
    total = 1
    for n in shape:
        total *= n
    return total
