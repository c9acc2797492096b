"""Watching what a network looks at while it learns.

monitor = visioncam.callbacks.ExplanationMonitor(probe, target=labels, folder="maps", tensorboard="logs")
model.fit(x, y, epochs=50, callbacks=[monitor])
"""

from visioncam_engines.tensorflow.monitor.monitor import ExplanationMonitor
from visioncam_engines.tensorflow.monitor.overlap import overlap
from visioncam_engines.tensorflow.monitor.sinks import FolderSink, Look, Sink, TensorBoardSink

__all__ = ["ExplanationMonitor", "FolderSink", "Look", "Sink", "TensorBoardSink", "overlap"]
