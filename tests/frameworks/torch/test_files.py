"""Model files of PyTorch: what loads gives the model's own maps, and what is hostile never runs."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import visioncam
from visioncam_core.errors import ModelError, ModelNotFoundError, UnsafeModelError
from visioncam_core.pipeline.models import check_file, open_model
from visioncam_core.plugins.default import registry
from visioncam_engines.torch.files.check import kind_of
from visioncam_engines.torch.files.expressions import is_plain_size

torch = pytest.importorskip("torch")
nn = torch.nn
CONFIG = "data/weights/model_weights_config.json"
PROGRAM = "models/model.json"


def network() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    ).eval()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "net.pt2"
    dynamic = ({0: torch.export.Dim.DYNAMIC},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(network(), (torch.zeros(2, 3, 16, 16),), dynamic_shapes=dynamic)
        torch.export.save(program, path)
    return path


@pytest.fixture
def picture(rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((3, 16, 16), dtype=np.float32)


class Harm:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def rewritten(
    path: Path, out: Path, change: Callable[[str, bytes], bytes | None], more: dict[str, bytes] | None = None
) -> Path:
    """Write an archive whose members are changed; a member that becomes None is left out."""
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(out, "w") as after:
        root = before.namelist()[0].partition("/")[0]
        for name in before.namelist():
            data = change(name.removeprefix(f"{root}/"), before.read(name))
            if data is not None:
                after.writestr(name, data)
        for name, data in (more or {}).items():
            after.writestr(f"{root}/{name}", data)
    return out


def edited(path: Path, out: Path, member: str, edit: Callable[[Any], None]) -> Path:
    """Write an archive with one JSON member changed."""

    def change(name: str, data: bytes) -> bytes:
        if name != member:
            return data
        tree = json.loads(data)
        edit(tree)
        return json.dumps(tree).encode()

    return rewritten(path, out, change)


def as_it_is(name: str, data: bytes) -> bytes:
    return data


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


def test_a_harmful_pickle_in_place_of_the_example_inputs_never_runs(exported: Path, tmp_path: Path) -> None:
    """Torch falls back to `weights_only=False` for them."""
    harmed = tmp_path / "harmed"
    held = io.BytesIO()
    torch.save((Harm(harmed),), held)

    def change(name: str, data: bytes) -> bytes:
        return held.getvalue() if name.startswith("data/sample_inputs/") else data

    path = rewritten(exported, tmp_path / "net.pt2", change)
    open_model(path)
    assert not harmed.exists()
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        torch.export.load(path)
    assert harmed.exists(), "torch itself runs it, or this test proves nothing"


# hostile archives


def refused(path: Path, *words: str) -> None:
    """Check that a file is refused by loading and by inspecting, with these words."""
    with pytest.raises(UnsafeModelError) as error:
        open_model(path)
    message = str(error.value)
    told = " ".join(registry().engine_for_file(path).inspect(path).problems)
    for word in words:
        assert word in message, message
        assert word in told, told


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("data/constants/custom_obj_0", "a custom object"),
        ("data/constants/opaque_obj_0", "an object, which is pickled"),
        ("data/aotinductor/model/model.so", "compiled code"),
        ("data/weights/model.pt", "pickled"),
        ("data/constants/model.pt", "pickled"),
        ("data/xl_model_weights/model_param_config.json", "does not write"),
        ("../../outside", "outside the archive"),
    ],
)
def test_what_may_not_be_in_an_archive_is_named(
    exported: Path, tmp_path: Path, member: str, words: str
) -> None:
    harmed = tmp_path / "harmed"
    more = {member: pickle.dumps(Harm(harmed))}
    refused(rewritten(exported, tmp_path / "net.pt2", as_it_is, more), words, member[:20])
    assert not harmed.exists()


def test_a_pickled_weight_is_refused_and_does_not_run(exported: Path, tmp_path: Path) -> None:
    harmed = tmp_path / "harmed"
    held = io.BytesIO()
    torch.save(Harm(harmed), held)

    def edit(tree: Any) -> None:
        tree["config"]["0.weight"]["use_pickle"] = True

    path = edited(exported, tmp_path / "first.pt2", CONFIG, edit)
    path = rewritten(
        path,
        tmp_path / "net.pt2",
        lambda name, data: held.getvalue() if name == "data/weights/weight_0" else data,
    )
    refused(path, "'0.weight' is pickled", "data/weights/weight_0")
    assert not harmed.exists()
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        torch.export.load(path)
    assert harmed.exists(), "torch itself runs it, or this test proves nothing"


def target(text: str) -> Callable[[Any], None]:
    def edit(tree: Any) -> None:
        tree["graph_module"]["graph"]["nodes"][0]["target"] = text

    return edit


@pytest.mark.parametrize(
    "name",
    [
        *("torch.os.system", "torch.load", "torch.hub.load", "torch.ops.load_library", "os.system", "#ext"),
        *("_operator.methodcaller", "math.__loader__", "torch.ops.aten.conv2d.default.__globals__"),
        *("torch.ops.aten.from_file.default", "torch.ops.aten.set_.source_Storage"),
        "torch.ops.inductor.resize_storage_bytes_.default",
    ],
)
def test_only_operators_of_a_network_are_called(exported: Path, tmp_path: Path, name: str) -> None:
    refused(edited(exported, tmp_path / "net.pt2", PROGRAM, target(name)), name)


def in_graph(key: str, value: Any) -> Callable[[Any], None]:
    """Return an edit that sets every entry of a key in a program, at any depth."""

    def edit(tree: Any) -> None:
        if isinstance(tree, dict):
            for name in tree:
                if name == key:
                    tree[name] = value
                else:
                    edit(tree[name])
        elif isinstance(tree, list):
            for one in tree:
                edit(one)

    return edit


EVIL = "x\n    import os; os.abort()\n    #"
ENUM = json.dumps(
    [1, {"type": "builtins.dict", "context": json.dumps([{"__enum__": True, "fqn": "os:abort", "name": "x"}]),
         "children_spec": []}]
)  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("expr_str", "__import__('os').abort()", "no plain expression"),
        ("expr_str", "Symbol('s77').__class__", "no plain expression"),
        ("expr_str", "9**9**9**9", "no plain expression"),
        ("forward_arg_names", [EVIL], "no plain name"),
        ("name", EVIL, "no plain name"),
        ("parameter_name", 'a"); import os; ("', "no plain name"),
        ("buffer_name", 'a"); import os; ("', "no plain name"),
        ("in_spec", ENUM, "named by"),
        (
            "out_spec",
            json.dumps([1, {"type": "evil.Class", "context": "", "children_spec": []}]),
            "packed in",
        ),
        ("out_spec", "not json", "cannot be read"),
        ("fqn", EVIL, "no plain name"),
        ("nn_module_stack", EVIL, "no plain name"),
    ],
)
def test_no_word_of_a_program_can_become_code(
    exported: Path, tmp_path: Path, key: str, value: Any, words: str
) -> None:
    refused(edited(exported, tmp_path / "net.pt2", PROGRAM, in_graph(key, value)), words)


def test_guards_and_other_code_are_left_out(exported: Path, tmp_path: Path, picture: np.ndarray) -> None:
    def edit(tree: Any) -> None:
        tree["guards_code"] = ["__import__('os').abort()"]
        in_graph("stack_trace", EVIL)(tree)

    model = open_model(edited(exported, tmp_path / "net.pt2", PROGRAM, edit))
    assert visioncam.explain(model, picture).layer.path == "2"


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        ({"sizes": [{"as_int": 4}, {"as_int": 3}, {"as_int": 3}, {"as_int": 400}]}, "reaches outside"),
        ({"storage_offset": {"as_int": 1}}, "reaches outside"),
        ({"sizes": [{"as_int": 10**9}] * 4, "strides": [{"as_int": 0}] * 4}, "asks for"),
        ({"strides": [{"as_int": -27}, {"as_int": 9}, {"as_int": 3}, {"as_int": 1}]}, "cannot be"),
        ({"dtype": 99}, "is not read"),
        ({"layout": 1}, "is not read"),
    ],
)
def test_a_weight_lies_within_what_is_stored(
    exported: Path, tmp_path: Path, meta: dict[str, Any], words: str
) -> None:
    def edit(tree: Any) -> None:
        tree["config"]["0.weight"]["tensor_meta"] |= meta

    refused(edited(exported, tmp_path / "net.pt2", CONFIG, edit), "'0.weight'", words)


def test_a_weight_may_not_lie_elsewhere(exported: Path, tmp_path: Path) -> None:
    def edit(tree: Any) -> None:
        tree["config"]["0.weight"]["path_name"] = "../../models/model.json"

    refused(edited(exported, tmp_path / "net.pt2", CONFIG, edit), "no plain tensor")


def test_archives_of_old_torch_are_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "old.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("version", "5.1")
        archive.writestr("serialized_exported_program.json", "{}")
        archive.writestr("serialized_state_dict.pt", pickle.dumps(Harm(tmp_path / "harmed")))
    refused(path, "before 2.8, which pickles all weights")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.99])
def test_an_archive_cut_short_says_so(exported: Path, tmp_path: Path, cut: float) -> None:
    data = exported.read_bytes()
    path = tmp_path / "cut.pt2"
    path.write_bytes(data[: int(len(data) * cut)])
    with pytest.raises(ModelError, match="damaged"):
        open_model(path)


def test_sizes_are_sums_of_symbols() -> None:
    good = (
        *("Symbol('s77', positive=True, integer=True)", "Mul(Integer(16), s77)", "s0 + 2*s1 >= 4"),
        *("Pow(s0, Integer(2))", "Float('0.5', precision=53)", "Max(1, s0//2)"),
    )
    bad = (
        *("", "a b", "s0.real", "().__class__", "[s0 for s0 in (1,)]", "lambda: 0", "open('x')", "s0[0]"),
        *("Pow(9, Pow(9, 9))", "10**100", "s0 << 99999", "f'{s0}'", "Symbol(*'ab')", "Symbol('__import__')"),
        *("(s0 := 1)", "1" * 9999, "(" * 999 + ")" * 999),
    )
    assert all(map(is_plain_size, good))
    assert not any(map(is_plain_size, bad))


# .pt, .pth, .safetensors, TorchScript


def test_weights_alone_say_how_they_are_used(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    torch.save(network().state_dict(), tmp_path / "w.pth")
    save_file(network().state_dict(), tmp_path / "w.safetensors")
    torch.save(network().state_dict(), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for name in ("w.pth", "w.safetensors", "old.pt"):
        with pytest.raises(ModelError, match=rf"weights alone.*package\.module:function --weights .*{name}"):
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
        with pytest.raises(UnsafeModelError, match="would run code"):
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
        with pytest.raises(UnsafeModelError, match=r"no layer can be seen.*--allow-unsafe-model"):
            open_model(path)
        model = open_model(path, unsafe=True)
    assert "no layer inside can be seen" in caplog.text
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
    with pytest.raises(UnsafeModelError, match="another model"):
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


def test_kinds_follow_from_the_content(exported: Path, tmp_path: Path) -> None:
    other = tmp_path / "weights.safetensors"
    other.write_bytes(exported.read_bytes())
    assert kind_of(other) == "pt2"
