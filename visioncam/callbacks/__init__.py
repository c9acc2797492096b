"""Watching what a network looks at while it learns: the callbacks of Keras and Lightning, and their sinks.

monitor = visioncam.callbacks.ExplanationMonitor(probe, target=labels, folder="maps", tensorboard="logs")
model.fit(x, y, epochs=50, callbacks=[monitor])
visioncam.callbacks.to_mlflow(explanation)

A framework is imported when its callback is first named.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from visioncam.callbacks.overlap import overlap
from visioncam.callbacks.sinks import FolderSink, Look, Sink, TensorBoardSink
from visioncam.callbacks.trackers import to_mlflow, to_wandb

if TYPE_CHECKING:
    from visioncam.callbacks.with_keras import ExplanationMonitor
    from visioncam.callbacks.with_lightning import LightningMonitor as LightningMonitor
else:
    _HOMES = {"ExplanationMonitor": "with_keras", "LightningMonitor": "with_lightning"}

    def __getattr__(name):
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


# Without `LightningMonitor`: most who import everything have no Lightning.
__all__ = [
    "ExplanationMonitor",
    "FolderSink",
    "Look",
    "Sink",
    "TensorBoardSink",
    "overlap",
    "to_mlflow",
    "to_wandb",
]
