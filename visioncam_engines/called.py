"""Models of which only the answers are seen: called with pictures, without layers and gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.batches import COUNTERS, in_batches
from visioncam_core.engine.default_passes import PassesDefaults
from visioncam_core.engine.defaults import EngineDefaults, PlainView, TracedDefaults
from visioncam_core.engine.graph.probable import Logits, score_kind, tried_logits
from visioncam_core.engine.layer_table import LayerChoice, LayerRow, LayerTable
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.output import Score, named_output
from visioncam_core.engine.records import Hints, Note, Scaling
from visioncam_core.errors import ModelError, VisionCamError
from visioncam_core.text import brief, error_text

OUTPUT = "output"
SAME = 1e-4
"""Share of the largest value up to which two answers for one picture are the same."""


@attrs.frozen(eq=False)
class Calls:
    """Calls of a function, each with arrays of its own, and each answer checked.

    Attributes:
        function: of pictures (N, H, W, C), to (N, K).
        title: its name.
        values: the least and the largest value of a pixel, float32; None for whole numbers, uint8 0 to 255.
        batch: pictures in one call.
        what: what messages call it.
        ranges: of the noise that it is tried on; by default three times its own.
    """

    function: Callable[[np.ndarray], Any]
    title: str
    values: tuple[float, float] | None
    batch: int
    what: str = "the function"
    ranges: tuple[tuple[float, float], ...] = ()

    @property
    def range(self) -> tuple[float, float]:
        return self.values or (0.0, 255.0)

    def __call__(self, pictures: Any, count: int | None = None) -> np.ndarray:
        """Return (N, K) float32 for pictures (N, H, W, C); K must be `count` where that is known."""
        x = ops.to_numpy(pictures)
        rows = [self._one(x[i[0] : i[-1] + 1], count) for i in in_batches(len(x), self.batch, lambda i: i)]
        return rows[0] if len(rows) == 1 else np.concatenate(rows)

    def _one(self, x: np.ndarray, count: int | None) -> np.ndarray:
        given = np.array(x, np.float32)  # the function may write into it
        if self.values is None:
            given = np.rint(given.clip(0, 255)).astype(np.uint8)
        shape = given.shape
        try:
            found = self.function(given)
        except (VisionCamError, MemoryError):
            raise
        except Exception as error:
            raise ModelError(
                f"{self.what} {self.title!r} raised {error_text(error)} on pictures of shape {shape}, "
                f"{given.dtype}; check that it takes numpy.zeros({shape}, {given.dtype.name!r})"
            ) from error
        return self._checked(found, len(given), count)

    def _checked(self, found: Any, pictures: int, count: int | None) -> np.ndarray:
        what, wanted = f"{self.what} {self.title!r} returned", f"return numbers of shape ({pictures}, K)"
        try:
            values = ops.to_numpy(found)
        except Exception as error:  # rows of several lengths, whatever __array__ raises
            raise ModelError(f"{what} {brief(found, 60)}, not an array; {wanted}") from error
        if values.dtype.kind not in "fiub":
            raise ModelError(f"{what} {brief(found, 60)} of type {type(found).__name__}; {wanted}")
        if self.batch == 1 and values.ndim == 1 and values.dtype.kind == "f":
            values = values[None]  # of its one picture
        if values.shape[:1] != (pictures,) or values.ndim not in (1, 2) or not values.size:
            raise ModelError(
                f"{what} shape {values.shape} for {pictures} pictures; {wanted}, a row for each, or pass "
                "batch=1 if it takes one picture at a time"
            )
        if values.ndim == 1 and values.dtype.kind != "f":
            raise ModelError(f"{what} one whole number for each picture, a class; {wanted}, the scores")
        values = values.reshape(pictures, -1).astype(np.float32)
        if broken := int((~np.isfinite(values)).sum()):
            raise ModelError(f"{what} {broken} values that are NaN or infinite; return finite numbers")
        if count not in (None, values.shape[1]):
            raise ModelError(
                f"{what} {values.shape[1]} values for a picture, but {count} before; return as many each "
                "time, or call visioncam.forget(model) if the function has changed"
            )
        return values


def in_range(low: float, high: float) -> Scaling:
    """Return what makes black `low` and white `high`."""
    return Scaling((-low,), (1.0,), (high - low) / 255)


class CalledEngine(EngineDefaults):
    """Calls models that say of themselves `calls`, `inputs`, `hints` and `names`."""

    name = "called"
    none = ""
    """Why there are no layers, where that is not plain."""

    def inputs(self, model: Any) -> ModelInputs:
        """Return what the model says."""
        found: ModelInputs = model.inputs
        return found

    def hints(self, model: Any) -> Hints:
        """Return what the model says."""
        found: Hints = model.hints
        return found

    def trace(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> TracedBox:
        """Call it on the first picture twice, and on noise: a prepared model."""
        calls, first = model.calls, flat[0][:1]
        one = calls(first)
        count = one.shape[1]
        fitting = {1, 2} if count == 1 else {count}
        if model.names is not None and len(model.names) not in fitting:
            raise ModelError(
                f"names= of blackbox holds {len(model.names)} names, and {calls.what} {calls.title!r} "
                f"returns {count} values for a picture; pass one name for each, in its own order"
            )
        off = float(np.abs(calls(first, count) - one).max() / max(np.abs(one).max(), 1e-30))
        rng, ranges = np.random.default_rng(0), calls.ranges or (calls.range,) * 3
        noise = np.stack([rng.uniform(low, high, first.shape[1:]) for low, high in ranges]).astype(np.float32)
        try:
            answers = [one, calls(noise, count)]
        except ModelError:  # noise may be no picture to it
            answers = [one]
        COUNTERS.add("traces")
        COUNTERS.add("forward", 2 + len(noise))
        notes: tuple[Note, ...] = ()
        if off > SAME:
            message = f"{calls.what} {calls.title!r} gives two answers for the same picture, {off:.1%} apart"
            notes = (("answers-vary", message),)
        found = tried_logits(OUTPUT, OUTPUT, 1.0, lambda output: answers)
        return TracedBox(
            calls, count, found, (inputs.image_shape or (),), notes, inputs.channels_first, none=self.none
        )

    def call(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> list[Any]:
        """Return what the function returns."""
        return [model.calls(flat[0])]

    def weights(self, model: Any) -> Iterator[tuple[str, Any]]:
        """Yield its answer to one noise picture: the same function has the same."""
        calls: Calls = model.calls
        low, high = calls.range
        shape = [1, *(n or 32 for n in model.inputs.image_shape)]
        yield "answer", calls(np.random.default_rng(0).uniform(low, high, shape)).astype(np.float16)

    def configuration(self, model: Any) -> str:
        """Return its name, size and range."""
        return f"{model.calls.title} {model.inputs.image_shape} {model.calls.values}"


@attrs.frozen(eq=False)
class TracedBox(TracedDefaults):
    """A function that was called once.

    Attributes:
        calls: the function.
        count: K.
        found: whether its output is probabilities.
        shapes: of its pictures.
        notes: what the reader should know of it.
        channels_first: whether its pictures are (N, C, *space).
        rows: of the layers that can be seen.
        none: why there are none.
    """

    calls: Calls
    count: int
    found: Logits
    shapes: tuple[tuple[int | None, ...], ...]
    notes: tuple[Note, ...]
    channels_first: bool = False
    rows: tuple[LayerRow, ...] = ()
    none: str = ""

    def answers(self, flat: list[Any]) -> list[Any]:
        """Return what the function returns."""
        return [self.shown(self.calls(flat[0], self.count))]

    def shown(self, values: Any) -> Any:
        """Return the function's own answer for what `calls` gives, which is logits where they are known."""
        activations = {"softmax": ops.softmax, "sigmoid": ops.sigmoid}
        return activations[self.found.activation](values) if self.found.activation else values

    def view(self, inputs: ModelInputs, flat: list[Any], output: str | int | None, wanted: str) -> PlainView:
        """Return the view of its one output."""
        name, shape = named_output((OUTPUT,), output), (None, self.count)
        kind, assumed = score_kind(self.found, wanted)
        found = self.found
        score = Score(
            name, kind, shape, shape, found.activation, assumed, own=found.own, complete=found.complete
        )
        space = tuple(int(n) for n in (flat[0].shape[2:] if self.channels_first else flat[0].shape[1:-1]))
        table = LayerTable(self.rows, space, output=name, model_name=self.calls.title, none=self.none)

        def passes(choice: LayerChoice, reshape: Any, budget: Any) -> BoxPasses:
            return self.passes(choice, BoxPasses(score, reshape, budget, self.channels_first, self))

        return PlainView(
            score, table, passes, channels_first=self.channels_first, outputs=(name,), notes=self.notes,
            exact=self.calls.batch == 1,
        )  # fmt: skip

    def passes(self, choice: LayerChoice, plain: BoxPasses) -> BoxPasses:
        """Return the passes at a layer; there is only the picture."""
        return plain


@attrs.frozen(eq=False)
class BoxPasses(PassesDefaults):
    """Passes whose layer is the picture itself."""

    box: TracedBox

    def observe(self, flat: list[Any]) -> tuple[Any, Any, Any]:
        """Return (pictures, values, answer)."""
        pictures = np.moveaxis(flat[0], 1, -1) if self.channels_first else flat[0]
        return (pictures, *self._answered(flat[0]))

    def tail_of(self, single: list[Any], activations: Any) -> tuple[Any, Any]:
        """Return (values, answer) of pictures, channels last."""
        return self._answered(np.moveaxis(activations, -1, 1) if self.channels_first else activations)

    def _answered(self, pictures: Any) -> tuple[Any, Any]:
        return self.scored(self.box.calls(pictures, self.box.count))

    def scored(self, values: Any) -> tuple[Any, Any]:
        """Return (values, answer) of what the box's calls give."""
        answer = self.box.shown(values)
        if self.score.assumed:
            return (ops.softmax if self.box.count > 1 else ops.sigmoid)(values), answer
        return (answer if self.score.kind == "probability" else values), answer
