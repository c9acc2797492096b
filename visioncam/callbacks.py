"""Watching what a network looks at while it learns: the Keras callback and its sinks."""

from visioncam_engines.tensorflow.monitor import (
    ExplanationMonitor,
    FolderSink,
    Look,
    Sink,
    TensorBoardSink,
    overlap,
)

__all__ = ["ExplanationMonitor", "FolderSink", "Look", "Sink", "TensorBoardSink", "overlap"]
