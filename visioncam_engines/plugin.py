"""Table of contents: the engines VisionCam ships, one row each.  No framework is imported here."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visioncam_core.hookspecs import hookimpl
from visioncam_core.plugins.engines import installed
from visioncam_core.specs import EngineSpec

if TYPE_CHECKING:
    from visioncam_core.engine.interface import Engine

KERAS_FILES = (".keras", ".h5", ".hdf5")


@hookimpl
def visioncam_register_engines() -> list[EngineSpec]:
    """Return one row for each built-in engine."""
    return [
        EngineSpec(
            "keras-tensorflow",
            accepts=_on_tensorflow,
            make=_tensorflow,
            title="Keras model",
            summary="Keras 3 on TensorFlow, Keras 2 (tf_keras), and loaded SavedModels",
            suffixes=KERAS_FILES,
            requires=("tensorflow", "keras"),
            can=frozenset({"layers", "gradients", "input-gradients", "copies", "attention"}),
            aliases=("keras", "tensorflow"),
            schemes=("keras",),
            ready=partial(_runs_on, "tensorflow"),
        ),
        EngineSpec(
            "keras-torch",
            accepts=_on_torch,
            make=_keras_torch,
            title="Keras model",
            summary="Keras 3 on PyTorch",
            suffixes=KERAS_FILES,
            requires=("torch", "keras"),
            can=frozenset({"layers", "gradients", "input-gradients", "copies", "attention"}),
            schemes=("keras",),
            ready=partial(_runs_on, "torch"),
        ),
        EngineSpec(
            "keras-jax",
            accepts=_on_jax,
            make=_jax,
            title="Keras model",
            summary="Keras 3 on JAX",
            suffixes=KERAS_FILES,
            requires=("jax", "keras"),
            can=frozenset({"layers", "gradients", "input-gradients", "copies", "attention"}),
            aliases=("jax",),
            schemes=("keras",),
            ready=partial(_runs_on, "jax"),
        ),
        EngineSpec(
            "torch",
            accepts=_of_torch,
            make=_torch,
            title="PyTorch model",
            summary="torch.nn.Module on any device: torchvision, timm, transformers, and your own",
            suffixes=(".pt2", ".pt", ".pth", ".safetensors"),
            requires=("torch",),
            can=frozenset({"layers", "gradients", "input-gradients", "copies", "attention"}),
            schemes=("timm", "torchvision", "hf"),
        ),
        EngineSpec(
            "onnx",
            accepts=partial(_closed, "onnx"),
            make=_onnx,
            title="ONNX file",
            summary="ONNX Runtime: scores, and feature maps at which a file can be cut; no gradients",
            suffixes=(".onnx",),
            requires=("onnx", "onnxruntime"),
            can=frozenset({"layers"}),
        ),
        EngineSpec(
            "tflite",
            accepts=partial(_closed, "tflite"),
            make=_tflite,
            title="TFLite file",
            summary="the TFLite interpreter: a file that runs and does not show what it computes",
            suffixes=(".tflite",),
            requires=(_interpreter(),),
            can=frozenset(),
        ),
        EngineSpec(
            "served",
            accepts=partial(_closed, "served"),
            make=_serving,
            title="served model",
            summary="http://host:8501/v1/models/NAME: a model that TensorFlow Serving runs",
            can=frozenset(),
            schemes=("http", "https"),
        ),
        EngineSpec(
            "blackbox",
            accepts=_of_blackbox,
            make=_blackbox,
            title="black box",
            summary="visioncam.blackbox(function): any Python function of pictures, for its scores only",
            can=frozenset(),
        ),
    ]


_KERAS = ("keras", "tf_keras")
_TORCH = ("torch.nn", "torch.jit", "torch.fx", "visioncam_engines.torch")
_KERAS_ON_TORCH = "visioncam_engines.torch.keras"


def _on_tensorflow(model: Any) -> bool:
    """Return whether it is a Keras model on TensorFlow, what TensorFlow loaded, or a copy of ours of one.

    A Keras model on a backend that no engine serves is taken too: this engine says what to set.
    """
    if _comes_from(model, "tf_keras", "tensorflow", "visioncam_engines.tensorflow"):
        return True
    return _comes_from(model, "keras") and _keras_backend() not in ("torch", "jax")


def _on_torch(model: Any) -> bool:
    return _of_keras_on("torch", model) or _comes_from(model, _KERAS_ON_TORCH)


def _on_jax(model: Any) -> bool:
    return _of_keras_on("jax", model) or _comes_from(model, "visioncam_engines.jax")


def _of_keras_on(backend: str, model: Any) -> bool:
    """Return whether it is a Keras model, and Keras runs on a backend."""
    return _comes_from(model, "keras") and not _comes_from(model, "tf_keras") and _keras_backend() == backend


def _of_torch(model: Any) -> bool:
    """Return whether a model is a module of PyTorch, or a copy of ours of one, and no layer of Keras."""
    return _comes_from(model, *_TORCH) and not _comes_from(model, *_KERAS, _KERAS_ON_TORCH)


def _of_blackbox(model: Any) -> bool:
    return _comes_from(model, "visioncam_engines.blackbox") and hasattr(model, "calls")


def _interpreter() -> str:
    """Return the package whose interpreter runs TFLite files here."""
    return "tensorflow" if installed("tensorflow") or not installed("ai_edge_litert") else "ai_edge_litert"


def _closed(kind: str, model: Any) -> bool:
    return _comes_from(model, "visioncam_engines.runtimes") and getattr(model, "kind", "") == kind


def _comes_from(model: Any, *packages: str) -> bool:
    """Return whether a class of a model's is of one of the packages; a class itself comes from none."""
    found = (f"{cls.__module__}." for cls in type(model).__mro__)
    return any(name.startswith(f"{package}.") for name in found for package in packages)


def _keras_backend() -> str:
    """Return what the Keras that is imported runs on, "" where none is."""
    config: Any = getattr(sys.modules.get("keras"), "config", None)
    return str(config.backend()) if hasattr(config, "backend") else ""


def _runs_on(backend: str) -> bool:
    """Return whether Keras runs on a backend, or would once it is imported; as Keras finds that out."""
    known = _keras_backend() or os.environ.get("KERAS_BACKEND")
    if not known:
        home = os.environ.get("KERAS_HOME") or os.path.join("~", ".keras")
        try:
            settings = json.loads(Path(home, "keras.json").expanduser().read_text("utf-8"))
            known = settings.get("backend")
        except (OSError, ValueError, AttributeError):
            pass
    return (known or "tensorflow") == backend


def _tensorflow() -> Engine:
    from visioncam_engines.tensorflow.engine import TensorFlowEngine

    return TensorFlowEngine()


def _jax() -> Engine:
    from visioncam_engines.jax.engine import JaxEngine

    return JaxEngine()


def _keras_torch() -> Engine:
    from visioncam_engines.torch.keras.engine import KerasTorchEngine

    return KerasTorchEngine()


def _torch() -> Engine:
    from visioncam_engines.torch.engine import TorchEngine

    return TorchEngine()


def _blackbox() -> Engine:
    from visioncam_engines.blackbox import BlackBoxEngine

    return BlackBoxEngine()


def _onnx() -> Engine:
    from visioncam_engines.runtimes.onnx_passes import OnnxEngine

    return OnnxEngine("onnx")


def _tflite() -> Engine:
    from visioncam_engines.runtimes.engine import FileEngine

    return FileEngine("tflite")


def _serving() -> Engine:
    from visioncam_engines.runtimes.engine import ServingEngine

    return ServingEngine()
