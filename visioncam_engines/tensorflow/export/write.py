"""Writing the one graph in a format, and running what was written."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from visioncam_core.engine.export import ASKED, ExportPlan, Written
from visioncam_core.errors import ModelError
from visioncam_core.text import error_text
from visioncam_engines.exported import onnx_file, tflite_file
from visioncam_engines.exported.metadata import SAVED_MODEL
from visioncam_engines.tensorflow.export.graph import function_of
from visioncam_engines.tensorflow.export.lowering import lowered

_LACKS = re.compile(r"^(?:TF Select|Custom|Flex) ops: (.+)$", re.MULTILINE)


def write(plan: ExportPlan) -> Written:
    """Write the file of a plan; see `EngineDefaults.export`."""
    if plan.format not in _WRITERS:
        raise ModelError(f"a Keras model becomes .tflite, .onnx or a SavedModel, not {plan.path.suffix!r}")
    return _WRITERS[plan.format](plan, function_of(plan).get_concrete_function())


def _saved(plan: ExportPlan, concrete: Any) -> Written:
    import tensorflow as tf

    _save(concrete, plan.path)
    beside = plan.path / SAVED_MODEL
    beside.parent.mkdir(exist_ok=True)
    beside.write_text(json.dumps(plan.metadata), encoding="utf-8")
    serve = tf.saved_model.load(os.fspath(plan.path)).signatures["serving_default"]
    run: Callable[..., Any] = lambda given: {  # noqa: E731
        name: value.numpy() for name, value in serve(**{k: tf.constant(v) for k, v in given.items()}).items()
    }
    return Written(run, f"TensorFlow {tf.__version__}", batch=not plan.view.exact)


def _save(concrete: Any, path: Path) -> None:
    import tensorflow as tf

    with _quiet():
        tf.saved_model.save(tf.Module(), os.fspath(path), signatures=concrete)


def _tflite(plan: ExportPlan, concrete: Any) -> Written:
    import tensorflow as tf

    try:
        found = _converted(plan, lowered(concrete, "tflite"))
    except Exception as error:
        lacking = _lacking(error)
        if not lacking & {"Erf", "Erfc"}:
            raise _refusal(error) from error
        try:
            found = _converted(plan, lowered(concrete, "tflite", every=True))
        except Exception as second:
            raise _refusal(second) from second
    plan.path.write_bytes(found)
    tflite_file.add_metadata(plan.path, plan.metadata)
    run, runtime = tflite_file.runner(plan.path)
    return Written(run, runtime, batch=not plan.view.exact)


def _converted(plan: ExportPlan, concrete: Any) -> bytes:
    import tensorflow as tf

    with tempfile.TemporaryDirectory(dir=plan.path.parent) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the converter's own calls
        _save(concrete, Path(folder))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if plan.samples:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: iter(plan.samples)
        found: bytes = converter.convert()
        return found


def _lacking(error: Exception) -> set[str]:
    """Return the types of operations that the converter names as missing."""
    return {name for line in _LACKS.findall(str(error)) for name in line.replace(" ", "").split(",")}


def _refusal(error: Exception) -> ModelError:
    lacking = sorted(_lacking(error))
    why = f"TFLite has no {', '.join(lacking)}" if lacking else error_text(error)
    return ModelError(
        f"the model cannot become a TFLite file of TFLite's own operations: {why}; .onnx or a SavedModel may do"
    )


def _onnx(plan: ExportPlan, concrete: Any) -> Written:
    onnx_file.require("tf2onnx")
    import tf2onnx

    concrete = lowered(concrete, "onnx")
    with _quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the converter's own calls
        names = {one.name: name for one, name in zip(concrete.inputs, _taken(plan), strict=True)}
        names |= {one.name: name for one, name in zip(concrete.outputs, sorted(plan.outputs), strict=True)}
        try:
            made, _ = tf2onnx.convert.from_graph_def(
                concrete.graph.as_graph_def(),
                input_names=[one.name for one in concrete.inputs],
                output_names=[one.name for one in concrete.outputs],
                opset=onnx_file.OPSET,
            )
        except Exception as error:
            raise ModelError(f"the model cannot become an ONNX file: {error_text(error)}") from error
    onnx_file.save(plan.path, made, names, plan.outputs, plan.metadata)
    run, runtime = onnx_file.runner(plan.path)
    return Written(run, runtime, onnx_file.OPSET, not plan.view.exact)


def _taken(plan: ExportPlan) -> list[str]:
    return [*plan.inputs, *(["target"] if plan.target is ASKED else [])]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep TensorFlow's and the converter's words about what is not the user's to change to themselves."""
    loggers = [logging.getLogger(name) for name in ("tensorflow", "tf2onnx")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)


_WRITERS: dict[str, Callable[[ExportPlan, Any], Written]] = {
    "savedmodel": _saved,
    "tflite": _tflite,
    "onnx": _onnx,
}
