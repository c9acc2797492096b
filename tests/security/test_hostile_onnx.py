"""Strangers' ONNX files are refused before ONNX Runtime opens them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.closed_models import node, onnx_file, small_onnx
from helpers.hostile_files import refused

import visioncam
from visioncam_core.errors import ModelError, UnsafeModelError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def sizes(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


HEAD = ("GlobalAveragePool", "x", "p"), ("Flatten", "p", "f")
END = ("ReduceMean", "big", "m"), ("Add", "f m", "y")
BOMBS: dict[str, tuple[list[tuple[str, str, str]], dict[str, np.ndarray], str]] = {
    "constant": (
        [("ConstantOfShape", "s", "big")],
        {"s": sizes(1 << 20, 1 << 20)},
        "ConstantOfShape 'big' would make 4,398,",
    ),
    "expand": (
        [("Expand", "f s", "big")],
        {"s": sizes(1 << 30, 3)},
        "Expand 'big' would make 12,884,901,888 bytes",
    ),
    "tile": ([("Tile", "f s", "big")], {"s": sizes(1 << 30, 1)}, "Tile 'big' would make"),
    "range": (
        [("Range", "a b c", "big")],
        {"a": np.float32(0), "b": np.float32(1e12), "c": np.float32(1)},
        "Range 'big' would make",
    ),
    "resize": (
        [("Resize", "x n s", "big")],
        {"n": np.zeros(0, np.float32), "s": np.float32([1, 1, 1e5, 1e5])},
        "Resize 'big' would make",
    ),
    "pad": (
        [("Pad", "x s", "big")],
        {"s": sizes(0, 0, 0, 0, 0, 0, 1 << 20, 1 << 20)},
        "Pad 'big' would make",
    ),
    "one-hot": (
        [("Cast", "f", "i"), ("OneHot", "i s v", "big")],
        {"s": sizes(1 << 40), "v": np.float32([0, 1])},
        "OneHot 'big' would make",
    ),
    "outer": (
        [("Mul", "a b", "big")],
        {"a": np.ones((40_000, 1), np.float32), "b": np.ones((1, 40_000), np.float32)},
        "Mul 'big' would make",
    ),
    "computed": (
        [("Mul", "s s", "t"), ("Mul", "t t", "u"), ("ConstantOfShape", "u", "big")],
        {"s": sizes(1 << 10)},
        "ConstantOfShape 'big'",
    ),
    "by zero": (
        [("Div", "s z", "t"), ("Reshape", "t s", "u"), ("ConstantOfShape", "u", "big")],
        {"s": sizes(7), "z": sizes(0)},
        "the size of what ConstantOfShape 'big' makes cannot be told",
    ),
    "by the picture": (
        [("Cast", "m0", "t"), ("ConstantOfShape", "t", "big")],
        {},
        "the size of what ConstantOfShape 'big' makes cannot be told",
    ),
    "counted": ([("NonZero", "f", "big")], {}, "the size of what NonZero 'big' makes cannot be told"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_what_would_fill_the_memory_is_refused(kind: str, tmp_path: Path) -> None:
    middle, weights, told = BOMBS[kind]
    if kind == "by the picture":
        middle = [("ReduceSum", "f", "m0"), *middle]
    nodes = [
        node(*one, **({"to": 7} if one[0] == "Cast" else {"keepdims": 0} if one[0] == "ReduceMean" else {}))
        for one in (*HEAD, *middle, *END)
    ]
    path = onnx_file(tmp_path / "m.onnx", nodes, weights, (None, 3))
    refused(path, told)
    refused(path, "--allow-unsafe-model")


def test_sizes_that_are_computed_are_followed(tmp_path: Path) -> None:
    middle = [
        ("Shape", "x", "shape"),
        ("Gather", "shape two", "rows"),
        ("Mul", "rows rows", "many"),
        ("Equal", "many many", "same"),
        ("Where", "same many one", "size"),
        ("ConstantOfShape", "size", "big"),
    ]
    weights = {"two": sizes(2), "one": sizes(1)}
    nodes = [
        node(*one, **({"keepdims": 0} if one[0] == "ReduceMean" else {})) for one in (*HEAD, *middle, *END)
    ]
    path = onnx_file(tmp_path / "m.onnx", nodes, weights, (None, 3))
    assert visioncam.load_model(path).file.outputs[0].name == "y"


def test_doubling_is_refused(tmp_path: Path) -> None:
    nodes = [node("Concat", f"d{i} d{i}", f"d{i + 1}", axis=1) for i in range(40)]
    nodes = [node(*HEAD[0]), node("Flatten", "p", "d0"), *nodes, node("Identity", "d40", "y")]
    refused(
        onnx_file(tmp_path / "m.onnx", nodes, {}, (None, None)), "Concat 'd28' would make 3,221,225,472 bytes"
    )


def external(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")


def declared(model: Any) -> None:
    model.graph.initializer[0].dims[:] = [1 << 40, 1 << 40]


def negative(model: Any) -> None:
    model.graph.initializer[0].dims[:] = [-4, 3, 3, 3]


def sparse(model: Any) -> None:
    model.graph.sparse_initializer.add(dims=[1 << 40])


def custom(model: Any) -> None:
    model.graph.node[1].domain = "evil.ops"


def loop(model: Any) -> None:
    model.graph.node.append(node("Loop", "y", "z", body=model.graph))


def nested(model: Any) -> None:
    for _ in range(20):
        inner = onnx.GraphProto()
        inner.CopyFrom(model.graph)
        model.graph.node.append(node("If", "y", "z", then_branch=inner))
        del model.graph.node[:-1]


def of_functions(*bodies: tuple[str, str]) -> Callable[[Any], None]:
    """Return a change that adds functions of one input, each a row of calls."""

    def change(model: Any) -> None:
        for name, calls in bodies:
            names = calls.split()
            nodes = [
                onnx.helper.make_node(one, [f"v{i}"], [f"v{i + 1}"], domain="" if one == "Relu" else "own")
                for i, one in enumerate(names)
            ]
            sets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("own", 1)]
            model.functions.append(
                onnx.helper.make_function("own", name, ["v0"], [f"v{len(names)}"], nodes, sets)
            )
        model.opset_import.add(domain="own", version=1)
        model.graph.node[1].domain, model.graph.node[1].op_type = "own", bodies[0][0]

    return change


CHANGES: dict[str, tuple[Callable[[Any], None], str]] = {
    "external": (external, "keeps weights in other files ('../../../etc/passwd'); write them into this one"),
    "declared": (
        declared,
        "the array 'U' declares 1099511627776 x 1099511627776 numbers and stores 432 bytes",
    ),
    "negative": (negative, "the array 'U' declares -4 x 3 x 3 x 3 numbers"),
    "sparse": (sparse, "holds sparse weights, whose size it only declares"),
    "custom": (custom, "needs the operator 'Relu' of 'evil.ops', which is not ONNX's"),
    "loop": (loop, "has a loop ('z'), which may never end"),
    "nested": (nested, "has graphs in graphs, more than 8 deep"),
    "itself": (of_functions(("F", "F")), "has functions that call themselves"),
    "each other": (of_functions(("F", "G"), ("G", "F")), "has functions that call themselves, or each other"),
    "written out": (
        of_functions(*((f"F{i}", f"F{i + 1} " * 10) for i in range(8)), ("F8", "Relu")),
        "its functions written out are 2",
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_an_onnx_file_that_reads_needs_or_hides_is_refused(kind: str, tmp_path: Path) -> None:
    change, told = CHANGES[kind]
    path = small_onnx(tmp_path / "m.onnx", change=change)
    refused(path, told)
    if kind == "external":
        with pytest.raises(UnsafeModelError, match="keeps weights in other files"):
            visioncam.load_model(path, unsafe=True)
        return
    refused(path, "--allow-unsafe-model")


def test_functions_of_the_file_itself_are_written_out(tmp_path: Path) -> None:
    path = small_onnx(tmp_path / "m.onnx", change=of_functions(("F", "Relu")))
    assert visioncam.load_model(path).file.outputs[0].shape == (None, 3)


def test_who_trusts_a_file_opens_it(tmp_path: Path) -> None:
    nodes = [
        node(*one)
        for one in (
            *HEAD,
            ("NonZero", "f", "i"),
            ("Cast", "i", "c"),
            ("ReduceSum", "c", "m"),
            ("Add", "f m", "y"),
        )
    ]
    nodes[3].attribute.append(onnx.helper.make_attribute("to", 1))
    path = onnx_file(tmp_path / "m.onnx", nodes, {}, (None, 3))
    refused(path, "NonZero 'i' makes cannot be told")
    assert visioncam.load_model(path, unsafe=True).file.inputs[0].name == "x"


def test_a_giant_file_is_not_read(tmp_path: Path) -> None:
    for name, start in (("m.onnx", b"\x08\x07\x12\x07pytorch"), ("m.tflite", b"\x1c\0\0\0TFL3")):
        (tmp_path / name).write_bytes(start)
        os.truncate(tmp_path / name, 1 << 33)  # a hole: it takes no space on the disk
        refused(tmp_path / name, "has 8,589,934,592 bytes, more than 2,147,483,647, and is not read")


def test_a_damaged_onnx_file_is_an_error_of_ours(tmp_path: Path, rng: np.random.Generator) -> None:
    whole = small_onnx(tmp_path / "m.onnx").read_bytes()
    for size in (1, 20, len(whole) // 2, len(whole) - 1):
        (tmp_path / "m.onnx").write_bytes(whole[:size])
        with pytest.raises(ModelError):
            visioncam.load_model(tmp_path / "m.onnx")
    deep = b"\x0a\x02" * 200
    (tmp_path / "m.onnx").write_bytes(b"\x3a" + bytes([127]) + deep[:127])
    refused(tmp_path / "m.onnx", "is truncated or damaged", ModelError)
    taken = 0
    for _ in range(60):
        changed = bytearray(whole)
        for at in rng.integers(0, len(whole), 3):
            changed[at] = rng.integers(256)
        (tmp_path / "m.onnx").write_bytes(changed)
        try:
            visioncam.load_model(tmp_path / "m.onnx")
            taken += 1
        except ModelError:
            pass
    assert 0 < taken < 60
