"""TFLite files of built-in operations, in float32 or int8."""

from __future__ import annotations

import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

from visioncam_core.engine.export import ExportPlan, Written
from visioncam_core.errors import ModelError
from visioncam_core.text import error_text
from visioncam_engines.exported import tflite_file
from visioncam_engines.tensorflow.export.graph import MAP, SLOPE
from visioncam_engines.tensorflow.export.lowering import lowered
from visioncam_engines.tensorflow.export.save import save

_LACKS = re.compile(r"^(?:TF Select|Custom|Flex) ops: (.+)$", re.MULTILINE)
_FLOAT = re.compile(
    rf"(^|;){MAP}|(^|;){SLOPE}(?!.*(Conv2D|depthwise|MatMul|GatherV2|Einsum))|^PartitionedCall"
)
"""Names of what stays float32 in an int8 file: the map, and of the gradient all but products of weights."""


def write(plan: ExportPlan, concrete: Any) -> Written:
    """Write the file of a plan."""
    try:
        found = _converted(plan, lowered(concrete, "tflite"))
    except Exception as error:
        if not _lacking(error) & {"Erf", "Erfc"}:
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
        save(concrete, Path(folder))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        found: bytes = _quantized(converter, plan) if plan.samples else converter.convert()
        return found


def _quantized(converter: Any, plan: ExportPlan) -> bytes:
    """Return an int8 file whose map is computed in float32 from what the int8 operations give.

    A map of gradients in int8 is one of rounding: they are small, and what tells sums that cancel is smaller.
    """
    import tensorflow as tf

    tools = tf.lite.experimental
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: iter(plan.samples)
    debugger = tools.QuantizationDebugger(converter=converter, debug_dataset=lambda: iter(plan.samples))
    calibrated = tf.lite.Interpreter(model_content=debugger.calibrated_model)
    names = {one["name"] for one in calibrated.get_tensor_details()}
    kept = sorted(name for name in names if _FLOAT.search(name))
    debugger.options = tools.QuantizationDebugOptions(denylisted_nodes=kept)
    found: bytes = debugger.get_nondebug_quantized_model()
    return found


def _lacking(error: Exception) -> set[str]:
    """Return the types of operations that the converter names as missing."""
    return {name for line in _LACKS.findall(str(error)) for name in line.replace(" ", "").split(",")}


def _refusal(error: Exception) -> ModelError:
    lacking = sorted(_lacking(error))
    if lacking and "xf16>" in str(error):
        return ModelError(
            "TFLite computes in float32, and the model in float16; .onnx or a SavedModel holds it, or make "
            "the model float32"
        )
    why = f"TFLite has no {', '.join(lacking)}" if lacking else error_text(error)
    return ModelError(
        f"the model cannot become a file of TFLite's own operations: {why}; try .onnx or a SavedModel"
    )
