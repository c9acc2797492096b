"""ONNX files: metadata, and running them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from visioncam_core.engine.export import Run
from visioncam_core.errors import BackendError, ModelError
from visioncam_engines.exported.metadata import NAME

OPSET = 17
"""Of the operations: what runtimes of 2022 and later know."""


def require(*more: str) -> None:
    """Raise `BackendError` unless what writes and runs ONNX files is installed."""
    missing = [name for name in ("onnx", "onnxruntime", *more) if find_spec(name) is None]
    if missing:
        raise BackendError(
            f"an ONNX file needs {' and '.join(missing)}, not installed here; install them: "
            "pip install 'visioncam[export]'"
        )


def save(
    path: Path, model: Any, names: Mapping[str, str], outputs: Sequence[str], metadata: Mapping[str, Any]
) -> None:
    """Write a model.

    Args:
        path: the file.
        model: `onnx.ModelProto`.
        names: new names of its inputs and outputs.
        outputs: these names in order.
        metadata: what it says of itself.
    """
    import onnx

    graph = model.graph
    lacking = sorted({one.op_type for one in graph.node if not onnx.defs.has(one.op_type, OPSET, one.domain)})
    if lacking:
        raise ModelError(f"the model cannot become an ONNX file: opset {OPSET} has no {', '.join(lacking)}")
    for one in (*graph.input, *graph.output):
        one.name = names.get(one.name, one.name)
    for one in (*graph.input, *graph.output):
        axes = one.type.tensor_type.shape.dim
        if not axes[0].dim_value:
            axes[0].dim_param = "N"
        for axis, length in zip(list(axes)[1:], metadata["outputs"].get(one.name, ()), strict=False):
            axis.dim_value = length
    for node in graph.node:
        for words in (node.input, node.output):
            for i, word in enumerate(words):
                words[i] = names.get(word, word)
    ordered = sorted(graph.output, key=lambda one: outputs.index(one.name))
    del graph.output[:]
    graph.output.extend(ordered)
    onnx.helper.set_model_props(model, {NAME.removesuffix(".json"): json.dumps(metadata)})
    onnx.checker.check_model(model)
    onnx.save(model, os.fspath(path))


def runner(path: Path) -> tuple[Run, str]:
    """Return what runs a file on inputs by name, and the runtime's name with its version."""
    import onnxruntime

    session = onnxruntime.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]

    def run(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, dict(given)), strict=True))

    return run, f"onnxruntime {onnxruntime.__version__}"
