"""Model files of PyTorch: what loads gives the model's own maps, and what is hostile never runs."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from helpers.torch_files import Harm, network, nn, torch

import visioncam
from visioncam_core.errors import ModelError, ModelNotFoundError, UnsafeModelError
from visioncam_core.pipeline.models import check_file, open_model
from visioncam_core.plugins.default import registry
from visioncam_engines.torch.files.check import kind_of
from visioncam_engines.torch.files.inspection import inspect_file
from visioncam_engines.torch.files.pickled import tensors_in

# what loads


def test_an_exported_program_is_explained_as_the_model_that_it_was(
    exported: Path, picture: np.ndarray
) -> None:
    model = open_model(exported)
    own, other = visioncam.explain(network(), picture), visioncam.explain(model, picture)
    assert own.layer.path == other.layer.path == "2"
    np.testing.assert_array_equal(own.raw, other.raw)


def test_a_batch_of_an_exported_program_equals_its_singles(exported: Path, rng: np.random.Generator) -> None:
    x = rng.standard_normal((3, 3, 16, 16), dtype=np.float32)
    model = open_model(exported)
    for together, alone in zip(visioncam.explain(model, x), x, strict=True):
        np.testing.assert_allclose(together.raw, visioncam.explain(model, alone).raw, atol=1e-6)


# .pt, .pth, .safetensors, TorchScript


def test_weights_alone_say_how_they_are_used(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    torch.save(network().state_dict(), tmp_path / "w.pth")
    save_file(network().state_dict(), tmp_path / "w.safetensors")
    torch.save(network().state_dict(), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for name in ("w.pth", "w.safetensors", "old.pt"):
        with pytest.raises(
            ModelError, match=rf"holds only weights.*package\.module:function --weights .*{name}"
        ):
            check_file(tmp_path / name)


def test_a_whole_pickled_model_is_refused_with_what_it_asks_for(tmp_path: Path) -> None:
    for name, new in (("m.pt", True), ("old.pth", False)):
        torch.save(network(), tmp_path / name, _use_new_zipfile_serialization=new)
        with pytest.raises(
            UnsafeModelError, match=r"torch\.nn\.modules\.container\.Sequential.*torch\.export"
        ):
            open_model(tmp_path / name)


def test_a_harmful_pickle_is_named_and_does_not_run(tmp_path: Path) -> None:
    harmed = tmp_path / "harmed"
    torch.save({"state_dict": Harm(harmed)}, tmp_path / "m.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Harm(harmed)))
    for name in ("m.pt", "plain.pt"):
        with pytest.raises(UnsafeModelError, match="runs code"):
            open_model(tmp_path / name)
        assert registry().engine_for_file(tmp_path / name).inspect(tmp_path / name).problems
    assert not harmed.exists()


def test_torchscript_is_a_program_that_has_to_be_trusted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, picture: np.ndarray
) -> None:
    path = tmp_path / "script.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated in torch, and still in people's files
        torch.jit.save(torch.jit.trace(network(), torch.zeros(1, 3, 16, 16)), path)
        assert check_file(path) is None
        with pytest.raises(UnsafeModelError, match=r"layers cannot be seen.*--allow-unsafe-model"):
            open_model(path)
        model = open_model(path, unsafe=True)
    assert "its layers cannot be seen" in caplog.text
    with pytest.raises(ModelError, match="TorchScript"):
        visioncam.explain(model, picture)


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "wrapped.pt", "parallel.pth"])
def test_weights_are_filled_into_a_model(tmp_path: Path, name: str, picture: np.ndarray) -> None:
    from safetensors.torch import save_file

    from visioncam_engines.torch.files.load import fill

    held = network().state_dict()
    if name == "w.safetensors":
        save_file(held, tmp_path / name)
    elif name == "wrapped.pt":
        torch.save({"epoch": 3, "state_dict": held, "best": 0.5}, tmp_path / name)
    else:
        prefix = "module." if name.startswith("parallel") else ""
        torch.save({prefix + key: value for key, value in held.items()}, tmp_path / name)
    model = network()
    nn.init.zeros_(model[0].weight)
    fill(model, tmp_path / name)
    np.testing.assert_array_equal(
        visioncam.explain(model, picture).raw, visioncam.explain(network(), picture).raw
    )


def test_weights_of_another_model_are_refused_with_what_differs(tmp_path: Path) -> None:
    from visioncam_engines.torch.files.load import fill

    held = network().state_dict()
    held["5.weight"] = torch.zeros(7, 4)
    held["extra"] = held.pop("0.bias")
    torch.save(held, tmp_path / "w.pth")
    with pytest.raises(ModelError) as error:
        fill(network(), tmp_path / "w.pth")
    for part in (
        "1 missing, such as 0.bias",
        "1 left over, such as extra",
        "5.weight is (7, 4) and not (3, 4)",
    ):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello", "begins with"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 99, "PNG"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"PK\x03\x04" + b"0" * 60, "damaged"),
        ((40).to_bytes(8, "little") + b"{" + b" " * 200, "damaged"),
    ],
)
def test_other_files_are_told_apart(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=words):
        check_file(path)


def test_a_file_that_is_missing_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="no such model file"):
        check_file(tmp_path / "no.pt2")
    (tmp_path / "folder.pt2").mkdir()
    with pytest.raises(ModelError, match=r"is a folder.*hf:FOLDER"):
        check_file(tmp_path / "folder.pt2")


def test_a_checksum_must_fit(exported: Path) -> None:
    from visioncam_core.results.provenance import source_digest

    assert open_model(exported, sha256=source_digest(exported)) is not None
    with pytest.raises(UnsafeModelError, match="a different model"):
        open_model(exported, sha256="0" * 64)


# inspect


def test_inspecting_names_tensors_shapes_and_dtypes_and_loads_no_torch(
    exported: Path, tmp_path: Path
) -> None:
    import subprocess
    import sys

    from safetensors.torch import save_file

    save_file({"a.b": torch.zeros(2, 3, dtype=torch.bfloat16)}, tmp_path / "w.safetensors")
    torch.save(network(), tmp_path / "m.pt")
    code = (
        "import sys; from visioncam.cli.main import app\n"
        "for path in sys.argv[1:]:\n"
        "    try: app.main(['inspect', path])\n"
        "    except SystemExit as end: print('status', end.code)\n"
        "print('torch' in sys.modules)"
    )
    files = [exported, tmp_path / "w.safetensors", tmp_path / "m.pt"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, files)], capture_output=True, text=True, check=True
    )
    said = done.stdout + done.stderr
    for part in ("0.weight", "4 x 3 x 3 x 3", "float32", "saved by torch 2", "a.b", "2 x 3", "bfloat16"):
        assert part in said, said
    assert said.count("status 0") == 1
    assert said.count("status 2") == 2
    assert "container.Sequential" in said
    assert done.stdout.split()[-1] == "False"


@pytest.mark.parametrize("zipped", [True, False])
def test_inspecting_lists_the_tensors_of_a_state_dict(tmp_path: Path, zipped: bool) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).half()
    held = {"epoch": 3, "state_dict": model.state_dict(), "best": [nn.Parameter(torch.zeros(2))]}
    for name, saved, before in (("w.pt", model.state_dict(), ""), ("c.pth", held, "state_dict/")):
        torch.save(saved, tmp_path / name, _use_new_zipfile_serialization=zipped)
        found = {one.name: (one.shape, one.dtype) for one in inspect_file(tmp_path / name).tensors}
        best = found.pop("best/0", None)
        assert found == {
            before + key: (tuple(value.shape), str(value.dtype).removeprefix("torch."))
            for key, value in model.state_dict().items()
        }
    assert best == ((2,), "float32")


def test_the_tensors_of_a_pickle_are_listed_without_running_it(tmp_path: Path) -> None:
    path, harmed = tmp_path / "w.pt", tmp_path / "harmed"
    path.write_bytes(pickle.dumps(1) * 3 + pickle.dumps({"w": Harm(harmed)}))
    assert tensors_in(path) == ()
    assert not harmed.exists()


def test_kinds_follow_from_the_content(exported: Path, tmp_path: Path) -> None:
    other = tmp_path / "weights.safetensors"
    other.write_bytes(exported.read_bytes())
    assert kind_of(other) == "pt2"
