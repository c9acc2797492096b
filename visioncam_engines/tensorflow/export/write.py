"""Writing the one graph in a format, and what runs it then."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from typing import Any

from visioncam_core.engine.export import ExportPlan, Written
from visioncam_core.errors import ModelError
from visioncam_core.text import error_text
from visioncam_engines.exported import onnx_file
from visioncam_engines.exported.metadata import SAVED_MODEL
from visioncam_engines.tensorflow.export import tflite
from visioncam_engines.tensorflow.export.graph import function_of
from visioncam_engines.tensorflow.export.lowering import lowered
from visioncam_engines.tensorflow.export.save import quiet, save


def write(plan: ExportPlan) -> Written:
    """Write the file of a plan; see `EngineDefaults.export`."""
    if plan.format not in _WRITERS:
        raise ModelError(f"a Keras model becomes .tflite, .onnx or a SavedModel, not {plan.path.suffix!r}")
    return _WRITERS[plan.format](plan, function_of(plan).get_concrete_function())


def _saved(plan: ExportPlan, concrete: Any) -> Written:
    import tensorflow as tf

    save(concrete, plan.path)
    beside = plan.path / SAVED_MODEL
    beside.parent.mkdir(exist_ok=True)
    beside.write_text(json.dumps(plan.metadata), encoding="utf-8")
    serve = tf.saved_model.load(os.fspath(plan.path)).signatures["serving_default"]
    run: Callable[..., Any] = lambda given: {  # noqa: E731
        name: value.numpy() for name, value in serve(**{k: tf.constant(v) for k, v in given.items()}).items()
    }
    return Written(run, f"TensorFlow {tf.__version__}", batch=not plan.view.exact)


def _onnx(plan: ExportPlan, concrete: Any) -> Written:
    onnx_file.require("tf2onnx")
    import tf2onnx

    concrete = lowered(concrete, "onnx")
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the converter's own calls
        names = {one.name: name for one, name in zip(concrete.inputs, plan.taken, strict=True)}
        names |= {one.name: name for one, name in zip(concrete.outputs, sorted(plan.outputs), strict=True)}
        try:
            made, _ = tf2onnx.convert.from_graph_def(
                concrete.graph.as_graph_def(),
                input_names=[one.name for one in concrete.inputs],
                output_names=[one.name for one in concrete.outputs],
                opset=onnx_file.OPSET,
                custom_op_handlers={"SelectV2": (_where, [])},
            )
        except Exception as error:
            raise ModelError(f"the model cannot become an ONNX file: {error_text(error)}") from error
    onnx_file.save(plan.path, made, names, plan.outputs, plan.metadata)
    run, runtime = onnx_file.runner(plan.path)
    return Written(run, runtime, onnx_file.OPSET, not plan.view.exact)


def _where(graph: Any, node: Any, name: str, arguments: Any) -> None:
    """Make a choice ONNX's own; tf2onnx makes two products of it, and infinity times 0 is no number."""
    node.type = "Where"


_WRITERS: dict[str, Callable[[ExportPlan, Any], Written]] = {
    "savedmodel": _saved,
    "tflite": tflite.write,
    "onnx": _onnx,
}
