"""Hostile model files, made on the spot: each would hurt a reader that trusts it."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Change = Callable[[dict[str, Any]], None]


def rewritten(whole: Path, to: Path, change: Change | None = None, **members: bytes) -> Path:
    """Copy a `.keras` file with its description changed, and members replaced (`model_weights_h5=...`)."""
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(to, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "config.json" and change is not None:
                tree = json.loads(data)
                change(tree)
                data = json.dumps(tree).encode()
            target.writestr(name, members.get(name.replace(".", "_"), data))
    return to


def added_layer(module: str | None, class_name: str, config: Any) -> Change:
    """Return a change that puts one more layer into the description."""

    def change(tree: dict[str, Any]) -> None:
        node = {"class_name": class_name, "config": config, "registered_name": None}
        tree["config"]["layers"].insert(2, node if module is None else {"module": module, **node})

    return change


def deep(to: Path, whole: Path) -> Path:
    """Return a file whose description is nested 100,000 deep."""
    nested = b'{"class_name": "Sequential", "config": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    return rewritten(whole, to, config_json=nested)


def padded(to: Path, whole: Path) -> Path:
    """Return a file of 400 kB whose description unpacks to 400 MB."""
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(to, "w") as target:
        for name in source.namelist():
            if name != "config.json":
                target.writestr(name, source.read(name))
                continue
            packed = zipfile.ZipInfo(name)
            packed.compress_type = zipfile.ZIP_DEFLATED
            with target.open(packed, "w") as file:
                file.write(source.read(name))
                for _ in range(400):
                    file.write(b" " * 1_000_000)
    return to


def crowded(to: Path, _: Path) -> Path:
    """Return an archive that lists a million members (in few bytes: only the directory's length says so)."""
    start = b"PK\x03\x04" + b"\0" * 26
    directory = b"PK\x01\x02" + b"\0" * (46 * 1_000_000)
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 0xFFFF, 0xFFFF, len(directory), len(start), 0)
    to.write_bytes(start + directory + end)
    return to


def with_member(*names: str) -> Callable[[Path, Path], Path]:
    """Return a maker of a file with more members."""

    def make(to: Path, whole: Path) -> Path:
        rewritten(whole, to)
        with zipfile.ZipFile(to, "a") as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name), b"x")
        return to

    return make


def encrypted(to: Path, whole: Path) -> Path:
    """Return a file whose members say that they are encrypted."""
    data = bytearray(whole.read_bytes())
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 8] |= 1
    to.write_bytes(bytes(data))
    return to


def hdf5(to: Path, whole: Path, spoil: Callable[[h5py.File], None]) -> Path:
    """Return a copy of an `.h5` model with `spoil` done to it."""
    to.write_bytes(whole.read_bytes())
    with h5py.File(to, "r+") as file:
        spoil(file)
    return to


def external_link(file: h5py.File) -> None:
    """Put a link to another file in."""
    file["model_weights/away"] = h5py.ExternalLink("secret.h5", "/numbers")


def soft_link(file: h5py.File) -> None:
    """Put a link to another name in."""
    file["model_weights/away"] = h5py.SoftLink("/elsewhere")


def external_array(file: h5py.File) -> None:
    """Put an array in whose numbers lie in a file of the system."""
    file.create_dataset("model_weights/away", (4,), "u1", external=[("/etc/hostname", 0, 4)])


def virtual_array(file: h5py.File) -> None:
    """Put an array in that is assembled from another file."""
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("secret.h5", "numbers", shape=(4,))
    file.create_virtual_dataset("model_weights/away", layout)


def shape_bomb(file: h5py.File) -> None:
    """Put an array of 14 TB in that stores nothing."""
    file.create_dataset("model_weights/away", (2_000_000, 2_000_000), np.float32, chunks=(1024, 1024))
