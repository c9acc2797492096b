"""The callback of PyTorch Lightning."""

from __future__ import annotations

from typing import Any

from visioncam.callbacks.monitor import Monitor
from visioncam_engines.torch.epochs import Epochs


class LightningMonitor(Monitor, Epochs):
    """Explains a fixed set of pictures before the first epoch and after every n-th, as `ExplanationMonitor`.

    Of several processes the first one looks.  The module is explained in evaluation mode and left as it was.

    Args:
        probe: the pictures or model inputs, as in `visioncam.explain`; a handful is enough.
        target: as in `visioncam.explain`, such as a list with the true class of each picture.
        part: name of the submodule that is explained, as in `named_modules()`, for a LightningModule without
            a `forward` of its own; "" for the whole module.
        **keywords: those of `ExplanationMonitor`.
    """

    def __init__(self, probe: Any, target: Any = None, *, part: str = "", **keywords: Any) -> None:
        super().__init__(probe, target, **keywords)
        self.part = part
