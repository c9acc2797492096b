"""Writing the one graph in a format, and what runs it then."""

from __future__ import annotations

import json
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch

from visioncam_core.engine.export import ExportPlan, Written
from visioncam_core.errors import GradientError, ModelError
from visioncam_core.text import error_text, listing
from visioncam_engines.exported import onnx_file
from visioncam_engines.exported.metadata import NAME
from visioncam_engines.torch.export.graph import program

OPSET = 18
"""Of ONNX's operations: that which torch writes; onnxruntime 1.14 of 2023 and later know it."""


def write(plan: ExportPlan) -> Written:
    """Write the file of a plan; see `EngineDefaults.export`."""
    if plan.format not in _WRITERS:
        raise ModelError(
            f"a PyTorch model becomes .onnx or .pt2, not {plan.path.name!r}; for TFLite export the Keras "
            "model, or convert the ONNX file"
        )
    return _WRITERS[plan.format](plan)


def _pt2(plan: ExportPlan) -> Written:
    made, batch = program(plan)
    with _quiet():
        torch.export.save(made, os.fspath(plan.path), extra_files={NAME: json.dumps(plan.metadata)})
        module = torch.export.load(os.fspath(plan.path)).module()
    names = plan.taken

    def run(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        with torch.no_grad():
            found = module(*[torch.from_numpy(np.array(given[name])) for name in names])
        return {name: value.numpy() for name, value in found.items()}

    return Written(run, f"torch {torch.__version__}", batch=batch)


def _onnx(plan: ExportPlan) -> Written:
    onnx_file.require("onnxscript")
    made, batch = program(plan)
    with _quiet():
        try:
            found = torch.onnx.export(
                made,
                dynamo=True,
                opset_version=OPSET,
                input_names=plan.taken,
                output_names=list(plan.outputs),
                verbose=False,
            )
        except Exception as error:
            raise _refusal(error) from error
    model = found.model_proto
    onnx_file.save(plan.path, model, {}, plan.outputs, plan.metadata)
    run, runtime = onnx_file.runner(plan.path)
    return Written(run, runtime, OPSET, batch)


def _refusal(error: BaseException) -> Exception:
    text, one = str(error), error.__cause__
    while one is not None:
        text, one = f"{text} {one}", one.__cause__
    lacking = sorted(set(re.findall(r"aten\.([a-z_0-9]+)", text)))
    if lacking:
        return GradientError(f"ONNX has no operation for torch's {listing(lacking)}")
    return ModelError(f"the model cannot become an ONNX file: {error_text(error)}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep from the user what torch's exporter says to people who call it themselves."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)


_WRITERS = {"onnx": _onnx, "pt2": _pt2}
