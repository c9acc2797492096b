"""When PyTorch Lightning begins and ends epochs."""

from __future__ import annotations

from typing import Any

try:
    from lightning.pytorch.callbacks import Callback
except ImportError:  # its older name
    from pytorch_lightning.callbacks import Callback


class Epochs(Callback):  # type: ignore[misc]  # lightning has no types here
    """Calls what a monitor, the class beside it, does before, while and after a model learns.

    Attributes:
        part: name of the submodule that is watched, as in `named_modules()`; "" for the whole module.
    """

    part: str
    _before_training: Any
    _after_epoch: Any
    _after_training: Any

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Look before the first epoch."""
        if trainer.is_global_zero:
            self._before_training(pl_module.get_submodule(self.part), trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Look after an epoch."""
        if trainer.is_global_zero:
            self._after_epoch(pl_module.get_submodule(self.part), trainer.current_epoch + 1)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Close what is open."""
        self._after_training()
