"""Watching what a network looks at while it learns.

monitor = visioncam.callbacks.ExplanationMonitor(probe, target=labels, folder="maps", tensorboard="logs")
model.fit(x, y, epochs=50, callbacks=[monitor])
"""

from visioncam.callbacks.monitor import ExplanationMonitor
from visioncam.callbacks.overlap import overlap
from visioncam.callbacks.sinks import FolderSink, Look, Sink, TensorBoardSink

__all__ = ["ExplanationMonitor", "FolderSink", "Look", "Sink", "TensorBoardSink", "overlap"]
