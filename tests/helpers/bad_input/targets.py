"""Rows of bad targets, scores, outputs and class names."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from helpers.bad_input.world import Bad, World
from visioncam_core.errors import OptionError, OptionTypeError, TargetError, TargetTypeError
from visioncam_core.targets.classes import (
    Binary,
    Class,
    Contrast,
    Ranked,
    Region,
    Regression,
    Similarity,
)


def at(target: Any, *words: str, error: type[Exception] = TargetError, name: str = "", **more: Any) -> Bad:
    """Return the row of a target asked of the model `more["model"]`, an attribute of the world."""
    model = more.pop("model", "model")
    label = name or f"target {target!r}"[:40] + ("" if model == "model" else f" of {model}")
    return Bad(label, lambda w: w.explain(model=getattr(w, model), target=target, **more), error, words)


def made(make: Any, *words: str, error: type[Exception] = OptionTypeError) -> Bad:
    """Return the row of a target that cannot even be made."""
    return Bad(f"made with {' '.join(words)}"[:40], lambda w: make(), error, words)


INDICES = [
    at(5, "class index 5 is out of range", "5 classes, 0 to 4"),
    at(-1, "class index -1 is out of range", "0 to 4"),
    at(10**30, "1" + "0" * 30, "out of range"),
    at(10**5000, "out of range", name="target 10**5000"),
    at(np.int64(7), "class index 7 is out of range"),
    at(Class(9), "class index 9 is out of range"),
    at(2, "class index 2 is out of range", "2 classes, 0 to 1", model="sigmoid"),
    at(True, "target=True of type bool", error=TargetTypeError),
    at(1.0, "target=1.0 of type float", error=TargetTypeError),
    at(tf.constant(2.0), "2.0", "float", error=TargetTypeError),
    at([[1]], "target=[1] of type list", error=TargetTypeError),
    at({1}, "target={1} of type set", error=TargetTypeError),
    at(np.array([[1], [2]]), "of type ndarray", error=TargetTypeError, name="target column"),
    at([1, 2, 3], "3 targets for 1 picture", "one for each"),
    at([None, 1], "2 targets for 1 picture"),
    at([], "0 targets for 1 picture"),
    Bad(
        "one target of two",
        lambda w: w.explain(w.batch, target=[1]),
        TargetError,
        ("1 target for 2 pictures",),
    ),
    Bad(
        "bad in a list",
        lambda w: w.explain(w.batch, target=[1, True]),
        TargetTypeError,
        ("True of type bool",),
    ),
]


def named(target: Any, *words: str, error: type[Exception] = TargetError) -> Bad:
    return Bad(f"name {target!r}"[:40], lambda w: w.explain(target=target, class_names=w.names), error, words)


NAMES = [
    at("cat", "class 'cat'", "names are not known", "class_names="),
    at(np.array("cat"), "class 'cat'", "names are not known", name="target array of text"),
    at("x" * 1000, "xxx…", "names are not known"),
    named("tigr cat", "'tigr cat'", "did you mean 'tiger cat' (1)"),
    named("zzz", "there is no class 'zzz'", "'tabby, tabby cat'"),
    named("crane", "'crane' fits 2 classes", "3 (crane)", "4 (crane)"),
    named(Contrast("tabby", "crane"), "'crane' fits 2 classes"),
    named("top9", "'top9' is out of range", "'top5'"),
    named("top0", "'top0' is out of range"),
    named(["top5"], "'top5' gives a stack", "Ranked"),
]

OBJECTS = [
    at(Class, "target=Class is a class", "the ()", error=TargetTypeError, name="class Class"),
    at(Contrast, "target=Contrast is a class", "the ()", error=TargetTypeError, name="class Contrast"),
    made(lambda: Class(True), "'which'", "True (bool)"),
    made(lambda: Class(1.5), "'which'", "1.5 (float)"),
    made(lambda: Binary("no"), "'positive'", "'no'"),
    made(lambda: Regression("sideways"), "'direction'", "'sideways'", error=OptionError),
    made(lambda: Regression(index=-1), "'index'", "-1", error=OptionError),
    made(lambda: Contrast(True, 1), "'a'", "True (bool)"),
    made(lambda: Ranked(-1), "'rank'", "-1", error=OptionError),
    made(lambda: Region(0, "here"), "where='here'", "'predicted', 'all'", error=TargetError),
    made(lambda: Similarity(None), "None of type NoneType", "(D,)", error=TargetTypeError),
    made(lambda: Similarity([[1, 2], [3, 4]]), "shape (2, 2)", error=TargetError),
    made(lambda: Similarity([np.nan, 1]), "NaN or infinite", error=TargetError),
    made(lambda: Similarity([0.0, 0.0]), "only zeros", error=TargetError),
    at(Binary(), "Binary() is for a model with one output value", "5 classes"),
    at(Regression(index=2), "Regression(index=2)", "2 values, 0 to 1", model="regression"),
    at(Regression(), "one for every position", "Region", model="segmenter"),
    at(Contrast(0, 9), "class index 9 is out of range"),
    at(Contrast(1, 1), "compares a class with itself"),
    at(Contrast(0, 1), "the model has one", model="sigmoid"),
    at(Ranked(5), "Ranked(5)", "ranks 0 to 4"),
    at(Ranked(0), "a value for every position", model="segmenter", name="ranked dense"),
    at(Similarity([1.0, 2.0]), "2 values", "output 5", name="similarity size"),
    at(Region(0), "a value for every position", "5 in all", name="region of a classifier"),
]


def region(where: Any, *words: str, error: type[Exception] = TargetError, of: int = 0) -> Bad:
    return at(Region(of, where), *words, error=error, model="segmenter", name=f"region {where!r}"[:40])


REGIONS = [
    region("all", "class index 3 is out of range", of=3),
    region(np.zeros((16, 16)), "covers no position", "(16, 16)"),
    region(np.ones((4, 4)), "shape (4, 4)", "mask of the output's shape (16, 16)"),
    region((0, 0, 17, 4), "[0, 0, 17, 4]", "(16, 16)", "(top, left, bottom, right)"),
    region((4, 4, 4, 8), "[4, 4, 4, 8]", "does not lie"),
    region((-1, 0), "[-1, 0]", "(row, column)"),
    region((16, 0), "[16, 0]", "does not lie"),
    region((0.5, 1), "whole numbers", "0.5", error=TargetTypeError),
    region([[1], [2, 3]], "is not a mask, box or point", error=TargetTypeError),
    region([["a"]], "is not a mask, box or point", error=TargetTypeError),
]


def function(call: Any, name: str, *words: str, **more: Any) -> Bad:
    return at(call, *words, name=f"function {name}", **more)


FUNCTIONS = [
    function(lambda o: o, "of several values", "<lambda>", "shape (1, 5)", "shape (1,)"),
    function(lambda o: 1 / 0, "that fails", "<lambda> failed", "(1, 5)", "ZeroDivisionError"),
    function(lambda: 0, "without argument", "takes 0 positional arguments"),
    function(lambda o: None, "of nothing", "<lambda> failed", "None"),
    function(lambda o: "a", "of text", "returned string", "real number"),
    function(lambda o: tf.cast(o[:, 0], tf.complex64), "of complex", "returned complex64"),
    function(lambda o: o[:, 99], "beyond the classes", "slice index 99"),
    function(lambda o: tf.cast(tf.argmax(o, -1), tf.float32), "of argmax", "differentiable", "keras.ops"),
    function(lambda o: o.numpy()[:, 0], "of numpy", "differentiable"),
    function(lambda o: tf.stop_gradient(o[:, 0]), "stopped", "differentiable"),
    function(lambda o: tf.reduce_sum(o), "summed over versions", "returned shape ()", method="scorecam"),
    Bad(
        "probability weights of a function",
        lambda w: w.explain(method="scorecam", weights="probability", target=lambda o: o[:, 0]),
        TargetError,
        ("class as target", "a function"),
    ),
]


def file_of_names(name: str, content: str | bytes, *words: str) -> Bad:
    def call(w: World) -> Any:
        return w.explain(class_names=w.file(name, content))

    return Bad(f"names {name}", call, OptionError, words)


CLASS_NAMES = [
    file_of_names("a.json", "{", "a.json", "not usable", "double quotes"),
    file_of_names("b.json", "[1, 2]", "b.json", "entry 0 is 1"),
    file_of_names("c.json", '{"0": "a", "2": "b"}', "c.json", "0, 1, 2", "gap"),
    file_of_names("d.json", '{"0": []}', "d.json", "entry 0 is []"),
    file_of_names("e.json", "null", "e.json", "neither a list"),
    file_of_names("f.json", "[" * 100_000, "f.json", "RecursionError"),
    file_of_names("g.txt", "", "g.txt", "holds 0 names"),
    file_of_names("h.txt", b"\xff\xfe\x00", "h.txt", "not UTF-8"),
    file_of_names("i.txt", "x" * (2 << 20), "i.txt", "larger than 1048576 bytes"),
    file_of_names("j.txt", "a\nb", "holds 2 names", "takes 5"),
    Bad(
        "names missing",
        lambda w: w.explain(class_names="no.json"),
        OptionError,
        ("'no.json' does not exist",),
    ),
    Bad("names folder", lambda w: w.explain(class_names=w.folder), OptionError, ("is a folder",)),
    Bad(
        "names number", lambda w: w.explain(class_names=5), OptionTypeError, ("class_names", "5 of type int")
    ),
    Bad("names set", lambda w: w.explain(class_names={"a"}), OptionTypeError, ("class_names", "of type set")),
    Bad("names of numbers", lambda w: w.explain(class_names=[1]), OptionTypeError, ("entry 0 is 1",)),
    Bad("names empty", lambda w: w.explain(class_names=[]), OptionError, ("holds 0 names",)),
    Bad("one name too many", lambda w: w.explain(class_names=["a"] * 6), OptionError, ("6 names", "takes 5")),
    Bad(
        "three names of one value",
        lambda w: w.explain(model=w.sigmoid, class_names=list("abc")),
        OptionError,
        ("3 names", "takes 1 or 2"),
    ),
]

TARGETS = [*INDICES, *NAMES, *OBJECTS, *REGIONS, *FUNCTIONS, *CLASS_NAMES]
