"""The engine for PyTorch models.

It calls a copy of a model's modules once, writes every torch function down, and cuts functions from that
tape.  It never changes the model.  Importing this module does not import torch.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from visioncam_core.engine.export import ExportPlan, Written
from visioncam_core.engine.interface import Copy, Traced
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.model_name import ModelName, scheme_of
from visioncam_core.engine.records import Hints, PictureSteps
from visioncam_core.errors import BackendError
from visioncam_core.version import installed_version
from visioncam_engines.demo.card import digest
from visioncam_engines.torch.files.check import check_file
from visioncam_engines.torch.files.inspection import inspect_file
from visioncam_engines.torch.libraries.transforms import steps_of

NAME = "torch"
SCHEMES = ("timm", "torchvision", "hf")


class TorchEngine:
    """PyTorch's `nn.Module`s; see `engine.interface.Engine`."""

    name = NAME

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        return (RuntimeError, NotImplementedError)

    def require(self) -> None:
        _work().require_torch()

    def check(self, model: Any) -> None:
        work = _work()
        work.require_torch()
        work.check_model(work.original(model))

    def inputs(self, model: Any) -> ModelInputs:
        self.check(model)
        work = _work()
        return work.model_inputs(work.original(model))

    def hints(self, model: Any) -> Hints:
        work = _work()
        return work.hints_of(work.original(model))

    def picture_steps(self, preprocess: Any) -> PictureSteps | None:
        return steps_of(preprocess)

    def mark(self, model: Any) -> object:
        return _work().mark_of(model)

    def trace(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> Traced:
        return _work().traced(self, model, inputs, flat)

    def tensors(self, arrays: Sequence[np.ndarray]) -> list[Any]:
        return _work().tensors(arrays)

    def call(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> list[Any]:
        return _work().called(self, model, inputs, flat)

    def weights(self, model: Any) -> Iterator[tuple[str, Any]]:
        yield from _work().weights_of(model)

    def configuration(self, model: Any) -> str:
        work = _work()
        return work.configuration_of(work.original(model))

    def copy(self, model: Any) -> Copy:
        return _work().copied(model)

    @contextlib.contextmanager
    def running(self, model: Any) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            told = _work().failure_of(model, error)
            if told is None:
                raise
            raise told from error

    def slope(self, function: Callable[[Any], Any], values: Any) -> tuple[Any, Any]:
        return _work().slope(function, values)

    def export(self, plan: ExportPlan) -> Written:
        """Write the model and its map as one graph; see `EngineDefaults.export`."""
        from visioncam_engines.torch.export.write import write

        return write(plan)

    def versions(self) -> dict[str, str]:
        return {"torch": installed_version("torch")}

    def check_file(self, path: str | os.PathLike[str], *, trust_savedmodel: bool = False) -> None:
        check_file(path)

    def load(self, path: str | os.PathLike[str], **asked: Any) -> Any:
        if scheme_of(path, SCHEMES):
            return _work().load_named(ModelName.of(os.fspath(path)))
        return _work().load_model(path, **asked)

    def fill(self, model: Any, path: str | os.PathLike[str]) -> None:
        _work().fill(model, path)

    def pack(self, model: Any) -> Any:
        return _work().unwrapped(model)

    def unpack(self, packed: Any) -> Any:
        return packed

    def inspect(self, path: str | os.PathLike[str]) -> Any:
        return inspect_file(path)

    def demo(self) -> Any:
        return _work().load_demo()

    def demo_digest(self) -> str:
        return digest()


def _work() -> Any:
    """Return the module that does the work; torch is imported with it."""
    try:
        from visioncam_engines.torch import work
    except ImportError as error:
        raise BackendError(
            f"PyTorch cannot be imported ({error}); install it with `pip install torch torchvision` (2.4 or "
            "newer)"
        ) from error
    return work
