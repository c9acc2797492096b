"""`visioncam.export`: a model and its map, in one file of a format that needs no VisionCam."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal

import attrs
import numpy as np

from visioncam.exporting.check import PICTURES, check, named, refuse_if_off
from visioncam.exporting.draw import drawing
from visioncam.exporting.metadata import metadata_of
from visioncam.exporting.result import Exported
from visioncam_core.engine import cache
from visioncam_core.engine.defaults import EngineDefaults
from visioncam_core.engine.export import INPUT, ExportPlan
from visioncam_core.engine.output import Head
from visioncam_core.errors import (
    GradientError,
    LayerError,
    ModelError,
    OptionError,
    OutputError,
    VisionCamError,
)
from visioncam_core.files import as_path, check_folder
from visioncam_core.images.geometry import Tile, geometry_named
from visioncam_core.images.sample import Sample
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request
from visioncam_core.resize import resize
from visioncam_core.targets.resolve import target_specs
from visioncam_core.text import brief, listing

FORMATS = {
    ".tflite": "tflite", ".onnx": "onnx", ".pt2": "pt2", "": "savedmodel", ".savedmodel": "savedmodel",
    ".saved_model": "savedmodel",
}  # fmt: skip
METHODS = (
    "gradcam", "hirescam", "xgradcam", "gradcamplusplus", "gradcamelementwise", "respondcam", "layercam",
    "eigencam",
)  # fmt: skip
"""Those of one pass over a layer."""
OUTPUTS = ("probabilities", "logits", "heatmap", "raw")


def export(
    model: Any,
    path: str | os.PathLike[str],
    method: str | object = "gradcam",
    *,
    layer: Any = "auto",
    target: Any = None,
    outputs: Sequence[str] = ("probabilities", "heatmap"),
    size: tuple[int, ...] | Literal["input"] | None = None,
    quantize: Any = None,
    at_least: float = 0.9,
    pictures: Any = None,
    placement: Literal["stretched", "receptive", "effective"] = "effective",
    score: Literal["logit", "probability"] = "logit",
    output: str | int | None = None,
    evidence: Literal["for", "against", "signed"] = "for",
    preprocess: Any = "auto",
    geometry: Any = None,
    class_names: Any = None,
    engine: str | None = None,
    **method_options: Any,
) -> Exported:
    """Write a model into a file that answers with its probabilities and the map of the class.

    The file is run on three pictures, in its own runtime, before it is put in place: one whose maps are not
    those of `explain` is not written.

    Args:
        model: a PyTorch module, or a built Keras model on TensorFlow or PyTorch; it is not changed.
        path: `cat.tflite` (Keras), `cat.pt2` (PyTorch), `cat.onnx`; a name without suffix, or one ending in
            `.savedmodel`, is the folder of a SavedModel (Keras), which must not exist.
        method: gradcam, hirescam, xgradcam, gradcamplusplus, gradcamelementwise, respondcam, layercam or
            eigencam, or a method object of these.
        layer: as in `explain`; one layer.
        target: None for the top class of each picture, an index, a class name, or "input": the file takes a
            further input "target", (N,) int32, of class indices, in which -1 is the top class.
        outputs: in this order: "probabilities", "logits", "heatmap" (0 to 1), "raw" (the signed map).
        size: (h, w) of the heat map, "input" for that of the model's input; the layer's grid by default.
        quantize: pictures, a hundred or so, with which a TFLite file is calibrated that computes in int8.
        at_least: least rank correlation with `explain` at which the file is written.
        pictures: those to run the file on; of `quantize`, or made up, by default.
        placement: as in `explain`; where the grid's positions lie on a heat map with a `size`.
        score: as in `explain`.
        output: as in `explain`.
        evidence: as in `explain`.
        preprocess: as in `explain`: what the file says is to be done to a picture; it is not in the graph.
        geometry: as in `explain`, likewise.
        class_names: as in `explain`.
        engine: as in `explain`.
        **method_options: as in `explain`.

    Raises:
        VisionCamError: one of its kinds, naming the value received and the fix.
    """
    settings = {
        "layer": layer, "placement": placement, "score": score, "output": output, "evidence": evidence,
        "preprocess": preprocess, "geometry": geometry, "class_names": class_names, "engine": engine,
    }  # fmt: skip
    place, kind = place_of(path)
    wanted = tuple(outputs)
    _check_outputs(wanted, at_least)
    if quantize is not None and kind != "tflite":
        raise OptionError(
            f"quantize= makes an int8 TFLite file, and {place.name!r} is none; end it in .tflite"
        )
    explainer = Explainer.of(model, Request.of([method], {**settings, **method_options}))
    if isinstance(geometry_named(explainer.reader.geometry), Tile):
        raise OptionError("geometry='tile' takes a pass for each window; pass 'resize' or 'letterbox'")
    name = explainer.methods[0].name
    if name not in METHODS:
        raise OptionError(
            f"method {name!r} cannot be exported: it takes more than one pass; {listing(METHODS)} can"
        )
    with cache.steady(explainer.engine, model):
        calibration = [] if quantize is None else _read(explainer, quantize)
        shown = _read(explainer, pictures) if pictures is not None else calibration or _made_up(explainer)

        def planned(explainer: Explainer) -> tuple[ExportPlan, Head]:
            plan, head = _plan(explainer, kind, target, wanted, size, shown[0])
            return attrs.evolve(plan, samples=[_calibrating(plan, one) for one in calibration]), head

        return _written(planned, place, explainer, shown, at_least)


def place_of(path: Any) -> tuple[Path, str]:
    place = as_path(path, OutputError, OutputError)
    kind = FORMATS.get(place.suffix.lower())
    if kind is None:
        raise OutputError(
            f"cannot export to {place.name!r}: end it in .tflite, .onnx or .pt2, or in nothing for the "
            "folder of a SavedModel"
        )
    check_folder(place.parent)
    if not place.parent.is_dir():
        raise OutputError(f"cannot write into {str(place.parent)!r}: there is no such folder; make it first")
    if place.is_dir() or (kind == "savedmodel" and place.exists()):
        raise OutputError(f"{str(place)!r} exists already; remove it, or choose another name")
    return place, kind


def _check_outputs(outputs: tuple[str, ...], at_least: float) -> None:
    wrong = [one for one in outputs if one not in OUTPUTS]
    if wrong or len(set(outputs)) != len(outputs) or not {"heatmap", "raw"} & set(outputs):
        raise OptionError(
            f"outputs={brief(outputs, 60)}: pass some of {listing(OUTPUTS)}, each once, with a map among them"
        )
    if not -1 <= at_least <= 1:
        raise OptionError(f"at_least={at_least!r} is a rank correlation, between -1 and 1")


def _read(explainer: Explainer, pictures: Any) -> list[Sample]:
    found = [part for one in explainer.reader.read(pictures)[0] for part in one.parts()]
    if not found:
        raise OptionError("there are no pictures; pass at least one")
    return found


def _made_up(explainer: Explainer) -> list[Sample]:
    """Return three pictures of soft blobs and noise."""
    if len(explainer.inputs.inputs) > 1:
        raise OptionError("the model has several inputs; pass pictures= to run the file on")
    random = np.random.default_rng(0)
    shape = explainer.inputs.image_shape or (None, None, 3)
    *space, channels = (*shape[1:], shape[0]) if explainer.inputs.channels_first else shape
    sides = [n or 224 for n in space]
    found: list[np.ndarray] = []
    for _ in range(PICTURES):
        if len(sides) == 2:
            soft = np.moveaxis(resize(random.uniform(0, 255, (3, 6, 6)), tuple(sides)), 0, -1)
            noisy = soft + random.normal(0, 12, soft.shape)
            found.append(np.clip(noisy, 0, 255).astype(np.uint8))
        else:
            values = random.normal(0, 1, (*sides, channels or 1)).astype(np.float32)
            found.append(np.moveaxis(values, -1, 0) if explainer.inputs.channels_first else values)
    return _read(explainer, found)


def _plan(
    explainer: Explainer, kind: str, target: Any, outputs: tuple[str, ...], size: Any, sample: Sample
) -> tuple[ExportPlan, Head]:
    settings, batch = explainer.settings, explainer.batch([sample], [0])
    if len(batch.layers) != 1:
        raise LayerError(f"layer={brief(settings.layer)}: a file maps one layer; pass one")
    if len(batch.view.score.shape) > 2:
        raise ModelError(
            f"the output {batch.view.score.output!r} has a value at every position; a file explains one "
            "class of a picture: end the model with a mean over the positions"
        )
    probable = explainer.with_settings(score="probability").batch([sample], [0]).view
    head, (choice,) = batch.head, batch.layers
    index = _target(target, head)
    names = tuple(_name(one.name) for one in explainer.inputs.inputs)
    shapes = tuple(tuple(int(n) for n in x.shape[1:]) for x in sample.flat)
    space = batch.view.table.image_shape
    sides = _size(size, space, choice.row.grid)
    method = explainer.methods[0]
    maps = {"raw": list(choice.row.grid), "heatmap": list(sides or choice.row.grid)}
    answers = {one: maps.get(one, []) for one in outputs}
    plan = ExportPlan(
        kind, Path(), batch.view, probable, choice,
        drawing(method.method, settings.evidence, choice, space, sides),
        "gradients" in method.needs, index, outputs, names, shapes,
        metadata_of(explainer, choice, head, index, names, shapes, answers, sides),
    )  # fmt: skip
    return plan, head


def _name(name: str) -> str:
    return "".join(one if one.isalnum() else "_" for one in name) if not name.isdigit() else f"input_{name}"


def _target(target: Any, head: Head) -> int | None:
    if isinstance(target, str) and target == "input":
        return INPUT
    (spec,) = target_specs(target, 1, head)
    if not isinstance(spec, int):
        raise OptionError(f"target={brief(target, 60)}: a file explains the top class, one class, or 'input'")
    return spec


def _size(size: Any, space: tuple[int, ...], grid: tuple[int, ...]) -> tuple[int, ...] | None:
    if size is None:
        return None
    if isinstance(size, str) and size == "input":
        return tuple(space)
    whole = (
        isinstance(size, Sequence)
        and not isinstance(size, str)
        and all(isinstance(n, int) and 0 < n <= 1 << 14 for n in size)
    )
    if not whole or len(size) != len(grid):
        raise OptionError(
            f"size={brief(size, 40)}: pass {len(grid)} whole numbers above 0, as (224, 224), 'input', or "
            f"None for the layer's own grid, {grid}"
        )
    return tuple(size)


def _calibrating(plan: ExportPlan, sample: Sample) -> dict[str, np.ndarray]:
    given = named(plan, sample)
    return given | ({"target": np.asarray([-1], np.int32)} if plan.target is INPUT else {})


Planned = Callable[[Explainer], tuple[ExportPlan, Head]]


def _written(
    planned: Planned, place: Path, explainer: Explainer, shown: list[Sample], at_least: float
) -> Exported:
    """Write the file to a temporary place beside its own, check it, and move it."""
    plan, head = planned(explainer)
    engine: Any = explainer.engine
    write = getattr(engine, "export", None) or partial(EngineDefaults.export, engine)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".visioncam-") as folder:
        plan = attrs.evolve(plan, path=Path(folder, place.name))
        try:
            made = write(plan)
        except GradientError as error:
            later = _later(write, planned, explainer, plan)
            where = f"layer={later!r} works" if later else "no later layer works"
            raise GradientError(f"{place.name} at {plan.choice.path}: {error}; {where}") from error
        found = check(plan, made.run, explainer, head, shown)
        most = None if plan.samples else 1e-3
        refuse_if_off(found, at_least, most, place.name)
        files = [
            one for one in (plan.path.rglob("*") if plan.path.is_dir() else [plan.path]) if one.is_file()
        ]
        size = sum(one.stat().st_size for one in files)
        try:
            shutil.move(plan.path, place) if plan.path.is_dir() else os.replace(plan.path, place)
        except OSError as error:
            raise OutputError(f"cannot write {str(place)!r}: {error.strerror or error}") from error
    return Exported(
        place, plan.format, size, plan.choice.path, found.error, found.correlation, found.same_class,
        made.runtime, made.opset, made.batch, bool(plan.samples), plan.metadata,
    )  # fmt: skip


def _later(write: Any, planned: Planned, explainer: Explainer, plan: ExportPlan) -> str:
    """Return the nearest later layer with which a file can be written; "" where there is none."""
    rows = plan.view.table.candidates
    for row in rows[1 + [one.path for one in rows].index(plan.choice.path) :]:
        with suppress(VisionCamError), tempfile.TemporaryDirectory(dir=plan.path.parent) as folder:
            other = planned(explainer.with_settings(layer=row.path))[0]
            write(attrs.evolve(other, path=Path(folder, plan.path.name)))
            return row.path
    return ""
