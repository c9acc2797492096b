"""Writing the one graph in a format, and running what was written."""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from visioncam_core.engine.export import ExportPlan, Written
from visioncam_core.errors import ModelError
from visioncam_core.text import error_text
from visioncam_engines.exported import onnx_file, tflite_file
from visioncam_engines.exported.metadata import SAVED_MODEL
from visioncam_engines.tensorflow.export.graph import function_of

_LACKS = re.compile(r"tf\.(\w+)\b|'tf\.(\w+)'|Op type not registered '(\w+)'")
_BUILT_IN = "a TFLite file that any runtime opens holds TFLite's own operations alone"


def write(plan: ExportPlan) -> Written:
    """Write the file of a plan; see `EngineDefaults.export`."""
    import tensorflow as tf

    if plan.format not in _WRITERS:
        raise ModelError(f"a Keras model becomes .tflite, .onnx or a SavedModel, not {plan.path.suffix!r}")
    module = tf.Module()
    module.serve = function_of(plan)
    concrete = module.serve.get_concrete_function()
    return _WRITERS[plan.format](plan, module, concrete)


def _saved(plan: ExportPlan, module: Any, concrete: Any) -> Written:
    import tensorflow as tf

    _save(module, concrete, plan.path)
    beside = plan.path / SAVED_MODEL
    beside.parent.mkdir(exist_ok=True)
    beside.write_text(json.dumps(plan.metadata), encoding="utf-8")
    serve = tf.saved_model.load(os.fspath(plan.path)).signatures["serving_default"]
    run: Callable[..., Any] = lambda given: {  # noqa: E731
        name: value.numpy() for name, value in serve(**{k: tf.constant(v) for k, v in given.items()}).items()
    }
    return Written(run, f"TensorFlow {tf.__version__}", batch=not plan.view.exact)


def _save(module: Any, concrete: Any, path: Path) -> None:
    import tensorflow as tf

    level = logging.getLogger("tensorflow").level
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # that there is no layer to save, and where it is saved
    try:
        tf.saved_model.save(module, os.fspath(path), signatures=concrete)
    finally:
        logging.getLogger("tensorflow").setLevel(level)


def _tflite(plan: ExportPlan, module: Any, concrete: Any) -> Written:
    import tensorflow as tf

    with tempfile.TemporaryDirectory(dir=plan.path.parent) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the converter's own calls
        _save(module, concrete, Path(folder))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if plan.samples:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: iter(plan.samples)
        try:
            found = converter.convert()
        except Exception as error:
            lacking = sorted({name for one in _LACKS.findall(str(error)) for name in one if name})
            why = f"it has no {', '.join(lacking[:5])}" if lacking else error_text(error)
            raise ModelError(f"the model cannot become a TFLite file: {why}; {_BUILT_IN}") from error
    plan.path.write_bytes(found)
    tflite_file.add_metadata(plan.path, plan.metadata)
    run, runtime = tflite_file.runner(plan.path)
    return Written(run, runtime, batch=not plan.view.exact)


def _onnx(plan: ExportPlan, module: Any, concrete: Any) -> Written:
    onnx_file.require()
    raise NotImplementedError


_WRITERS: dict[str, Callable[[ExportPlan, Any, Any], Written]] = {
    "savedmodel": _saved,
    "tflite": _tflite,
    "onnx": _onnx,
}
