"""The engine for Keras models on PyTorch.  It never changes the model; importing it imports no torch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from visioncam_core.engine.cache import open_trace
from visioncam_core.engine.copies import Twin, original
from visioncam_core.engine.export import ExportPlan, Written
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

    def mark(self, model: Any) -> object:
        found = fingerprint(original(model), _work().sampled)
        return found.model if isinstance(model, Twin) else found

    def trace(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> Traced:
        if isinstance(model, Twin):
            found: Any = open_trace(self, model.original, inputs, flat)
            return found.with_weights(model.replaced)
        return _work().traced(model, inputs.structure, flat)

    def tensors(self, arrays: Sequence[np.ndarray]) -> list[Any]:
        return _work().tensors(arrays)

    def call(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> list[Any]:
        if isinstance(model, Twin):  # it has no Python of its own
            return open_trace(self, model, inputs, flat).answers(flat)
        with _work().at_rest():
            return self.called(model, inputs, _work().placed(model, flat))

    def weights(self, model: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(model, Twin):
            yield from zip(model.names, model.others, strict=True)
        else:
            yield from super().weights(model)

    def copy(self, model: Any) -> Copy:
        return _work().copied(model)

    def export(self, plan: ExportPlan) -> Written:
        """Write the model and its map as one graph; see `EngineDefaults.export`."""
        from visioncam_engines.torch.export.write import write

        return write(plan)

    def slope(self, function: Callable[[Any], Any], values: Any) -> tuple[Any, Any]:
        return _work().slope(function, values)

    @contextlib.contextmanager
    def running(self, model: Any) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            told = _work().failure_of(model, error)
            if told is None:
                raise
            raise told from error


def _work() -> Any:
    """Return the module that does the work; torch is imported with it."""
    from visioncam_engines.torch.keras import work

    return work
