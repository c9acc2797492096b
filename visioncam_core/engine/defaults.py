"""Most of an engine, for one that only wants to say what is its own; NumPy is all it needs.

Derive from `EngineDefaults` (yours: `name`, `inputs`, `trace`, `call`), `TracedDefaults` (yours: `shapes`,
`view`, `answers`) and `default_passes.PassesDefaults` (yours: `observe`, `tail_of`, perhaps `gradient`); the
view is a `PlainView`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NoReturn

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.batches import Budget
from visioncam_core.engine.export import ExportPlan, Written
from visioncam_core.engine.interface import Copy, Passes
from visioncam_core.engine.layer_table import LayerChoice, LayerTable
from visioncam_core.engine.output import Score
from visioncam_core.engine.records import Hints, Note, PictureSteps
from visioncam_core.errors import ModelError
from visioncam_core.text import brief, error_text

STEP = 1e-2
AT_ONCE = 64
TOLERANCE, HALF_TOLERANCE = 1e-3, 5e-2
"""Shares of the largest value that rounding may explain, in float32 and in half precision."""


class EngineDefaults:
    """An engine for NumPy arrays without files, weights and copies; see `engine.interface.Engine`."""

    name = "engine"
    errors: tuple[type[BaseException], ...] = ()

    def require(self) -> None:
        """Accept every process."""

    def check(self, model: Any) -> None:
        """Accept every model."""

    def hints(self, model: Any) -> Hints:
        """Return the name of the model's class."""
        return Hints(str(getattr(model, "name", type(model).__name__)), type(model).__name__)

    def picture_steps(self, preprocess: Any) -> PictureSteps | None:
        """Return that it is a plain function of a batch."""
        return None

    def mark(self, model: Any) -> object:
        """Return the same for ever: the parts of the model are never replaced."""
        return 0

    def tensors(self, arrays: Sequence[np.ndarray]) -> list[Any]:
        """Return the arrays themselves."""
        return list(arrays)

    def weights(self, model: Any) -> Iterator[tuple[str, Any]]:
        """Yield nothing."""
        yield from ()

    def configuration(self, model: Any) -> str:
        """Return the name of the model's class."""
        return type(model).__qualname__

    def copy(self, model: Any) -> Copy:
        """Refuse."""
        raise ModelError(f"the engine {self.name!r} cannot copy {brief(model, 60)}")

    @contextlib.contextmanager
    def _running(self, model: Any) -> Iterator[None]:
        try:
            yield
        except self.errors as error:
            raise ModelError(
                f"the model {self.hints(model).title!r} failed while it ran ({error_text(error)}); check "
                "that it works when it is called"
            ) from error

    def running(self, model: Any) -> AbstractContextManager[None]:
        """Return a block in which `errors` become a `ModelError`."""
        return self._running(model)

    def slope(self, function: Callable[[Any], Any], values: Any) -> tuple[Any, Any]:
        """Return `function(values)` and its gradient by central differences, about five digits of it."""
        values = np.asarray(values, np.float32)
        count, size = len(values), values[0].size
        gradient = np.zeros((count, size), np.float32)
        for start in range(0, size, AT_ONCE):
            chosen = np.arange(start, min(size, start + AT_ONCE))
            steps = np.zeros((len(chosen), size), np.float32)
            steps[np.arange(len(chosen)), chosen] = STEP
            for row in range(count):
                moved = np.concatenate([values[row].reshape(1, -1) + sign * steps for sign in (1, -1)])
                found = ops.to_numpy(function(moved.reshape(-1, *values.shape[1:])))
                up, down = np.split(found.astype(np.float64), 2)
                gradient[row, chosen] = (up - down) / (2 * STEP)
        return function(values), gradient.reshape(values.shape)

    def versions(self) -> dict[str, str]:
        """Return none but those that every result has."""
        return {}

    def check_file(self, path: str | os.PathLike[str], *, trust_savedmodel: bool = False) -> None:
        """Refuse."""
        self._reads_no_file(path)

    def load(self, path: str | os.PathLike[str], **asked: Any) -> Any:
        """Refuse."""
        self._reads_no_file(path)

    def fill(self, model: Any, path: str | os.PathLike[str]) -> None:
        """Refuse."""
        raise ModelError(f"the engine {self.name!r} reads no weights, received {brief(os.fspath(path))}")

    def export(self, plan: ExportPlan) -> Written:
        """Refuse."""
        raise ModelError(
            f"the engine {self.name!r} cannot write a model with its map into a file; Keras models on "
            "TensorFlow can be exported"
        )

    def pack(self, model: Any) -> Any:
        """Return the model itself."""
        return model

    def unpack(self, packed: Any) -> Any:
        """Return the model itself."""
        return packed

    def inspect(self, path: str | os.PathLike[str]) -> Any:
        """Refuse."""
        self._reads_no_file(path)

    def demo(self) -> Any:
        """Refuse."""
        raise ModelError(f"the engine {self.name!r} has no embedded model")

    def demo_digest(self) -> str:
        """Return that there is no embedded model."""
        return ""

    def _reads_no_file(self, path: str | os.PathLike[str]) -> NoReturn:
        raise ModelError(f"the engine {self.name!r} reads no model files, received {brief(os.fspath(path))}")


class TracedDefaults:
    """A traced model for inputs of the shapes in `shapes`; see `engine.interface.Traced`."""

    shapes: Sequence[tuple[int | None, ...]] = ()
    tolerance = TOLERANCE

    def fits(self, flat: list[Any]) -> bool:
        """Return whether every axis but the batch is as in `shapes`, or open there."""
        return len(flat) == len(self.shapes) and all(
            len(shape) == len(x.shape) - 1
            and all(want in (None, int(have)) for want, have in zip(shape, x.shape[1:], strict=True))
            for x, shape in zip(flat, self.shapes, strict=True)
        )


@attrs.frozen(eq=False)
class PlainView:
    """A view made of its parts; see `engine.interface.View`.

    Attributes:
        score, table, image, channels_first, outputs, notes, exact: as in `View`.
        make: returns the passes for a chosen layer.
    """

    score: Score
    table: LayerTable
    make: Callable[[LayerChoice, Callable[[Any], Any] | None, Budget], Passes]
    image: int = 0
    channels_first: bool = False
    outputs: tuple[str, ...] = ("output",)
    notes: tuple[Note, ...] = ()
    exact: bool = False

    def passes(self, choice: LayerChoice, reshape: Callable[[Any], Any] | None, budget: Budget) -> Passes:
        """Return the passes for a chosen layer."""
        return self.make(choice, reshape, budget)
