"""Explains the same pictures again and again while a model learns; a framework's callback says when."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from visioncam.callbacks.overlap import overlap
from visioncam.callbacks.sinks import FolderSink, Look, Sink, TensorBoardSink, as_sink
from visioncam_core.errors import OptionError, OptionTypeError, VisionCamError
from visioncam_core.images.sample import Read
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request
from visioncam_core.results.explanation import Explanation
from visioncam_core.targets.resolve import stack_size


class Monitor:
    """Explains a fixed set of pictures before the first epoch and after every n-th.

    Of the looks, only the first and the latest heat maps stay in memory.  The pictures are decoded once.
    A failure before the first look is raised; later ones are warnings.

    Arguments, attributes and errors are those of `ExplanationMonitor`.
    """

    def __init__(
        self,
        probe: Any,
        target: Any = None,
        *,
        every: int = 1,
        folder: str | os.PathLike[str] | None = None,
        tensorboard: str | os.PathLike[str] | None = None,
        sinks: Iterable[Sink | Callable[[Look], Any]] = (),
        method: str | object = "gradcam",
        renderer: str | object = "overlay",
        **keywords: Any,
    ) -> None:
        super().__init__()
        if isinstance(every, bool) or not isinstance(every, int | np.integer):
            raise OptionTypeError(f"every must be a whole number of epochs, at least 1; received {every!r}")
        if every < 1:
            raise OptionError(f"every must be a whole number of epochs, at least 1; received {every!r}")
        self.sinks: list[Sink] = [as_sink(one) for one in ([sinks] if callable(sinks) else sinks)]
        if folder is not None:
            self.sinks.append(FolderSink(Path(folder), renderer))
        if tensorboard is not None:
            self.sinks.append(TensorBoardSink(tensorboard, renderer))
        if not self.sinks:
            raise OptionError(
                "the maps have nowhere to go; pass folder=, tensorboard= or sinks=[...], such as [to_mlflow]"
            )
        self.every = int(every)
        self.curves: dict[str, dict[int, float]] = {"overlap_previous": {}, "overlap_first": {}}
        self._probe, self._target, self._method, self._keywords = probe, target, method, keywords
        self._opened: tuple[Explainer, Read] | None = None
        self._first: list[np.ndarray] | None = None
        self._latest: list[np.ndarray] | None = None
        self._epoch: int | None = None

    def _before_training(self, model: Any, epoch: int) -> None:
        """Look once before the first epoch."""
        if self._epoch is None:
            self._look(model, epoch)

    def _after_epoch(self, model: Any, epoch: int) -> None:
        """Look after every n-th epoch; `epoch` have ended."""
        if epoch % self.every == 0:
            self._look(model, epoch)

    def _after_training(self) -> None:
        """Close what the sinks hold open."""
        for sink in self.sinks:
            sink.close()

    def _look(self, model: Any, epoch: int) -> None:
        try:
            look = self._compare(epoch, self._explain(model))
            for sink in self.sinks:
                sink.write(look)
        except Exception as error:
            if self._epoch is None:
                raise
            why = str(error) if isinstance(error, VisionCamError) else f"{type(error).__name__}: {error}"
            warnings.warn(f"no maps for epoch {epoch}; training continues: {why}", stacklevel=2)
            return
        self._epoch = epoch

    def _explain(self, model: Any) -> list[Explanation]:
        if self._opened is None or self._opened[0].model is not model:
            made = Explainer.of(model, Request.of([self._method], self._keywords))
            if stack_size(self._target, made.names):
                raise OptionError(
                    f"target={self._target!r} is a stack of classes; the monitor follows one class per "
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
