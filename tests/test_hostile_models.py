"""Strangers' model files are refused before Keras, or anything in them, runs."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import support_hostile_models as hostile
from support_cli import run

from visioncam.model_files import check_file, load_model
from visioncam.preflight import inspect_file
from visioncam.preflight.holdings import sha256
from visioncam_core.errors import ModelError, UnsafeModelError

pytest_plugins = ("support_cli_files",)

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
    "get_file": (("keras.utils", "function", "get_file"), "names keras.utils.get_file, no part of a model"),
    "load_model": (("keras.src.saving", "function", "load_model"), "no part of a model"),
    "unlock": (("keras.config", "function", "enable_unsafe_deserialization"), "no part of a model"),
    "top": (("keras", "function", "enable_unsafe_deserialization"), "no part of a model"),
    "huge": (
        ("keras.layers", "Dense", {"units": 10_000_000_000, "name": "d"}),
        "asks for 10,000,0",
    ),
    "no number": (
        ("keras.layers", "Conv2D", {"filters": 10**400, "kernel_size": [10**400] * 40, "name": "c"}),
        "asks for 1,000,0",
    ),
}
ARCHIVES: dict[str, tuple[Callable[[Path, Path], Path], str]] = {
    "deep": (hostile.deep, "its description cannot be read"),
    "padded": (hostile.padded, "'config.json' unpacks from"),
    "crowded": (hostile.crowded, "its list of members takes 46,000,004 bytes"),
    "above": (hostile.with_member("../../MARK"), "a member points outside the archive"),
    "absolute": (hostile.with_member("/etc/MARK"), "a member points outside the archive"),
    "drive": (hostile.with_member("C:\\MARK"), "a member points outside the archive"),
    "foreign": (hostile.with_member("run.py"), "a member that Keras does not write ('run.py')"),
    "twice": (hostile.with_member("assets/a", "assets/a"), "two members of one name ('assets/a')"),
    "encrypted": (hostile.encrypted, "an encrypted member"),
}
SPOILT = {
    "external link": (hostile.external_link, "is a link to another file"),
    "soft link": (hostile.soft_link, "is a link to another name"),
    "external array": (hostile.external_array, "lies in another file"),
    "virtual": (hostile.virtual_array, "is assembled from others"),
    "shape": (hostile.shape_bomb, "declares 16,000,000,000,000 bytes and stores 0"),
}


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


def test_the_checksum_is_held_against_the_file(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = files / "tiny.keras"
    load_model(path, sha256=sha256(path).upper())
    with pytest.raises(UnsafeModelError, match=f"its sha256 is {sha256(path)}, not '0{{64}}'"):
        load_model(path, sha256="0" * 64)
    done = run("layers", str(path), "--sha256", "0" * 64)
    assert done.code == 2
    assert "it is another file" in done.stderr


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


def test_inspecting_loads_no_keras(files: Path) -> None:
    import subprocess

    code = (
        "import sys; from visioncam.model_files import check_file;"
        "from visioncam.preflight import inspect_file;"
        "p = sys.argv[1]; inspect_file(p, check_file(p), p);"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(files / "tiny.keras")], check=True)


class Reaching:
    """Makes a SavedModel whose prediction does something else too."""

    @staticmethod
    def saved(folder: Path, act: Callable[[Any], Any]) -> Path:
        import tensorflow as tf

        module = tf.Module()
        spec = tf.TensorSpec((None, 8, 8, 3))
        module.serve = tf.function(act, input_signature=[spec])
        tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
        return folder


def test_a_saved_model_needs_trust_and_may_not_reach_outside(tmp_path: Path) -> None:
    import tensorflow as tf

    canary = tmp_path / "canary"

    def writes(x: Any) -> Any:
        tf.io.write_file(str(canary), "x")
        return {"y": tf.reduce_sum(x, [1, 2])}

    def reads(x: Any) -> Any:
        return {"y": tf.reduce_sum(x, [1, 2]), "file": tf.io.read_file("/etc/hostname")}

    def prints(x: Any) -> Any:
        tf.print(x, output_stream=f"file://{tmp_path}/printed")
        return {"y": tf.reduce_sum(x, [1, 2])}

    for act, word in ((writes, "WriteFile"), (reads, "ReadFile"), (prints, "PrintV2")):
        folder = Reaching.saved(tmp_path / act.__name__, act)
        with pytest.raises(UnsafeModelError, match=r"is a SavedModel.*--trust-savedmodel"):
            load_model(folder)
        with pytest.raises(UnsafeModelError, match=f"{word}.* reaches outside"):
            load_model(folder, trust_savedmodel=True)
    assert not canary.exists()
    tf.saved_model.load(str(tmp_path / "writes")).signatures["serving_default"](tf.zeros((1, 8, 8, 3)))
    assert canary.exists()  # it does what it was refused for


def test_a_trusted_saved_model_is_explained(files: Path, tmp_path: Path) -> None:
    load_model(files / "tiny.keras").export(tmp_path / "exported", verbose=False)
    asked = ["explain", files / "cat.png", "--model", tmp_path / "exported", "-o", tmp_path / "out"]
    assert run(*asked).code == 2
    done = run(*asked, "--trust-savedmodel", "--json")
    assert done.code == 0
    assert list((tmp_path / "out").glob("cat_*.png"))
    assert "a SavedModel is a program" in done.stderr
    (tmp_path / "exported" / "saved_model.pb").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(tmp_path / "exported", trust_savedmodel=True)
