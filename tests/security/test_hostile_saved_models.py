"""A SavedModel is a program: refused unless trusted, and even then where its graph reaches outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.cli import run

from visioncam_core.errors import ModelError, UnsafeModelError
from visioncam_engines.keras.files.load import load_model
from visioncam_engines.tensorflow.saved_model_files import load_saved_model

pytest_plugins = ("helpers.cli_files",)


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
        with pytest.raises(UnsafeModelError, match=f"{word}.* accesses files outside"):
            load_saved_model(folder)
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
    digest = done.data["results"][0]["provenance"]["model_sha256"]
    assert run(*asked, "--trust-savedmodel", "--sha256", digest).code == 0
    changed = next((tmp_path / "exported" / "variables").glob("*.index"))
    changed.write_bytes(changed.read_bytes() + b"x")
    done = run(*asked, "--trust-savedmodel", "--sha256", digest)
    assert (done.code, "it is a different model" in done.stderr) == (2, True)
    (tmp_path / "exported" / "saved_model.pb").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="cannot be read"):
        load_saved_model(tmp_path / "exported")
