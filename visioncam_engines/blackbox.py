"""Any Python function of pictures as a model: only scores, without layers and gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.batches import COUNTERS, in_batches
from visioncam_core.engine.default_passes import PassesDefaults
from visioncam_core.engine.defaults import EngineDefaults, PlainView, TracedDefaults
from visioncam_core.engine.graph.probable import Logits, score_kind, tried_logits
from visioncam_core.engine.layer_table import LayerTable
from visioncam_core.engine.model_inputs import ModelInput, ModelInputs
from visioncam_core.engine.output import Score, named_output
from visioncam_core.engine.records import Hints, Note, Scaling
from visioncam_core.errors import ModelError, OptionError, OptionTypeError, VisionCamError
from visioncam_core.targets.class_names import load_class_names
from visioncam_core.text import brief, error_text, whole

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
    """

    function: Callable[[np.ndarray], Any]
    title: str
    values: tuple[float, float] | None
    batch: int

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
                f"the function {self.title!r} raised {error_text(error)} on pictures of shape {shape}, "
                f"{given.dtype}; check that it takes numpy.zeros({shape}, {given.dtype.name!r})"
            ) from error
        return self._checked(found, len(given), count)

    def _checked(self, found: Any, pictures: int, count: int | None) -> np.ndarray:
        what, wanted = f"the function {self.title!r} returned", f"return numbers of shape ({pictures}, K)"
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


@attrs.frozen(eq=False)
class BlackBox:
    """A function as a model; see `blackbox`.

    Attributes:
        calls: the function.
        size: (height, width) of its pictures; None for the picture's own.
        channels: 3 for RGB, 1 for grey.
        names: of its K classes, or None.
    """

    calls: Calls = attrs.field(repr=lambda calls: calls.title)
    size: tuple[int, int] | None
    channels: int
    names: tuple[str, ...] | None = attrs.field(repr=False)


def blackbox(
    function: Callable[[np.ndarray], Any],
    size: tuple[int, int] | None = (224, 224),
    *,
    values: tuple[float, float] | None = None,
    names: Any = None,
    channels: int = 3,
    batch: int = 32,
) -> BlackBox:
    """Return a model made of any function of pictures, for the methods that need only scores.

        model = visioncam.blackbox(classify, size=(224, 224), names=["cat", "dog"])
        visioncam.explain(model, "cat.jpg", "occlusion").save("cat.png")

    Args:
        function: given pictures (N, height, width, channels), RGB, returns (N, K) scores or probabilities;
            (N,) where there is a single one.  It may be a remote service, a scikit-learn pipeline, a rule.
        size: (height, width) that pictures are fitted to; None for the picture's own.
        values: None for uint8, 0 to 255; (0, 1) or another range for float32.
        names: a name for each of the K, or a JSON or text file with them.
        channels: 3, or 1 for grey pictures.
        batch: pictures in one call; 1 for a function that takes a single one, (1, height, width, channels),
            and may return (K,).

    Raises:
        OptionError: an argument out of its range.
    """
    if not callable(function) or isinstance(function, type):
        raise OptionTypeError(
            f"blackbox takes a function of pictures (N, H, W, C), received {brief(function, 60)}; pass that"
        )
    if size is not None and not (_pair(size) and all((whole(n) or 0) >= 1 for n in size)):
        raise OptionError(f"size is (height, width) or None, received {brief(size)}; pass (224, 224)")
    if values is not None and not (_pair(values) and _ascends(*values)):
        raise OptionError(
            f"values is the range of a pixel or None for uint8, received {brief(values)}; pass (0, 1)"
        )
    if channels not in (1, 3):
        raise OptionError(
            f"channels is 3 for RGB or 1 for grey, received {brief(channels)}; pass one of them"
        )
    if (whole(batch) or 0) < 1:
        raise OptionError(f"batch must be a number of pictures, at least 1; received {brief(batch)}; pass 32")
    inner = function.func if isinstance(function, partial) else function
    title = str(getattr(inner, "__name__", type(inner).__name__))
    limits = None if values is None else (float(values[0]), float(values[1]))
    fitted = None if size is None else (int(size[0]), int(size[1]))
    calls = Calls(function, title, limits, int(batch))
    return BlackBox(calls, fitted, int(channels), load_class_names(names))


def _pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2


def _ascends(low: Any, high: Any) -> bool:
    try:
        return bool(low < high) and math.isfinite(low) and math.isfinite(high)
    except TypeError:
        return False


class BlackBoxEngine(EngineDefaults):
    """Calls functions."""

    name = "blackbox"

    def inputs(self, model: BlackBox) -> ModelInputs:
        """Return that it takes one picture; whole numbers are floats until the function is called."""
        shape = (*(model.size or (None, None)), model.channels)
        return ModelInputs((ModelInput("picture", shape, "float32"),), 0, 0, False)

    def hints(self, model: BlackBox) -> Hints:
        """Return its name, and what its pixels are."""
        low, high = model.calls.range
        kind = "uint8" if model.calls.values is None else f"values={model.calls.values}"
        return Hints(
            model.calls.title, "Python function", 0, Scaling((-low,), (1.0,), (high - low) / 255),
            f"visioncam.blackbox says {kind}", class_names=model.names,
        )  # fmt: skip

    def trace(self, model: BlackBox, inputs: ModelInputs, flat: list[Any]) -> TracedBox:
        """Call it on the first picture twice, and on noise: a prepared model."""
        calls, first = model.calls, flat[0][:1]
        one = calls(first)
        count = one.shape[1]
        fitting = {1, 2} if count == 1 else {count}
        if model.names is not None and len(model.names) not in fitting:
            raise ModelError(
                f"names= of blackbox holds {len(model.names)} names, and the function {calls.title!r} "
                f"returns {count} values for a picture; pass one name for each, in its own order"
            )
        off = float(np.abs(calls(first, count) - one).max() / max(np.abs(one).max(), 1e-30))
        noise = np.random.default_rng(0).uniform(*calls.range, (3, *first.shape[1:])).astype(np.float32)
        try:
            answers = [one, calls(noise, count)]
        except ModelError:  # noise may be no picture to it
            answers = [one]
        COUNTERS.add("traces")
        COUNTERS.add("forward", 2 + len(noise))
        notes: tuple[Note, ...] = ()
        if off > SAME:
            message = f"the function {calls.title!r} gives two answers for the same picture, {off:.1%} apart"
            notes = (("answers-vary", message),)
        found = tried_logits(OUTPUT, OUTPUT, 1.0, lambda output: answers)
        shape = (*(model.size or (None, None)), model.channels)
        return TracedBox(calls, count, found, (shape,), notes)

    def call(self, model: BlackBox, inputs: ModelInputs, flat: list[Any]) -> list[Any]:
        """Return what the function returns."""
        return [model.calls(flat[0])]

    def weights(self, model: BlackBox) -> Iterator[tuple[str, Any]]:
        """Yield its answer to one noise picture: the same function has the same."""
        space = model.size or (32, 32)
        noise = np.random.default_rng(0).uniform(*model.calls.range, (1, *space, model.channels))
        yield "answer", model.calls(noise).astype(np.float16)

    def configuration(self, model: BlackBox) -> str:
        """Return its name, size and range."""
        return f"{model.calls.title} {model.size} {model.channels} {model.calls.values}"


@attrs.frozen(eq=False)
class TracedBox(TracedDefaults):
    """A function that was called once.

    Attributes:
        calls: the function.
        count: K.
        found: whether its output is probabilities.
        shapes: of its pictures.
        notes: what the reader should know of it.
    """

    calls: Calls
    count: int
    found: Logits
    shapes: tuple[tuple[int | None, ...], ...]
    notes: tuple[Note, ...]

    def answers(self, flat: list[Any]) -> list[Any]:
        """Return what the function returns."""
        return [self.calls(flat[0], self.count)]

    def view(self, inputs: ModelInputs, flat: list[Any], output: str | int | None, wanted: str) -> PlainView:
        """Return the view of its one output."""
        name, shape = named_output((OUTPUT,), output), (None, self.count)
        kind, assumed = score_kind(self.found, wanted)
        score = Score(
            name, kind, shape, shape, assumed=assumed, own=self.found.own, complete=self.found.complete
        )
        space = tuple(int(n) for n in flat[0].shape[1:-1])
        table = LayerTable((), space, output=name, model_name=self.calls.title)

        def passes(choice: Any, reshape: Any, budget: Any) -> BoxPasses:
            return BoxPasses(score, reshape, budget, False, self)

        return PlainView(score, table, passes, outputs=(name,), notes=self.notes, exact=self.calls.batch == 1)


@attrs.frozen(eq=False)
class BoxPasses(PassesDefaults):
    """Passes whose layer is the picture itself."""

    box: TracedBox

    def observe(self, flat: list[Any]) -> tuple[Any, Any, Any]:
        """Return (pictures, values, answer)."""
        return (flat[0], *self.tail_of(flat, flat[0]))

    def tail_of(self, single: list[Any], activations: Any) -> tuple[Any, Any]:
        """Return (values, answer) of pictures."""
        answer = self.box.calls(activations, self.box.count)
        if not self.score.assumed:
            return answer, answer
        return (ops.softmax if self.box.count > 1 else ops.sigmoid)(answer), answer
