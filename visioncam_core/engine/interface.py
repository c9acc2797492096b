"""What an engine is: the one way in which everything else reaches a model.  Knows no framework.

An engine runs the models of one framework.  `Engine` reads a model, `Traced` is a model prepared for inputs
of one kind, `View` sees it through one output, and `Passes` runs it at one layer.  What crosses is a NumPy
array or an array that `visioncam_core.ops` understands: batch first; on the layer's grid channels last.
`visioncam_core.engine.defaults` has most of it for an engine that only wants to say what is its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from visioncam_core.engine.batches import Budget
from visioncam_core.engine.copies import Copy as Copy  # it belongs to the interface
from visioncam_core.engine.layer_table import LayerChoice, LayerTable
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.output import Score
from visioncam_core.engine.records import (
    AttentionResult,
    Change,
    Cotangent,
    Hints,
    Make,
    Note,
    PassResult,
    PictureSteps,
    Read,
    Reading,
    TailInputs,
)


class Passes(Protocol):
    """Passes through one model for one score and one layer, counted in `batches.COUNTERS`.

    `flat` are the model's inputs in flat order, as `Engine.tensors` returns them; `single` the same for one
    picture.  Batches are bounded by the budget.

    Attributes:
        score: the score.
        reshape: the user's own `(N, ...) -> (N, *grid, K)`, or None.
    """

    @property
    def score(self) -> Score:
        """The score."""

    @property
    def reshape(self) -> Callable[[Any], Any] | None:
        """The user's own `(N, ...) -> (N, *grid, K)`, or None."""

    def probe(self, flat: list[Any], classes: np.ndarray) -> PassResult:
        """Run forward and backward for class targets: (N,) int32 indices, -1 for the top class."""

    def watch(self, flat: list[Any], cotangents: Sequence[Cotangent]) -> list[PassResult]:
        """Run forward once and backward for each cotangent; without any, one result without gradients."""

    def forward(self, single: list[Any], image: int, make: Make, count: int, read: Read) -> Any:
        """Return `read(values, answer)` for `count` versions of input `image`, in the model's own layout."""

    def tail(self, single: list[Any], at_layer: TailInputs | None, make: Make, count: int, read: Read) -> Any:
        """Return `read(values, answer)` for `count` versions (b, *grid, K) of the activations.

        Only what lies after the layer is run for each; the head runs at most once.
        """

    def through(
        self,
        single: list[Any],
        image: int,
        change: Change,
        maps: Any,
        read: Read,
        extra: Sequence[np.ndarray] = (),
    ) -> Any:
        """Return `read(values, answer)` for one picture changed by each of (L, ...) maps and by `extra`."""

    def tail_gradients(
        self, single: list[Any], at_layer: TailInputs | None, make: Make, count: int, cotangent: Cotangent
    ) -> Any:
        """Return the gradients (count, *grid, K) at versions of the activations, from a target's gradient."""

    def without(
        self,
        single: list[Any],
        at_layer: TailInputs | None,
        activations: Any,
        channels: np.ndarray,
        read: Read,
    ) -> Any:
        """Return `read(values, answer)` with each of the (L,) channels of the activations at zero."""

    def attention(
        self, flat: list[Any], cotangent: Cotangent | None = None, reading: Reading = "score"
    ) -> AttentionResult:
        """Return every block's attention weights, and with a cotangent the gradients of what is read.

        Raises:
            LayerError: there is no attention between all tokens, or none that can be reached; says why.
        """


class View(Protocol):
    """A traced model seen through one output and one kind of score."""

    @property
    def score(self) -> Score:
        """The score."""

    @property
    def table(self) -> LayerTable:
        """The layers."""

    @property
    def image(self) -> int:
        """Position of the image input."""

    @property
    def channels_first(self) -> bool:
        """Whether the image input is (K, *space)."""

    @property
    def outputs(self) -> Sequence[str]:
        """Names of the model's outputs."""

    @property
    def notes(self) -> Sequence[Note]:
        """What was given up to trace the model."""

    @property
    def exact(self) -> bool:
        """Whether only batches of one, of one shape, can be run."""

    def passes(self, choice: LayerChoice, reshape: Callable[[Any], Any] | None, budget: Budget) -> Passes:
        """Return the passes for a chosen layer."""


class Traced(Protocol):
    """A model prepared for inputs of one kind; kept by `engine.cache`.  It must not hold the model."""

    @property
    def tolerance(self) -> float:
        """The share of the largest output that rounding may explain."""

    def fits(self, flat: list[Any]) -> bool:
        """Return whether it serves inputs like these."""

    def view(self, inputs: ModelInputs, flat: list[Any], output: str | int | None, wanted: str) -> View:
        """Return the view of an output, for inputs like `flat`.

        Args:
            inputs: what the model says of its inputs.
            flat: the inputs; a view may hold for their sizes alone.
            output: name or index of the explained output; the first by default.
            wanted: "logit" or "probability".

        Raises:
            TargetError: there is no such output.
        """

    def answers(self, flat: list[Any]) -> list[Any]:
        """Return every output, computed as passes compute it."""


class Engine(Protocol):
    """Reads and runs the models of one framework.  It has no state: `engine.cache` keeps what it makes.

    Attributes:
        name: as in its `EngineSpec`.
        errors: what the framework raises when a model fails while it runs; `running` makes a `ModelError`
            of it.
    """

    @property
    def name(self) -> str:
        """The name of its row."""

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        """What the framework raises when a model fails while it runs."""

    def require(self) -> None:
        """Raise `BackendError` unless the framework can be imported and run in this process."""

    def check(self, model: Any) -> None:
        """Raise an error unless the model is ready to be run.

        Raises:
            BackendError: as `require`.
            ModelError: no model, or one that is not built.
        """

    def inputs(self, model: Any) -> ModelInputs:
        """Return what the model says of its inputs; a shape of None lets the picture decide."""

    def hints(self, model: Any) -> Hints:
        """Return what the model says of itself."""

    def picture_steps(self, preprocess: Any) -> PictureSteps | None:
        """Return what the framework's own preprocessing of pictures does; None for any other callable."""

    def mark(self, model: Any) -> object:
        """Return what is unequal once a layer, a variable or the computation of the model is replaced.

        A `records.Mark` says besides when the weights have other values.
        """

    def trace(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> Traced:
        """Return the model prepared for inputs like `flat`; the model is never changed.

        Raises:
            ModelError: it cannot be called on such inputs.
        """

    def tensors(self, arrays: Sequence[np.ndarray]) -> list[Any]:
        """Return arrays as the framework's own, on the model's device."""

    def call(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> list[Any]:
        """Return every output of the model itself, called once as its user calls it, and left as it was."""

    def weights(self, model: Any) -> Iterator[tuple[str, Any]]:
        """Yield name and values of every weight, in the model's own order."""

    def configuration(self, model: Any) -> str:
        """Return how the model is built, as text that distinguishes it from others with the same weights."""

    def copy(self, model: Any) -> Copy:
        """Return a copy with the same weights and card.

        Raises:
            ModelError: the framework cannot copy it.
        """

    def running(self, model: Any) -> AbstractContextManager[None]:
        """Return a block in which the framework's own errors become a `ModelError` that a user can read."""

    def slope(self, function: Callable[[Any], Any], values: Any) -> tuple[Any, Any]:
        """Return `function(values)`, (b,), and its gradient in the values; None where it has none."""

    def versions(self) -> dict[str, str]:
        """Return the versions of what runs a model, by name, for the provenance."""

    def check_file(self, path: str | os.PathLike[str], *, trust_savedmodel: bool = False) -> None:
        """Raise `ModelError` unless a file looks like a model of this engine; imports no framework.

        Args:
            path: the file, or a name of one of the engine's schemes.
            trust_savedmodel: the folder of a SavedModel, a program, is taken too.
        """

    def load(self, path: str | os.PathLike[str], **asked: Any) -> Any:
        """Return the model in a file, read so that a file from anybody does no harm; or one that is named.

        Args:
            path: the file, or a name of one of the engine's schemes, see `engine.model_name`.
            **asked: `custom_objects`, `unsafe`, `sha256`, and what the engine takes besides.
        """

    def fill(self, model: Any, path: str | os.PathLike[str]) -> None:
        """Set a model's weights to those in a file, in place; none may be missing or left over.

        Raises:
            ModelError: the file cannot be read, or its weights are those of another model.
        """

    def pack(self, model: Any) -> Any:
        """Return what another process of ours makes the model of: bytes, or what `pickle` takes.

        Raises:
            ModelError: it cannot be sent.
        """

    def unpack(self, packed: Any) -> Any:
        """Return the model that was packed."""

    def inspect(self, path: str | os.PathLike[str]) -> Any:
        """Return what a model file holds, without building or running anything in it.

        It has `problems` (what speaks against loading it), `record()` (as JSON can hold it), `lines()` and
        `table()` (head and rows) for people.
        """

    def demo(self) -> Any:
        """Return the embedded model.

        Raises:
            ModelNotFoundError: its weights are not installed.
        """

    def demo_digest(self) -> str:
        """Return the SHA-256 of the embedded model's weights, "" without one; imports no framework."""
