"""Strangers' model files are refused before Keras, or anything in them, runs."""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import hostile_models as hostile
from helpers.cli import run

from visioncam_core.errors import ModelError, UnsafeModelError
from visioncam_core.results.provenance import source_digest as sha256
from visioncam_engines.keras.files import inspect_file
from visioncam_engines.keras.files.load import check_file, load_model

pytest_plugins = ("helpers.cli_files",)

LAYERS = {
    "lambda": (
        ("keras.layers", "Lambda", {"name": "run"}),
        "carries code (Lambda 'run') at config.layers[2]",
    ),
    "tfsm": (("keras.layers", "TFSMLayer", {"filepath": "/x", "name": "s"}), "carries code (TFSMLayer 's')"),
    "torch": (("keras.layers", "TorchModuleWrapper", {"name": "t"}), "carries code (TorchModuleWrapper 't')"),
    "old lambda": ((None, "Lambda", {"name": "run"}), "carries code (Lambda 'run')"),
    "lookup": (
        ("keras.layers", "StringLookup", {"vocabulary": "/etc/hostname"}),
        "reads the file '/etc/hostname'",
    ),
    "system": (("os", "function", "system"), "names os.system"),
    "popen": (("subprocess", "Popen", {}), "names subprocess.Popen"),
    "eval": (("builtins", "function", "eval"), "names builtins.eval"),
    "get_file": (("keras.utils", "function", "get_file"), "names keras.utils.get_file, not part of a model"),
    "load_model": (("keras.src.saving", "function", "load_model"), "not part of a model"),
    "unlock": (("keras.config", "function", "enable_unsafe_deserialization"), "not part of a model"),
    "top": (("keras", "function", "enable_unsafe_deserialization"), "not part of a model"),
    "huge": (
        ("keras.layers", "Dense", {"units": 10_000_000_000, "name": "d"}),
        "needs 10,000,0",
    ),
    "no number": (
        ("keras.layers", "Conv2D", {"filters": 10**400, "kernel_size": [10**400] * 40, "name": "c"}),
        "needs 1,000,0",
    ),
}
ARCHIVES: dict[str, tuple[Callable[[Path, Path], Path], str]] = {
    "deep": (hostile.deep, "its configuration cannot be read"),
    "padded": (hostile.padded, "'config.json' unpacks from"),
    "crowded": (hostile.crowded, "its list of members takes 46,000,004 bytes"),
    "above": (hostile.with_member("../../MARK"), "a member points outside the archive"),
    "absolute": (hostile.with_member("/etc/MARK"), "a member points outside the archive"),
    "drive": (hostile.with_member("C:\\MARK"), "a member points outside the archive"),
    "foreign": (hostile.with_member("run.py"), "a member that Keras never writes ('run.py')"),
    "twice": (hostile.with_member("assets/a", "assets/a"), "two members of the same name ('assets/a')"),
    "encrypted": (hostile.encrypted, "an encrypted member"),
}
SPOILT = {
    "external link": (hostile.external_link, "is a link to another file"),
    "soft link": (hostile.soft_link, "is a link to another name"),
    "external array": (hostile.external_array, "lies in another file"),
    "virtual": (hostile.virtual_array, "is assembled from others"),
    "shape": (hostile.shape_bomb, "declares 16,000,000,000,000 bytes and stores 0"),
}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in which somebody asks the network, whatever became of it."""
    asked = []
    for owner, name in ((socket.socket, "connect"), (socket, "getaddrinfo")):
        monkeypatch.setattr(owner, name, lambda *told, **_: asked.append(told))
    yield
    assert not asked


def refused(path: Path, told: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelError) as caught:
        load_model(path)
    assert told in str(caught.value)
    assert path.name in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


@pytest.mark.parametrize("kind", LAYERS)
def test_a_description_that_runs_reads_or_fills_is_refused(kind: str, files: Path, tmp_path: Path) -> None:
    layer, told = LAYERS[kind]
    path = hostile.rewritten(files / "tiny.keras", tmp_path / "bad.keras", hostile.added_layer(*layer))
    refused(path, told)
    with pytest.raises(UnsafeModelError, match="--allow-unsafe-model"):
        load_model(path)


def test_an_hdf5_file_is_read_for_the_same(files: Path, tmp_path: Path) -> None:
    layers = {kind: layer for kind, layer in LAYERS.items() if kind != "no number"}  # its size hides "huge"

    def spoil(file: Any) -> None:
        tree = json.loads(file.attrs["model_config"])
        for layer, _ in layers.values():
            hostile.added_layer(*layer)(tree)
        file.attrs["model_config"] = json.dumps(tree)

    path = hostile.hdf5(tmp_path / "bad.h5", files / "tiny.h5", spoil)
    found = "\n".join(inspect_file(path, check_file(path), "bad.h5").problems)
    assert not [told for _, told in layers.values() if told.partition(" at ")[0] not in found]
    refused(path, "it is not loaded")


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_code_in_a_file_runs_for_those_alone_who_ask(suffix: str, tmp_path: Path) -> None:
    import keras

    canary = str(tmp_path / "canary")
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Lambda(lambda x: (open(canary, "w").close(), x)[1])(inputs)
    path = tmp_path / f"bad.{suffix}"
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(outputs)).save(path)
    Path(canary).unlink()
    refused(path, "carries code (Lambda")
    assert not Path(canary).exists()
    load_model(path, unsafe=True)
    assert Path(canary).exists(), "it does what it was refused for"


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")  # zipfile's, as the test writes the file
def test_an_archive_that_lies_is_refused(kind: str, files: Path, tmp_path: Path) -> None:
    make, told = ARCHIVES[kind]
    refused(make(tmp_path / "bad.keras", files / "tiny.keras"), told)


@pytest.mark.parametrize("kind", SPOILT)
def test_arrays_that_lie_elsewhere_or_nowhere_are_refused(kind: str, files: Path, tmp_path: Path) -> None:
    spoil, told = SPOILT[kind]
    refused(hostile.hdf5(tmp_path / "bad.h5", files / "tiny.h5", spoil), told)
    bad = (tmp_path / "bad.h5").read_bytes()
    inside = hostile.rewritten(files / "tiny.keras", tmp_path / "bad.keras", model_weights_h5=bad)
    refused(inside, told)


def test_every_ordinary_file_passes(files: Path) -> None:
    for name in ("tiny.keras", "tiny.h5", "open.keras", "custom.keras", "custom.h5", "flat.keras"):
        kind = check_file(files / name)
        held = inspect_file(files / name, kind, name)
        assert held.problems == ()
        assert held.layers["Dense"] == 1
        assert held.declared <= held.stored


def test_unsafe_holds_for_one_call_only(files: Path) -> None:
    load_model(files / "lambda.keras", unsafe=True)
    with pytest.raises(UnsafeModelError):
        load_model(files / "lambda.keras")


def test_no_variable_allows_what_only_a_flag_may(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from visioncam.cli.commands.app import app_command
    from visioncam.cli.commands.layers import layers

    unsafe = ("allow_unsafe_model", "trust_savedmodel")
    assert {one.name for one in layers.params} >= set(unsafe)
    assert not {one.name for one in app_command.params} & set(unsafe)
    for flag in unsafe:
        for name in (f"VISIONCAM_{flag}", f"VISIONCAM_LAYERS_{flag}", flag):
            monkeypatch.setenv(name.upper(), "1")
    done = run("layers", files / "lambda.keras")
    assert (done.code, "carries code" in done.message) == (2, True)


def test_the_checksum_is_held_against_the_file(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = files / "tiny.keras"
    load_model(path, sha256=sha256(path).upper())
    with pytest.raises(UnsafeModelError, match=f"its sha256 is {sha256(path)}, not '0{{64}}'"):
        load_model(path, sha256="0" * 64)
    done = run("layers", str(path), "--sha256", "0" * 64)
    assert done.code == 2
    assert "it is a different model" in done.stderr
    done = run("layers", "--sha256", "0" * 64)
    assert (done.code, "name the file with --model" in done.message) == (2, True)


def test_an_old_keras_reads_no_strangers_files(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    monkeypatch.setattr(keras, "__version__", "3.14.2")
    with pytest.raises(UnsafeModelError, match=r"Keras 3\.14\.2 .*install keras>=3\.15"):
        load_model(files / "tiny.keras")
    load_model(files / "tiny.keras", unsafe=True)


def test_inspect_says_what_a_file_holds(files: Path, tmp_path: Path) -> None:
    done = run("inspect", str(files / "tiny.keras"), "--json")
    told: dict[str, Any] = done.data
    assert done.code == 0
    assert told["layers"]["Conv2D"] == 1
    assert told["sha256"] == sha256(files / "tiny.keras")
    assert told["problems"] == []
    change = hostile.added_layer("os", "function", "system")
    bad = hostile.rewritten(files / "tiny.keras", tmp_path / "bad.keras", change)
    done = run("inspect", str(bad))
    assert done.code == 2
    assert "names os.system at config.layers[2]" in done.stderr


INSPECT = """
import json, resource, sys
from visioncam_engines.keras.files.load import check_file
from visioncam_engines.keras.files import inspect_file
from visioncam_core.errors import ModelError
def peak():
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
def refused(path):
    try:
        return bool(inspect_file(path, check_file(path), path).problems)
    except ModelError:
        return True
whole, *bad = sys.argv[1:]
told = [refused(whole)]
before = peak()
told += map(refused, bad)
assert not {'keras', 'tensorflow'} & set(sys.modules)
print(json.dumps([told, peak() - before]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has other units elsewhere")
def test_inspecting_loads_no_keras_and_takes_little_memory(files: Path, tmp_path: Path) -> None:
    paths = [files / "tiny.keras"]
    for make in (hostile.padded, hostile.crowded, hostile.deep):
        paths.append(make(tmp_path / f"{make.__name__}.keras", files / "tiny.keras"))
    change = hostile.added_layer(*LAYERS["huge"][0])
    paths.append(hostile.rewritten(files / "tiny.keras", tmp_path / "huge.keras", change))
    paths.append(hostile.hdf5(tmp_path / "shape.h5", files / "tiny.h5", hostile.shape_bomb))
    done = subprocess.run([sys.executable, "-c", INSPECT, *paths], check=True, capture_output=True)
    told, grown = json.loads(done.stdout)
    assert told == [False, True, True, True, True, True]
    assert grown < 50_000  # KiB; the description of the first alone unpacks to 400 MB
