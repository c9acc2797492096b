"""Archives of `torch.export` from somebody who means harm: nothing in them runs, and the refusal names it."""

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
from helpers.torch_files import Harm, as_it_is, edited, rewritten, torch

import visioncam
from visioncam_core.errors import ModelError, UnsafeModelError
from visioncam_core.pipeline.models import open_model
from visioncam_core.plugins.default import registry
from visioncam_engines.torch.files.expressions import is_plain_size

CONFIG = "data/weights/model_weights_config.json"
PROGRAM = "models/model.json"


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
        ("data/xl_model_weights/model_param_config.json", "never writes"),
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
        ("expr_str", "__import__('os').abort()", "not a plain expression"),
        ("expr_str", "Symbol('s77').__class__", "not a plain expression"),
        ("expr_str", "9**9**9**9", "not a plain expression"),
        ("forward_arg_names", [EVIL], "not a plain name"),
        ("name", EVIL, "not a plain name"),
        ("parameter_name", 'a"); import os; ("', "not a plain name"),
        ("buffer_name", 'a"); import os; ("', "not a plain name"),
        ("in_spec", ENUM, "named by"),
        (
            "out_spec",
            json.dumps([1, {"type": "evil.Class", "context": "", "children_spec": []}]),
            "packed in",
        ),
        ("out_spec", "not json", "cannot be read"),
        ("fqn", EVIL, "not a plain name"),
        ("nn_module_stack", EVIL, "not a plain name"),
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
        ({"sizes": [{"as_int": 10**9}] * 4, "strides": [{"as_int": 0}] * 4}, "needs"),
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

    refused(edited(exported, tmp_path / "net.pt2", CONFIG, edit), "not a plain tensor")


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
