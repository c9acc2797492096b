"""Strangers' TFLite files are refused before the interpreter opens them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.hostile_files import refused
from tensorflow.lite.python import schema_py_generated as schema

from visioncam_core.errors import ModelError, UnsafeModelError
from visioncam_engines.runtimes.tflite import TfliteFile
from visioncam_engines.runtimes.tflite_check import GROWING, read_checked


@pytest.fixture(scope="module")
def tflite() -> bytes:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2DTranspose(4, 3, 2, padding="same", activation="relu"),
            layers.ZeroPadding2D(1),
            layers.UpSampling2D(2, interpolation="bilinear"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )
    content: bytes = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    return content


def rewritten(content: bytes, change: Callable[[Any, Any], None]) -> bytes:
    """Return a file whose tables were changed."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    change(model, schema)
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _constant(model: Any, name: str) -> Any:
    """Return the buffer of the sizes that an operation takes."""
    codes = {code: one for one, code in vars(schema.BuiltinOperator).items() if one[:1] != "_"}
    graph = model.subgraphs[0]
    for one in graph.operators:
        code = model.operatorCodes[one.opcodeIndex]
        if codes[max(code.builtinCode, code.deprecatedBuiltinCode)] == name:
            return model.buffers[graph.tensors[one.inputs[GROWING[name]]].buffer]
    raise AssertionError(name)


def _custom(model: Any, schema: Any) -> None:
    code = model.operatorCodes[-1]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = b"FlexMatMul"


def _unknown(model: Any, schema: Any) -> None:
    model.operatorCodes[-1].builtinCode = 9_999


def _while(model: Any, schema: Any) -> None:
    code = model.operatorCodes[-1]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.WHILE


def _wide(model: Any, schema: Any) -> None:
    model.subgraphs[0].tensors[-1].shape = np.array([1 << 30, 1 << 30], np.int32)


def _short(model: Any, schema: Any) -> None:
    weights = max(model.buffers, key=lambda one: 0 if one.data is None else len(one.data))
    weights.data = weights.data[:-8]


def _sizes(name: str, numbers: list[int]) -> Callable[[Any, Any], None]:
    def change(model: Any, schema: Any) -> None:
        _constant(model, name).data = np.array(numbers, "<i4").view(np.uint8)

    return change


def _outside(model: Any, schema: Any) -> None:
    model.subgraphs[0].operators[0].inputs = np.array([12_345], np.int32)


TABLES: dict[str, tuple[Callable[[Any, Any], None], str]] = {
    "custom": (_custom, "needs the operator 'FlexMatMul', which is not TFLite's own"),
    "unknown": (_unknown, "needs operation number 9999, which this interpreter does not know"),
    "while": (_while, "has a branch or a loop (WHILE), which may never end"),
    "wide": (_wide, "declares 1073741824 x 1073741824 numbers"),
    "short": (_short, "bytes and stores"),
    "resize": (
        _sizes("RESIZE_BILINEAR", [1 << 20, 1 << 20]),
        "RESIZE_BILINEAR makes 4,398,046,511,104 numbers",
    ),
    "pad": (_sizes("PAD", [0, 0, 0, 1 << 20, 0, 1 << 20, 0, 0]), "PAD makes"),
    "outside": (_outside, "is truncated or damaged (ValueError: tensor 12345, 12345 of"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_tflite_file_that_needs_or_fills_is_refused(kind: str, tflite: bytes, tmp_path: Path) -> None:
    change, told = TABLES[kind]
    path = tmp_path / "m.tflite"
    path.write_bytes(rewritten(tflite, change))
    refused(path, told, ModelError if kind == "outside" else UnsafeModelError)


def test_an_untouched_file_is_taken(tflite: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    for content in (tflite, rewritten(tflite, lambda model, schema: None)):
        path.write_bytes(content)
        assert TfliteFile.open(path).outputs[0].shape == (None, 2)


def test_a_damaged_tflite_file_is_an_error_of_ours(tflite: bytes, rng: np.random.Generator) -> None:
    taken = 0
    for _ in range(300):
        changed = bytearray(tflite[: rng.integers(8, len(tflite))] if rng.random() < 0.3 else tflite)
        for at in rng.integers(8, len(changed), 4):
            changed[at] = rng.integers(256)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                taken += not read_checked(bytes(changed), "m", schema).problems
        except ModelError:
            pass
    assert 0 < taken < 300
