"""The engine for Keras models on PyTorch.  It never changes the model; importing it imports no torch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from visioncam_core.engine.cache import open_trace
from visioncam_core.engine.interface import Copy, Traced
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_engines.keras.engine import KerasEngine
from visioncam_engines.keras.fingerprint import fingerprint


class KerasTorchEngine(KerasEngine):
    """Keras 3 on PyTorch; see `engine.interface.Engine`."""

    name = "keras-torch"
    backend = "torch"

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        return (RuntimeError, NotImplementedError)

    def plain(self, model: Any) -> Any:
        return model.original if type(model).__module__.startswith("visioncam_engines.") else model

    def mark(self, model: Any) -> object:
        own = self.plain(model)
        found = fingerprint(own, _work().sampled)
        return found if own is model else found.model

    def trace(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> Traced:
        if self.plain(model) is not model:
            found: Any = open_trace(self, model.original, inputs, flat)
            return _work().with_weights(found, model.replaced)
        return _work().traced(model, inputs.structure, flat)

    def tensors(self, arrays: Sequence[np.ndarray]) -> list[Any]:
        return _work().tensors(arrays)

    def call(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> list[Any]:
        if self.plain(model) is not model:  # it has no Python of its own
            return open_trace(self, model, inputs, flat).answers(flat)
        with _work().at_rest():
            return self.called(model, inputs, _work().placed(model, flat))

    def weights(self, model: Any) -> Iterator[tuple[str, Any]]:
        if self.plain(model) is model:
            yield from super().weights(model)
        else:
            yield from zip(model.names, model.tensors, strict=True)

    def copy(self, model: Any) -> Copy:
        return _work().copied(self.plain(model), model)

    def slope(self, function: Callable[[Any], Any], values: Any) -> tuple[Any, Any]:
        return _work().slope(function, values)

    @contextlib.contextmanager
    def running(self, model: Any) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            told = _work().failure_of(self.plain(model), error)
            if told is None:
                raise
            raise told from error


def _work() -> Any:
    """Return the module that does the work; torch is imported with it."""
    from visioncam_engines.torch.keras import work

    return work
