"""The Keras callback."""

from __future__ import annotations

from visioncam.callbacks.monitor import Monitor
from visioncam_engines.tensorflow.epochs import Epochs


class ExplanationMonitor(Monitor, Epochs):
    """Explains a fixed set of pictures before the first epoch and after every n-th.

    Training is not disturbed: the weights come out the same with and without it.  The model is traced once;
    each look reads the weights as they are then.  Of the looks, only the first and the latest heat maps stay
    in memory.  The pictures are decoded once.

    What cannot work fails at the first look, before the first training step if the model is built by
    then.  Later failures (a full disk, say) are warnings, and training continues.

    Args:
        probe: the pictures or model inputs, as in `visioncam.explain`; a handful is enough.
        target: as in `visioncam.explain`, such as a list with the true class of each picture.  With None,
            the top class, maps may change because the answer does.
        every: epochs between two looks.
        folder: where to write pictures and `overlap.csv`; see `FolderSink`.
        tensorboard: log folder for TensorBoard; see `TensorBoardSink`.
        sinks: `to_mlflow`, `to_wandb`, and your own: functions that take a look, or objects, see `Sink`.
        method: as in `visioncam.explain`.
        renderer: what draws the pictures of `folder` and `tensorboard`.
        **keywords: the other keywords of `visioncam.explain`, and the method's options.

    Attributes:
        curves: "overlap_previous" and "overlap_first" -> epochs -> mean overlap over the probe set (see
            `overlap`): 1 where the maps stayed the same.

    Raises:
        OptionError: `every` is not a whole number above 0, or there is no sink.
    """
