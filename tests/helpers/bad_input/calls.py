"""Rows of bad layers, models, methods, options, settings, renderers and paths."""

from __future__ import annotations

import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import visioncam
from helpers.bad_input.world import Bad, Unbuilt, World
from visioncam_core.errors import (
    GradientError,
    ImageError,
    ImageNotFoundError,
    ImageTypeError,
    LayerError,
    ModelError,
    NameNotFoundError,
    OptionError,
    OptionTypeError,
    OutputError,
    PluginError,
    TargetError,
    TargetTypeError,
)


def layer(
    query: Any, *words: str, model: str = "model", error: type[LayerError] = LayerError, **more: Any
) -> Bad:
    label = f"layer {query!r}"[:36] + ("" if model == "model" else f" of {model}")
    return Bad(
        more.pop("name", label),
        lambda w: w.explain(model=getattr(w, model), layer=query, **more),
        error,
        words,
    )


LAYERS = [
    layer("con2", "no layer 'con2'", "did you mean 'c2'", "visioncam.layers(model)"),
    layer("zzz", "no layer 'zzz'", "visioncam.layers(model)"),
    layer("Auto", "no layer 'Auto'", "'auto'"),
    layer("x" * 500, "no layer 'xxx"),
    layer("c2#1", "no layer 'c2#1'", "'c2'"),
    layer("foo:bar", "'foo:bar'"),
    layer(9, "layer index 9 is out of range", "3 candidate layers, -3 to 2"),
    layer(-4, "layer index -4 is out of range"),
    layer(10**30, "out of range", "-3 to 2"),
    layer(True, "layer=True of type bool"),
    layer(None, "layer=None", "'auto'"),
    layer(1.0, "layer=1.0 of type float"),
    layer([], "layer=[]"),
    layer(["c1", "zzz"], "no layer 'zzz'"),
    layer("re:(", "'('", "not a regular expression", "unterminated"),
    layer("re:zzz", "no candidate layer matches", "'zzz'"),
    layer(keras.layers.Conv2D, "layer=Conv2D is a class", name="layer class"),
    layer(keras.layers.ReLU(name="lost"), "'lost' is not part of the model 'net'", name="layer of no model"),
    Bad(
        "layer of another",
        lambda w: w.explain(layer=w.shared.layers[1]),
        LayerError,
        ("not part of the model",),
    ),
    layer("gap", "'gap'", "output shape (6,)", "no spatial axes", "last one that can is 'c2'"),
    layer("head", "'head'", "output shape (5,)", "'c2'"),
    layer("for_size", "'kind' does not depend on layer 'for_size'", "output=", model="two_outputs"),
    layer("before", "no gradient at layer 'before'", "ScoreCAM", model="stopped", error=GradientError),
    layer("twice", "stands for 2 outputs", "'twice#0'", "'twice#1'", model="shared"),
    layer("auto", "'mlp' has no layer with spatial axes", "convolution", model="perceptron"),
    layer(0, "'mlp' has no layer with spatial axes", model="perceptron"),
    layer("flat", "(768,)", "this model has none that can", model="perceptron"),
    Bad(
        "vectors",
        lambda w: w.explain(np.ones(8, np.float32), model=w.vectors),
        LayerError,
        ("'mlp' has no layer",),
    ),
    layer(lambda table: None, "layer function returned None", name="layer function of nothing"),
    layer(lambda table: 1 / 0, "layer function failed", "division", name="layer function that fails"),
    layer(lambda table: 99, "layer index 99", name="layer function out of range"),
]


def reshape(function: Any, name: str, *words: str, query: Any = "c2") -> Bad:
    return layer(query, *words, reshape=function, name=f"reshape {name}")


RESHAPES = [
    reshape(lambda a: None, "of nothing", "reshape= failed", "(1, 8, 8, 6)", "(N, *grid, K)"),
    reshape(lambda a: 1 / 0, "that fails", "reshape= failed", "division"),
    reshape(lambda a: "a", "of text", "reshape=", "string"),
    reshape(lambda a: a[:, 0, 0], "without grid", "shape (1, 6)", "(N, *grid, K)"),
    reshape(lambda a: tf.reshape(a, [-1, 6]), "without batch", "shape (64, 6)"),
    reshape(lambda a: tf.concat([a, a], 0), "twice the batch", "shape (2, 8, 8, 6)"),
    reshape(lambda a: a[:, :0], "empty", "shape (1, 0, 8, 6)"),
    reshape(lambda a: tf.cast(a, tf.complex64), "complex", "complex64"),
    reshape(lambda a: a, "without layer", "must be named", query="auto"),
    reshape(
        lambda a: tf.reshape(a, [-1, 1, 5, 1]),
        "of the answer",
        "does not depend on layer 'head'",
        query="head",
    ),
    Bad("reshape number", lambda w: w.explain(reshape=5), OptionTypeError, ("'reshape'", "5 (int)")),
    Bad(
        "reshape with AblationCAM",
        lambda w: w.explain(method="ablationcam", layer="c2", reshape=lambda a: a),
        LayerError,
        ("reshape=", "ScoreCAM"),
    ),
]


def model(value: Any, *words: str, name: str = "") -> Bad:
    call = value if callable(value) and name else (lambda w: value)
    return Bad(f"model {name or value!r}"[:40], lambda w: visioncam.explain(call(w), w.x), ModelError, words)


MODELS = [
    model(None, "None of type NoneType", "expected a Keras model"),
    model("m.keras", "'m.keras' of type str", "load_model"),
    model([1], "[1] of type list"),
    model(lambda w: keras.Model, "expected a Keras model", name="class"),
    model(lambda w: w.model.call, "expected a Keras model", "method", name="method"),
    model(lambda w: w.model.output, "KerasTensor", name="output"),
    model(lambda w: w.model.layers[1], "single layer 'c1' (Conv2D)", "layer=", name="layer"),
    model(lambda w: tf.function(lambda x: x), "expected a Keras model", name="tf.function"),
    model(
        lambda w: w.unbuilt, "'raw' has no weights yet", "call it once", "build(input_shape)", name="unbuilt"
    ),
    model(lambda w: Unbuilt(name="sub"), "'sub' has no weights yet", name="unbuilt subclass"),
    model(lambda w: w.fragile, "'fragile' cannot be called", "the cable is loose", name="that raises"),
    Bad(
        "assertion",
        lambda w: w.explain(w.x + 1, model=w.checked),
        ModelError,
        ("'checked' failed", "too bright"),
    ),
    Bad("layers of a number", lambda w: visioncam.layers(5), ModelError, ("5 of type int",)),
    Bad("card", lambda w: visioncam.set_model_card(w.model, 5), ModelError, ("ModelCard", "5")),
]


def method(value: Any, *words: str, error: type[Exception] = OptionTypeError, name: str = "") -> Bad:
    return Bad(name or f"method {value!r}"[:30], lambda w: w.explain(method=value), error, words)


METHODS = [
    method("gradcam2", "'gradcam2'", "did you mean 'gradcam'", "'ablationcam'", error=NameNotFoundError),
    method("", "unknown method ''", "'gradcam'", error=NameNotFoundError),
    method("x" * 500, "unknown method 'xxx", error=NameNotFoundError),
    method(None, "method must be a name", "None (NoneType)"),
    method(["gradcam"], "method must be a name", "['gradcam'] (list)"),
    method(visioncam.methods()[0].cls, "GradCAM is a class", "the ()", name="method class"),
    method(lambda e: 1, "<lambda>", "shape ()", "(1, 8, 8)", error=PluginError, name="method of a number"),
    method(lambda e: 1 / 0, "<lambda>", "ZeroDivisionError", error=PluginError, name="method that fails"),
    Bad(
        "no methods", lambda w: visioncam.compare(w.model, w.x, []), OptionTypeError, ("empty list", "'all'")
    ),
    Bad("methods number", lambda w: visioncam.compare(w.model, w.x, 5), OptionTypeError, ("5 (int)",)),
    Bad(
        "methods unknown",
        lambda w: visioncam.compare(w.model, w.x, ["gradcm"]),
        NameNotFoundError,
        ("'gradcam'",),
    ),
    Bad(
        "compare a stack", lambda w: visioncam.compare(w.model, w.x, target="top5"), TargetError, ("a stack",)
    ),
]


def keyword(
    name: str, value: Any, *words: str, error: type[Exception] = OptionError, method: str = "gradcam"
) -> Bad:
    label = f"{name}={value!r}"[:36]
    return Bad(label, lambda w: w.explain(method=method, **{name: value}), error, words)


SMOOTH = "smoothgradcamplusplus"
NAN = float("nan")
KEYWORDS = [
    keyword("targt", 1, "'targt'", "did you mean 'target'", error=OptionTypeError),
    keyword("layer_name", "c2", "'layer_name'", "'layer'", error=OptionTypeError),
    keyword("zzz", 1, "unknown keyword 'zzz'", "known:", error=OptionTypeError),
    keyword("x" * 300, 1, "unknown keyword 'xxx", error=OptionTypeError),
    keyword("n", 3, "unknown keyword 'n'", "option of smoothgradcamplusplus", error=OptionTypeError),
    keyword("n", 0, "'n'", "between 1 and", "received 0", method=SMOOTH),
    keyword("n", True, "'n'", "True (bool)", error=OptionTypeError, method=SMOOTH),
    keyword("n", 10**30, "'n'", "between 1 and", method=SMOOTH),
    keyword("sigma", NAN, "'sigma'", "finite", "nan", method=SMOOTH),
    keyword("sigma", -1, "'sigma'", "between 0 and", "-1", method=SMOOTH),
    keyword("sigma", "x", "'sigma'", "'x' (str)", error=OptionTypeError, method=SMOOTH),
    keyword("weights", "softmx", "'softmx'", "did you mean 'softmax'", method="scorecam"),
    keyword("normalize", None, "'normalize'", "None", error=OptionTypeError, method="ablationcam"),
    keyword("score", "x", "'score'", "'logit', 'probability'", "'x'"),
    keyword("score", None, "'score'", "None", error=OptionTypeError),
    keyword("evidence", "x", "'evidence'", "'for', 'against', 'signed'", "'x'"),
    keyword("batch_size", -1, "'batch_size'", "between 1 and", "-1"),
    keyword("batch_size", 0, "'batch_size'", "received 0"),
    keyword("batch_size", 1.5, "'batch_size'", "1.5 (float)", error=OptionTypeError),
    keyword("seed", -1, "'seed'", "between 0 and", "-1"),
    keyword("seed", None, "'seed'", "None", error=OptionTypeError),
    keyword("progress", 5, "progress must be", "5", error=OptionTypeError),
    keyword("output", "kindd", "no output 'kindd'", "'head'", error=TargetError),
    keyword("output", 1, "no output 1", "'head'", error=TargetError),
    keyword("output", -2, "no output -2", error=TargetError),
    keyword("output", True, "no output True", error=TargetError),
    keyword("output", "x" * 500, "no output 'xxx", error=TargetError),
    Bad(
        "target when made",
        lambda w: visioncam.explainer(w.model, target=3),
        OptionTypeError,
        ("target is not a keyword here", "(image, target)"),
    ),
    keyword("target", pathlib.Path("a"), "Path('a')", "not understood", error=TargetTypeError),
    keyword("target", pathlib.Path("a\0"), "not understood", error=TargetTypeError),
    keyword("output", tf.constant(1.0), "no output", error=TargetError),
    keyword("layer", np.zeros(0), "layer=array([]", "not understood", error=LayerError),
    keyword("layer", tf.constant(1.0), "not understood", error=LayerError),
    keyword("geometry", visioncam.geometry.CenterCrop, "is a class", "()", error=OptionTypeError),
    keyword("preprocess", int, "is a class", error=OptionTypeError),
    keyword("progress", "x" * 500, "progress must be", error=OptionTypeError),
    Bad("layers layer", lambda w: visioncam.layers(w.model, layer="zz"), LayerError, ("no layer 'zz'",)),
    Bad("layers dense", lambda w: visioncam.layers(w.model, layer="head"), LayerError, ("'head'", "'c2'")),
    Bad("layers list", lambda w: visioncam.layers(w.model, layer=[]), LayerError, ("layer=[]",)),
    Bad("layers unknown", lambda w: visioncam.layers(w.model, zz=1), OptionTypeError, ("'zz'",)),
    Bad("simplify", lambda w: w.explanation.contours(simplify=1e30), OptionError, ("simplify", "1e+30")),
    Bad("min_area", lambda w: w.explanation.boxes(min_area="x" * 500), OptionError, ("min_area", "'xxx")),
    Bad("layers keyword", lambda w: visioncam.layers(w.model, outptu=1), OptionTypeError, ("'output'",)),
    Bad("layers image", lambda w: visioncam.layers(w.model, "no.png"), ImageNotFoundError, ("'no.png'",)),
    Bad("layers shape", lambda w: visioncam.layers(w.model, np.ones((3, 3))), ImageError, ("(3, 3)",)),
]


def render(renderer: Any, *words: str, error: type[Exception], name: str = "", **options: Any) -> Bad:
    label = name or f"render {renderer!r} {options or ''}"[:40]
    return Bad(label, lambda w: w.explanation.render(renderer, **options), error, words)


RENDERERS = [
    render("overlai", "'overlai'", "did you mean 'overlay'", error=NameNotFoundError),
    render(None, "renderer must be a name", "None", error=OptionTypeError),
    render("overlay", "'alpha'", "between 0 and 1", "2", error=OptionError, alpha=2),
    render("overlay", "'alpha'", "finite", "nan", error=OptionError, alpha=NAN),
    render("overlay", "no option 'alpah'", "'alpha'", error=OptionTypeError, alpah=0.5),
    render("heatmap", "colormap 'zz'", "'viridis'", error=NameNotFoundError, colormap="zz"),
    render(lambda e: 1, "returned 1", "(H, W, 3)", error=PluginError, name="render of a number"),
    render(lambda e: np.zeros((3, 3)), "(3, 3)", "uint8", error=PluginError, name="render of a float array"),
    Bad("the old render", lambda w: visioncam.render(5), NameNotFoundError, ("is now e.render(renderer",)),
    Bad("the old describe", lambda w: visioncam.describe(5, 5), NameNotFoundError, ("set_model_card(model",)),
]


def save(path: Any, *words: str, error: type[Exception] = OutputError) -> Bad:
    def call(w: World) -> Any:
        return w.explanation.save(path(w) if callable(path) else path)

    return Bad(f"save {words[0]}"[:40], call, error, words)


PATHS = [
    save(None, "a path is text", "None of type NoneType", error=OptionTypeError),
    save(b"x.png", "b'x.png' of type bytes", error=OptionTypeError),
    save("a\0.png", "null character"),
    save("\ud800.png", "cannot be written"),
    Bad("sheet to None", lambda w: w.comparison.save(None), OptionTypeError, ("None of type NoneType",)),
    Bad("load None", lambda w: visioncam.load(None), ImageTypeError, ("None of type NoneType",)),
    Bad("load null", lambda w: visioncam.load("a\0"), ImageError, ("null character",)),
    Bad("plugin null", lambda w: visioncam.load_plugin("a\0"), PluginError, ("null character",)),
    Bad("comparison of None", lambda w: w.comparison[None], NameNotFoundError, ("name or position", "None")),
    save(lambda w: w.folder / "none" / "x.png", "does not exist", "Make the folder"),
    save(lambda w: w.file("f", "") / "x.png", "not a folder"),
    save(lambda w: w.folder / "x.tiff", "'.tiff'", ".png"),
    save(lambda w: w.folder / "x", "no suffix", ".png"),
    save("/proc/x.png", "'/proc'", "permissions"),
    save(lambda w: w.folder / ("y" * 300 + ".png"), "yyy", "name too long"),
]

CALLS = [*LAYERS, *RESHAPES, *MODELS, *METHODS, *KEYWORDS, *RENDERERS, *PATHS]
