"""A Keras callback that explains the same pictures again and again while a model learns."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from visioncam_core.errors import OptionError, OptionTypeError, VisionCamError
from visioncam_core.images.reader import Read
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request
from visioncam_core.results.explanation import Explanation
from visioncam_core.targets.resolve import stack_size
from visioncam_engines.tensorflow.monitor.overlap import overlap
from visioncam_engines.tensorflow.monitor.sinks import FolderSink, Look, Sink, TensorBoardSink


class ExplanationMonitor(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types here
    """Explains a fixed set of pictures before the first epoch and after every n-th.

    Training is not disturbed: the weights come out the same with and without it.  The model is traced once;
    each look reads the weights as they are then.  Of the looks, only the first and the latest heat maps stay
    in memory.  The pictures are decoded once.

    What cannot work fails at the first look, before the first step of training where the model is built by
    then.  Whatever fails later (a full disk, say) is warned about, and training goes on.

    Args:
        probe: the pictures or model inputs, as in `visioncam.explain`; a handful is enough.
        target: as in `visioncam.explain`, such as a list with the true class of each picture.  With None,
            the top class, maps may change because the answer does.
        every: epochs between two looks.
        folder: where to write pictures and `overlap.csv`; see `FolderSink`.
        tensorboard: log folder for TensorBoard; see `TensorBoardSink`.
        sinks: your own, see `Sink`.
        method: as in `visioncam.explain`.
        renderer: what draws the pictures of `folder` and `tensorboard`.
        **keywords: the other keywords of `visioncam.explain`, and the method's options.

    Attributes:
        curves: "overlap_previous" and "overlap_first" -> epochs -> mean overlap over the probe set (see
            `overlap`): 1 where the maps stayed the same.

    Raises:
        OptionError: `every` is no whole number above 0, or there is no sink.
    """

    def __init__(
        self,
        probe: Any,
        target: Any = None,
        *,
        every: int = 1,
        folder: str | os.PathLike[str] | None = None,
        tensorboard: str | os.PathLike[str] | None = None,
        sinks: Iterable[Sink] = (),
        method: str | object = "gradcam",
        renderer: str | object = "overlay",
        **keywords: Any,
    ) -> None:
        super().__init__()
        if isinstance(every, bool) or not isinstance(every, int | np.integer):
            raise OptionTypeError(f"every is a whole number of epochs, 1 or more; received {every!r}")
        if every < 1:
            raise OptionError(f"every is a whole number of epochs, 1 or more; received {every!r}")
        self.sinks: list[Sink] = list(sinks)
        if folder is not None:
            self.sinks.append(FolderSink(Path(folder), renderer))
        if tensorboard is not None:
            self.sinks.append(TensorBoardSink(tensorboard, renderer))
        if not self.sinks:
            raise OptionError("the maps have nowhere to go; pass folder=, tensorboard= or sinks=[...]")
        self.every = int(every)
        self.curves: dict[str, dict[int, float]] = {"overlap_previous": {}, "overlap_first": {}}
        self._probe, self._target, self._method, self._keywords = probe, target, method, keywords
        self._opened: tuple[Explainer, Read] | None = None
        self._first: list[np.ndarray] | None = None
        self._latest: list[np.ndarray] | None = None
        self._epoch: int | None = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Look once before the first epoch; a model that is not built yet has nothing to show."""
        if self._epoch is None and self.model.built:
            self._look(epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look after every n-th epoch."""
        if (epoch + 1) % self.every == 0:
            self._look(epoch + 1)

    def on_train_end(self, logs: Any = None) -> None:
        """Close what the sinks hold open."""
        for sink in self.sinks:
            sink.close()

    def _look(self, epoch: int) -> None:
        try:
            look = self._compare(epoch, self._explain())
            for sink in self.sinks:
                sink.write(look)
        except Exception as error:
            if self._epoch is None:
                raise
            why = str(error) if isinstance(error, VisionCamError) else f"{type(error).__name__}: {error}"
            warnings.warn(f"no maps of epoch {epoch}, training goes on: {why}", stacklevel=2)
            return
        self._epoch = epoch

    def _explain(self) -> list[Explanation]:
        if self._opened is None or self._opened[0].model is not self.model:
            made = Explainer.of(self.model, Request.of([self._method], self._keywords))
            if stack_size(self._target, made.names):
                raise OptionError(
                    f"target={self._target!r} is a stack of classes; a training is watched for one class a "
                    "picture: pass None for the top one, or a list of classes"
                )
            self._opened = made, Read(*made.reader.read(self._probe))
        explain, pictures = self._opened
        found = explain(pictures, self._target)
        return found if isinstance(found, list) else [found]

    def _compare(self, epoch: int, found: list[Explanation]) -> Look:
        maps = [explanation.heatmap for explanation in found]
        previous, first = self._latest, self._first
        self._latest = maps
        if previous is None or first is None:
            self._first = maps
            return Look(epoch, tuple(found))
        look = Look(
            epoch,
            tuple(found),
            tuple(overlap(a, b) for a, b in zip(previous, maps, strict=True)),
            tuple(overlap(a, b) for a, b in zip(first, maps, strict=True)),
        )
        for name, value in look.scalars.items():
            self.curves[name][epoch] = value
        return look
