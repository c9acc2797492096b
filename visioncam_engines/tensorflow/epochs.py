"""When Keras begins and ends epochs."""

from __future__ import annotations

from typing import Any

import keras


class Epochs(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types here
    """Calls what a monitor, the class beside it, does before, while and after a model learns."""

    _before_training: Any
    _after_epoch: Any
    _after_training: Any

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Look before the first epoch; a model that is not built yet has nothing to show."""
        if self.model.built:
            self._before_training(self.model, epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look after an epoch."""
        self._after_epoch(self.model, epoch + 1)

    def on_train_end(self, logs: Any = None) -> None:
        """Close what is open."""
        self._after_training()
