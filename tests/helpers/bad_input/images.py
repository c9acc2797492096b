"""Rows of bad images: what is no picture, no model input, or does not fit the model."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from helpers.bad_input.world import Bad
from visioncam_core.errors import (
    ImageError,
    ImageNotFoundError,
    ImageTypeError,
    OptionError,
    OptionTypeError,
)

KINDS = "an image is a path, bytes, a Pillow image, an array or a tensor"

FILES = [
    Bad(
        "missing file",
        lambda w: w.explain("nowhere.png"),
        ImageNotFoundError,
        ("'nowhere.png'", "no such file"),
    ),
    Bad("missing path", lambda w: w.explain(Path("nowhere.png")), ImageNotFoundError, ("'nowhere.png'",)),
    Bad("missing in a list", lambda w: w.explain([w.x, "no.png"]), ImageNotFoundError, ("'no.png'",)),
    Bad("url", lambda w: w.explain("https://x.org/a.png"), ImageNotFoundError, ("URLs are not fetched",)),
    Bad("folder", lambda w: w.explain(w.folder), ImageError, ("is a folder", "pass a file in it")),
    Bad("empty", lambda w: w.explain(w.file("e.png", b"")), ImageError, ("e.png", "is empty (0 bytes)")),
    Bad(
        "text",
        lambda w: w.explain(w.file("t.png", "hello")),
        ImageError,
        ("t.png", "not an image", "b'hello'"),
    ),
    Bad(
        "truncated",
        lambda w: w.explain(w.file("cut.png", w.png[: len(w.png) // 2])),
        ImageError,
        ("cut.png", "truncated or damaged PNG"),
    ),
    Bad("empty bytes", lambda w: w.explain(b""), ImageError, ("bytes", "is empty")),
    Bad("null in a path", lambda w: w.explain("a\0b.png"), ImageError, ("a\\x00b.png",)),
    Bad("very long path", lambda w: w.explain("x" * 5000), ImageError, ("xxx",)),
]

TYPES = [
    Bad("None", lambda w: w.explain([None]), ImageTypeError, (KINDS, "None of type NoneType")),
    Bad("number", lambda w: w.explain(3), ImageTypeError, (KINDS, "3 of type int")),
    Bad("set", lambda w: w.explain({1}), ImageTypeError, (KINDS, "{1} of type set")),
    Bad("generator", lambda w: w.explain(x for x in [w.x]), ImageTypeError, (KINDS, "generator")),
    Bad("string tensor", lambda w: w.explain(tf.constant("a.png")), ImageTypeError, (KINDS, "EagerTensor")),
    Bad("symbolic", lambda w: w.explain(keras.KerasTensor((16, 16, 3))), ImageTypeError, ("KerasTensor",)),
    Bad(
        "complex", lambda w: w.explain(w.x * 1j), ImageTypeError, ("real numbers", "complex64", "(16, 16, 3)")
    ),
    Bad("object", lambda w: w.explain(w.x.astype(object)), ImageTypeError, ("real numbers", "object")),
    Bad("string", lambda w: w.explain(w.x.astype(str)), ImageTypeError, ("real numbers", "<U")),
    Bad("boolean", lambda w: w.explain(w.x > 0.5), ImageTypeError, ("real numbers", "bool", "float32")),
    Bad(
        "masked",
        lambda w: w.explain(np.ma.array(w.x, mask=w.x > 0.5)),
        ImageTypeError,
        ("masked", ".filled(0)"),
    ),
    Bad("ragged", lambda w: w.explain(tf.ragged.constant([[1.0], [2.0, 3.0]])), ImageTypeError, ("object",)),
]

SHAPES = [
    Bad(
        "alpha picture",
        lambda w: w.explain(np.zeros((9, 9, 4), np.uint8)),
        ImageError,
        ("4 channels", "takes 3"),
    ),
    Bad(
        "two channels",
        lambda w: w.explain(np.zeros((9, 9, 2), np.uint8)),
        ImageError,
        ("2 channels", "takes 3"),
    ),
    Bad(
        "rgba float", lambda w: w.explain(np.zeros((16, 16, 4))), ImageError, ("(16, 16, 4)", "alpha channel")
    ),
    Bad("five channels", lambda w: w.explain(np.zeros((16, 16, 5))), ImageError, ("5 channels", "takes 3")),
    Bad(
        "channels first", lambda w: w.explain(np.zeros((3, 16, 16))), ImageError, ("(3, 16, 16)", "moveaxis")
    ),
    Bad("batch, channels first", lambda w: w.explain(np.zeros((2, 3, 16, 16))), ImageError, ("moveaxis",)),
    Bad(
        "channels last",
        lambda w: w.explain(w.x, model=w.channels_first),
        ImageError,
        ("takes shape (3, 16, 16)", "received (16, 16, 3)", "moveaxis"),
    ),
    Bad(
        "five axes",
        lambda w: w.explain(np.zeros((1, 2, 16, 16, 3))),
        ImageError,
        ("(1, 2, 16, 16, 3)", "a batch"),
    ),
    Bad(
        "grey",
        lambda w: w.explain(np.zeros((16, 16))),
        ImageError,
        ("(16, 16, 3)", "(16, 16);", "no channel axis"),
    ),
    Bad("one axis", lambda w: w.explain(np.zeros(768)), ImageError, ("'photo'", "(16, 16, 3)", "(768,)")),
    Bad("no axis", lambda w: w.explain(np.float32(1)), ImageError, ("(16, 16, 3)", "received ()")),
    Bad(
        "wrong size",
        lambda w: w.explain(np.zeros((20, 24, 3), np.float32)),
        ImageError,
        ("input 'photo' takes shape (16, 16, 3)", "received (20, 24, 3)", "uint8 array), which is fitted"),
    ),
    Bad(
        "wrong size in a batch", lambda w: w.explain(np.zeros((2, 20, 24, 3))), ImageError, ("image 0 of 2",)
    ),
    Bad(
        "wrong size in a list",
        lambda w: w.explain([w.x, w.x[:4]]),
        ImageError,
        ("image 1 of 2", "(4, 16, 3)"),
    ),
    Bad(
        "no rows", lambda w: w.explain(np.zeros((0, 16, 3), np.float32)), ImageError, ("(0, 16, 3)", "empty")
    ),
    Bad(
        "no pixels", lambda w: w.explain(np.zeros((0, 16, 3), np.uint8)), ImageError, ("(0, 16, 3)", "pixels")
    ),
    Bad("empty batch", lambda w: w.explain(w.batch[:0]), ImageError, ("empty batch", "(0, 16, 16, 3)")),
    Bad("empty list", lambda w: w.explain([]), ImageError, ("empty list of images", "at least one")),
    Bad("list of batches", lambda w: w.explain([w.batch]), ImageError, ("(2, 16, 16, 3)", "single images")),
    Bad("ragged list", lambda w: w.explain([[1, 2], [3]]), ImageTypeError, ("list", "inhomogeneous")),
]

VALUES = [
    Bad(
        "NaN",
        lambda w: w.explain(w.spoilt(np.nan)),
        ImageError,
        ("1 value that", "NaN", "first at (2, 3, 1)"),
    ),
    Bad(
        "infinite", lambda w: w.explain(w.spoilt(np.inf, -np.inf)), ImageError, ("2 values that", "(2, 3, 1)")
    ),
    Bad(
        "NaN in a batch",
        lambda w: w.explain(np.stack([w.x, w.spoilt(np.nan)])),
        ImageError,
        ("image 1 of 2", "first at (2, 3, 1)", "nan_to_num"),
    ),
    Bad(
        "too large",
        lambda w: w.explain(w.x.astype(float) + 1e300),
        ImageError,
        ("768 values", "float32", "scale"),
    ),
    Bad("fractions", lambda w: w.explain(model=w.whole_numbers), ImageError, ("uint8 cannot hold", "round")),
    Bad(
        "too large for uint8",
        lambda w: w.explain(np.full((16, 16, 3), 300), model=w.whole_numbers),
        ImageError,
        ("768 values that the model's uint8 cannot hold",),
    ),
]

SEVERAL = [
    Bad(
        "one of two inputs",
        lambda w: w.explain(model=w.two_inputs),
        ImageTypeError,
        ("2 inputs", "'photo', 'table'"),
    ),
    Bad(
        "path for two",
        lambda w: w.explain("a.png", model=w.two_inputs),
        ImageTypeError,
        ("2 inputs", "'a.png'"),
    ),
    Bad(
        "three of two",
        lambda w: w.explain([w.x] * 3, model=w.two_inputs),
        ImageError,
        ("2 inputs", "received 3"),
    ),
    Bad(
        "a name missing",
        lambda w: w.explain({"photo": w.x}, model=w.two_inputs),
        ImageError,
        ("'table'", "'photo'"),
    ),
    Bad(
        "swapped",
        lambda w: w.explain([np.ones(4), w.x], model=w.two_inputs),
        ImageError,
        ("'table'", "16 rows"),
    ),
    Bad(
        "too short",
        lambda w: w.explain([w.x, np.ones(3)], model=w.two_inputs),
        ImageError,
        ("'table'", "(4,)", "(3,)"),
    ),
    Bad(
        "rows",
        lambda w: w.explain([w.batch, np.ones((3, 4))], model=w.two_inputs),
        ImageError,
        ("3 rows for 2",),
    ),
    Bad(
        "text row",
        lambda w: w.explain([w.x, "abc"], model=w.two_inputs),
        ImageTypeError,
        ("'table'", "'abc'"),
    ),
    Bad(
        "NaN row",
        lambda w: w.explain([w.x, np.full(4, np.nan)], model=w.two_inputs),
        ImageError,
        ("'table' has 4",),
    ),
    Bad(
        "no rows at all",
        lambda w: w.explain([w.batch[:0], np.ones((0, 4))], model=w.two_inputs),
        ImageError,
        ("empty",),
    ),
    Bad(
        "two names for one", lambda w: w.explain({"a": w.x, "b": w.x}), ImageError, ("one input", "'a', 'b'")
    ),
]


def _data(*arrays: np.ndarray) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0])


DATASETS = [
    Bad(
        "infinite dataset", lambda w: w.explain(_data(w.batch).repeat()), ImageError, ("infinite", "take(1)")
    ),
    Bad("empty dataset", lambda w: w.explain(_data(w.batch).take(0)), ImageError, ("empty",)),
    Bad("flat dataset", lambda w: w.explain(_data(np.ones((2, 7)))), ImageError, ("(7,)", "3 axes")),
    Bad(
        "dataset of dicts",
        lambda w: w.explain(_data(w.x).map(lambda x: {"x": x})),
        ImageTypeError,
        ("elements",),
    ),
]

PREPARED = [
    Bad("preprocess name", lambda w: w.explain(preprocess="torhc"), OptionError, ("'torhc'", "'torch'")),
    Bad(
        "preprocess number", lambda w: w.explain(preprocess=5), OptionTypeError, ("preprocess", "received 5")
    ),
    Bad(
        "preprocess drops the batch",
        lambda w: w.explain(w.picture, preprocess=lambda b: b[0]),
        OptionError,
        ("preprocess=<lambda>", "(1, 16, 16, 3)", "(16, 16, 3)"),
    ),
    Bad(
        "preprocess None",
        lambda w: w.explain(w.picture, preprocess=lambda b: None),
        OptionError,
        ("<lambda>",),
    ),
    Bad(
        "preprocess fails",
        lambda w: w.explain(w.picture, preprocess=lambda b: 1 / 0),
        OptionError,
        ("division",),
    ),
    Bad(
        "preprocess NaN",
        lambda w: w.explain(w.picture, preprocess=lambda b: b * np.nan),
        ImageError,
        ("768 values",),
    ),
    Bad(
        "geometry", lambda w: w.explain(geometry="letterbocks"), OptionError, ("'letterbocks'", "'letterbox'")
    ),
    Bad("geometry number", lambda w: w.explain(geometry=5), OptionTypeError, ("geometry", "received 5")),
    Bad(
        "geometry returns",
        lambda w: w.explain(w.picture, geometry=lambda s, t: 1),
        OptionTypeError,
        ("returned 1",),
    ),
]

IMAGES = [*FILES, *TYPES, *SHAPES, *VALUES, *SEVERAL, *DATASETS, *PREPARED]
