"""Table of contents: the engines VisionCam ships, one row each.  No framework is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from visioncam_core.hookspecs import hookimpl
from visioncam_core.specs import EngineSpec

if TYPE_CHECKING:
    from visioncam_core.engine.interface import Engine


@hookimpl
def visioncam_register_engines() -> list[EngineSpec]:
    """Return one row for each built-in engine."""
    return [
        EngineSpec(
            "keras-tensorflow",
            accepts=_of_keras,
            make=_tensorflow,
            title="Keras model",
            summary="Keras 3 on TensorFlow, Keras 2 (tf_keras), and loaded SavedModels",
            suffixes=(".keras", ".h5", ".hdf5"),
            requires=("tensorflow", "keras"),
            can=frozenset({"layers", "gradients", "input-gradients", "copies"}),
            aliases=("keras", "tensorflow"),
            schemes=("keras",),
        ),
        EngineSpec(
            "torch",
            accepts=_of_torch,
            make=_torch,
            title="PyTorch model",
            summary="torch.nn.Module on any device: torchvision, timm, transformers, and your own",
            suffixes=(".pt2", ".pt", ".pth", ".safetensors"),
            requires=("torch",),
            can=frozenset({"layers", "gradients", "input-gradients", "copies"}),
            schemes=("timm", "torchvision", "hf"),
        ),
    ]


_KERAS = ("keras", "tf_keras", "tensorflow", "visioncam_engines.tensorflow")
_TORCH = ("torch.nn", "torch.jit", "torch.fx", "visioncam_engines.torch")


def _of_keras(model: Any) -> bool:
    """Return whether a model is a layer of Keras, what TensorFlow loaded, or a copy of ours of one."""
    return _comes_from(model, *_KERAS)


def _of_torch(model: Any) -> bool:
    """Return whether a model is a module of PyTorch, or a copy of ours of one, and no layer of Keras."""
    return _comes_from(model, *_TORCH) and not _of_keras(model)


def _comes_from(model: Any, *packages: str) -> bool:
    """Return whether a class of a model's is of one of the packages; a class itself comes from none."""
    found = (f"{cls.__module__}." for cls in type(model).__mro__)
    return any(name.startswith(f"{package}.") for name in found for package in packages)


def _tensorflow() -> Engine:
    from visioncam_engines.tensorflow.engine import TensorFlowEngine

    return TensorFlowEngine()


def _torch() -> Engine:
    from visioncam_engines.torch.engine import TorchEngine

    return TorchEngine()
