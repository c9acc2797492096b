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
        )
    ]


def _of_keras(model: Any) -> bool:
    """Return whether a model is a layer of Keras, what TensorFlow loaded, or a copy of ours of one."""
    packages = {cls.__module__.partition(".")[0] for cls in type(model).__mro__}
    return not packages.isdisjoint(("keras", "tf_keras", "tensorflow", "visioncam_engines"))


def _tensorflow() -> Engine:
    from visioncam_engines.tensorflow.engine import TensorFlowEngine

    return TensorFlowEngine()
