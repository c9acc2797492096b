"""The facade: a few functions over the core, with the built-in plugins."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

import attrs

from visioncam_core.engine import cache
from visioncam_core.images.decode import MAX_PIXELS
from visioncam_core.layers.listing import LayerListing
from visioncam_core.pipeline.compare import compare_all
from visioncam_core.pipeline.doctor import Report, examine
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.models import open_model
from visioncam_core.pipeline.request import Request, several_layers, several_methods, side_by_side
from visioncam_core.pipeline.settings import Settings
from visioncam_core.plugins.default import BUILTINS, load_plugin, methods, plugins, registry, renderers
from visioncam_core.results.comparison import Comparison, Comparisons
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.load import load as read

__all__ = [
    "BUILTINS", "compare", "doctor", "explain", "explainer", "forget", "layers", "load", "load_model",
    "load_plugin", "methods", "plugins", "registry", "renderers",
]  # fmt: skip


def explain(
    model: Any,
    image: Any,
    method: str | object = "gradcam",
    *,
    target: Any = None,
    layer: Any = "auto",
    fuse: Literal["mean", "max"] = "mean",
    placement: Literal["stretched", "receptive", "effective"] = "effective",
    score: Literal["logit", "probability"] = "logit",
    output: str | int | None = None,
    evidence: Literal["for", "against", "signed"] = "for",
    preprocess: Any = "auto",
    geometry: Any = None,
    window: tuple[float, float] | None = None,
    frame: int = 0,
    max_pixels: int = MAX_PIXELS,
    class_names: Any = None,
    reshape: Callable[[Any], Any] | None = None,
    batch_size: int | None = None,
    max_memory: int | None = None,
    seed: int = 0,
    engine: str | None = None,
    progress: Any = None,
    **method_options: Any,
) -> Explanation | list[Explanation]:
    """Explain why a model decides as it does.

    Args:
        model: a PyTorch module or a built Keras model; it is not changed.
        image: a *picture* (path, bytes, Pillow image, uint8 array (H, W) or (H, W, C)), which is fitted and
            preprocessed; or *model input* (float array or tensor, with or without batch axis), used as it
            is; or a list of either.  For a model of videos or volumes the frames are the picture: a GIF, a
            TIFF of several pages, a list of pictures, uint8 (T, H, W, C).  For several inputs, a list,
            tuple or dict in the form the model takes.
        method: a name of `visioncam.methods()`, or a method object such as `ScoreCAM(weights="probability")`.
        target: what to explain: None for the top class, an index, a class name, an object of
            `visioncam.targets`, a function of the outputs, or a list with one for each picture.
        layer: name, path, index into `visioncam.layers(model)`, `"re:…"`, a layer object, a function of
            the table, or `"auto"`; a list of these fuses several layers.
        fuse: how the maps of several layers are combined, see `visioncam_core.pipeline.fusion`.
        placement: where the positions of the layer lie on the picture: "effective", where the weights of its
            kernels look; "receptive", where kernels, strides and padding alone put them; "stretched", evenly
            over all of it.  See docs/methods.md.
        score: "logit" (before softmax or sigmoid, found in the model) or "probability".
        output: name or index of the output to explain; the first by default.
        evidence: "for" shows the evidence for the target, "against" the evidence against it, "signed" both.
        preprocess: "auto", "none", "unit", "tf", "torch", "caffe", "imagenet", or a function of a
            (N, h, w, C) float32 batch of 0..255.  Only pictures are preprocessed.
        geometry: "resize", "center_crop", "letterbox", "tile" (overlapping windows at full resolution), or
            an object of `visioncam.geometry`.
        window: (low, high), the values that become black and white, 0 and 255 before `preprocess`; what lies
            outside is clipped.  With it an array of any type is a picture.
        frame: which picture of an animated file, or of one with several pages or slices, from 0.
        max_pixels: a picture file with more pixels is refused, before it is decoded.
        class_names: a list of names, or a JSON or text file with them, or a mapping of either direction.
        reshape: your own `(N, ...) -> (N, *grid, K)` if the layer's spatial axes are not found.
        batch_size: pictures per pass, 32 by default (8 of those that Score-CAM changes, on a CPU); halved
            when memory runs out.
        max_memory: megabytes that one batch of changed pictures may need, 300 by default; ScoreCAM and
            AblationCAM choose their batch size by it, if `batch_size` is not given.
        seed: seed of the method's random numbers.
        engine: name of the engine that runs the model, if several could; `visioncam plugins` lists them.
        progress: True for a progress bar, or a function of (done, total).
        **method_options: the method's options, see `visioncam.methods()`.

    Returns:
        One `Explanation` for one image; a list of N for a batch or a list, even if N is 1.

    Raises:
        VisionCamError: one of its kinds, naming the value received and the fix.
    """
    given = locals()
    keywords = {field.name: given[field.name] for field in attrs.fields(Settings)} | method_options
    with _steady(model, engine):
        return explainer(model, method, **keywords)(image, target)


def explainer(model: Any, method: str | object = "gradcam", **keywords: Any) -> Explainer:
    """Return an explainer, which explains many images of one model: `explainer(...)(image, target)`.

    Args:
        model: a PyTorch module or a built Keras model.
        method: as in `explain`.
        **keywords: the keywords of `explain` but `target`, and the method's options.
    """
    return Explainer.of(model, Request.of([method], keywords))


def compare(
    model: Any,
    image: Any,
    methods: str | Sequence[str | object] | None = None,
    *,
    method: str | object | None = None,
    target: Any = None,
    targets: Any = None,
    layers: Sequence[Any] | None = None,
    **keywords: Any,
) -> Comparison | Comparisons:
    """Explain with several methods, evidence computed once; also several classes, layers and pictures.

    Args:
        model: a PyTorch module or a built Keras model.
        image: as in `explain`; a batch or list gives a list of comparisons.
        methods: a list of names and objects; "all", the default, for the nine built-in methods and those of
            plugins.
        method: one of them; the same as a list of one.
        target: as in `explain`.
        targets: several of them, each compared for every picture: a list, or "top2" to "top5".
        layers: several layers, each compared by itself (`layer=[...]` fuses them).
        **keywords: the other keywords of `explain`; method options go to the methods that have them.

    Returns:
        One `Comparison` for one image, class and layer.  Otherwise a list of them, picture by picture, with
        `sheet` and `save` of its own: `Comparisons`.
    """
    with _steady(model, keywords.get("engine")):
        every, places = side_by_side("target", target, targets), several_layers(layers, keywords)
        ready = Explainer.of(model, Request.of(several_methods(method, methods), keywords))
        if targets is None and places is None:
            found = ready.compare(image, target)
            return Comparisons(found, 1) if isinstance(found, list) else found
        return compare_all(ready, image, every if every is not None else [None], places)


def layers(model: Any, image: Any = None, **keywords: Any) -> LayerListing:
    """Return the layers of a model that can be explained, and which one `"auto"` takes.

    Args:
        model: a PyTorch module or a built Keras model.
        image: a picture or model input, for models whose size is open; blank 224 pixels otherwise.
        **keywords: `output`, `score`, `layer` of `explain`.
    """
    view, choice = Explainer.of(model, Request.of([], keywords)).layers(image)
    return LayerListing(view.table, choice)


def doctor(
    model: Any, image: Any, method: str | object = "gradcam", *, target: Any = None, **keywords: Any
) -> Report:
    """Return a health report: model, head, score, layer, input range, gradient flow, map, suggested call.

    Args:
        model: a PyTorch module or a built Keras model.
        image: one picture or model input.
        method: as in `explain`.
        target: as in `explain`.
        **keywords: the other keywords of `explain`, and the method's options.
    """
    return examine(explainer(model, method, **keywords), image, target)


def load(path: str | os.PathLike[str]) -> Explanation:
    """Return the explanation that `explanation.save("x.npz")` wrote: the same arrays, ready to render.

    Nothing in the file is run, so an untrusted file does no harm.

    Args:
        path: the `.npz` file.

    Raises:
        ImageError: no such file, or not an explanation.
    """
    return read(path)


def load_model(
    path: str | os.PathLike[str] | None = None,
    *,
    weights: str | os.PathLike[str] | None = None,
    sha256: str | None = None,
    custom_objects: Sequence[str] = (),
    unsafe: bool = False,
    trust_savedmodel: bool = False,
) -> Any:
    """Return the model that the command line's `--model` names; a file may be from anybody.

        model = visioncam.load_model("m.onnx")

    Args:
        path: a file; `library:network`; `http://host:8501/v1/models/NAME`; `package.module:function`; the
            embedded model by default.
        weights: a file with the weights for a named network.
        sha256: checksum that the file must have.
        custom_objects: Python modules with the classes that a Keras file needs.
        unsafe: take a file that could run code or fill the memory.
        trust_savedmodel: take the folder of a SavedModel, which is a program.

    Raises:
        UnsafeModelError: the file could run code, fill the memory or read other files.
        ModelError: there is no such model, or it cannot be read.
    """
    return open_model(
        path, weights=weights, sha256=sha256, custom_objects=custom_objects, unsafe=unsafe,
        trust_savedmodel=trust_savedmodel,
    )  # fmt: skip


def forget(model: Any) -> None:
    """Drop everything cached for a model: its traces and their memory."""
    cache.forget(model)


def _steady(model: Any, engine: str | None) -> AbstractContextManager[None]:
    """Return a block in which the model is checked for changes only once."""
    return cache.steady(registry().engine_of(model, engine), model)
