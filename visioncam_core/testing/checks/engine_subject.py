"""The engine under test, with a model and pictures, and what the checks ask of it."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.batches import COUNTERS, Budget
from visioncam_core.engine.cache import open_trace
from visioncam_core.engine.interface import Engine, Passes, View
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.records import PassResult
from visioncam_core.plugins.specs import EngineSpec
from visioncam_core.testing.checks.subject import require


@attrs.frozen(eq=False)
class EngineSubject:
    """The engine under test.

    Attributes:
        spec: its row, or None.
        engine: the engine.
        model: a model of it.
        images: its flat inputs, at least three rows each.
        rounding: how far its answers may be off the model's own, as a share of the largest.
        layer: path of the layer that is looked at; "" for the last candidate but the score.
    """

    spec: EngineSpec | None
    engine: Engine
    model: Any
    images: list[np.ndarray]
    rounding: float = 0.0
    layer: str = ""

    @classmethod
    def of(cls, engine: Any, model: Any, images: Any, rounding: float, layer: str) -> EngineSubject:
        flat = list(images) if isinstance(images, list | tuple) else [images]
        spec = engine if isinstance(engine, EngineSpec) else None
        made: Engine = spec.make() if spec is not None else engine
        return cls(spec, made, model, [np.asarray(one) for one in flat], rounding, layer)

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def differentiates(self) -> bool:
        """Whether it gives gradients; without a row it is taken to."""
        return self.spec is None or "gradients" in self.spec.can

    @property
    def copies(self) -> bool:
        return self.spec is not None and "copies" in self.spec.can

    @property
    def inputs(self) -> ModelInputs:
        return self.engine.inputs(self.model)

    def flat(self, rows: slice = slice(0, 1)) -> list[Any]:
        return self.engine.tensors([one[rows] for one in self.images])

    def view(self, model: Any = None) -> View:
        model, flat = self.model if model is None else model, self.flat()
        inputs = self.engine.inputs(model)
        return open_trace(self.engine, model, inputs, flat).view(inputs, flat, None, "logit")

    def choice(self, view: View) -> LayerChoice:
        rows = [row for row in view.table.candidates if row.reaches_score and not row.is_score]
        require(rows, f"{self.name} lists no layer of {view.table.model_name!r} that can be explained")
        found = [row for row in rows if row.path == self.layer] if self.layer else rows[-1:]
        require(found, f"{self.name} lists no layer {self.layer!r} that can be explained")
        return LayerChoice(found[0], "for the check")

    def passes(self, batch: int = 2, model: Any = None) -> Passes:
        view = self.view(model)
        return view.passes(self.choice(view), None, Budget(batch))

    def probe(self, rows: slice = slice(0, 1), classes: int = 0) -> PassResult:
        """Return what passes over some pictures give, with gradients where the engine has them."""
        passes, flat = self.passes(), self.flat(rows)
        if not self.differentiates:
            return passes.watch(flat, [])[0]
        return passes.probe(flat, np.full(len(flat[0]), classes, np.int32))

    def values_behind(self, passes: Passes, activations: np.ndarray) -> np.ndarray:
        """Return (b, V) values for (b, *grid, K) activations of the first picture."""
        found = passes.tail(self.flat(), None, lambda k: activations[k], len(activations), values_of)
        return np.asarray(found)

    def duplicate(self) -> Any:
        return self.engine.copy(self.model).model if self.copies else copy.deepcopy(self.model)

    def state(self) -> list[tuple[str, bytes]]:
        """Return name and bytes of everything in the model: its weights, and what arrays it holds."""
        weights = [(name, ops.to_numpy(value).tobytes()) for name, value in self.engine.weights(self.model)]
        held = getattr(self.model, "__dict__", {})
        return weights + [
            (name, value.tobytes() if isinstance(value, np.ndarray) else str(id(value)).encode())
            for name, value in sorted(held.items())
        ]


def values_of(values: Any, answer: Any) -> np.ndarray:
    found = ops.to_numpy(values)
    return found.reshape(len(found), -1)


def spent(call: Callable[[], Any]) -> Counter[str]:
    before = COUNTERS.snapshot()
    call()
    return COUNTERS.snapshot() - before


def each(results: Iterable[PassResult]) -> dict[str, np.ndarray]:
    """Return the arrays of results for single pictures, joined."""
    rows: Sequence[PassResult] = list(results)
    names = ["activations", "values", "answer", *(["gradients"] if rows[0].gradients is not None else [])]
    return {name: np.concatenate([ops.to_numpy(getattr(row, name)) for row in rows]) for name in names}
