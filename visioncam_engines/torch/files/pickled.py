"""Names, shapes and dtypes of the tensors that `torch.save` wrote, read without torch."""

from __future__ import annotations

import io
import os
import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from visioncam_engines.torch.files.exported import Tensor

_STORAGES = {
    "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64",
    "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool",
    "ComplexFloat": "complex64", "ComplexDouble": "complex128",
}  # fmt: skip
_BEFORE = 3  # pickles of a legacy file that come before what was saved


@attrs.frozen
class _Shaped:
    """What stands for a tensor."""

    shape: tuple[int, ...]
    dtype: str


def _tensor(storage: Any, offset: Any, size: Any, *rest: Any) -> _Shaped:
    return _Shaped(tuple(int(n) for n in size), str(storage))


class _Reader(pickle.Unpickler):
    """Builds dictionaries, lists and what stands for tensors; no name in a file is ever imported."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils":
            return _tensor if name == "_rebuild_tensor_v2" else lambda data, *rest: data
        if (module, name) == ("torch", "Size"):
            return tuple
        if module.partition(".")[0] == "torch":
            kind = name.removesuffix("Storage")
            return _Named(_STORAGES.get(kind, kind.lower()))
        raise pickle.UnpicklingError(f"{module}.{name} is not a weight")

    def persistent_load(self, pid: Any) -> Any:
        return pid[1]  # ("storage", its type, key, device, numbers)


@attrs.frozen
class _Named:
    """What stands for a type of torch: a storage, by its dtype, or a device."""

    name: str

    def __call__(self, *args: Any) -> str:
        return self.name

    def __str__(self) -> str:
        return self.name


def tensors_in(path: str | os.PathLike[str]) -> tuple[Tensor, ...]:
    """Return the tensors of a file whose pickle asks for nothing but weights, in its order.

    A name inside a checkpoint has its keys before it: "state_dict/conv1.weight".  A file that is damaged, or
    otherwise than torch writes it, gives none.
    """
    try:
        with open(path, "rb") as file:
            zipped = file.read(2) == b"PK"
            file.seek(0)
            if zipped:
                with zipfile.ZipFile(file) as archive:
                    inside = next(one for one in archive.namelist() if re.fullmatch(r"[^/]+/data\.pkl", one))
                    saved = _Reader(io.BytesIO(archive.read(inside))).load()
            else:
                for _ in range(_BEFORE):
                    _Reader(file).load()
                saved = _Reader(file).load()
        return tuple(Tensor(name, one.shape, one.dtype) for name, one in _named(saved, "", set()))
    except Exception:  # a file can make its reader raise anything
        return ()


def _named(value: Any, name: str, seen: set[int]) -> Iterator[tuple[str, _Shaped]]:
    if isinstance(value, _Shaped):
        yield name, value
    elif isinstance(value, Mapping | list | tuple) and id(value) not in seen and len(seen) < 1 << 16:
        seen.add(id(value))
        parts = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, part in parts:
            yield from _named(part, f"{name}/{key}" if name else str(key), seen)
