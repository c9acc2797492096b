"""An engine for two-layer networks in NumPy, gradients written by hand; a plugin file, and a test's module.

    A = relu(P E)              P: means of the picture over 2x2 blocks; the layer `features`
    H = relu(A V)              the layer `hidden`
    logits = mean over positions of H W

It imports nothing but NumPy and the core.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.default_passes import PassesDefaults
from visioncam_core.engine.defaults import EngineDefaults, PlainView, TracedDefaults
from visioncam_core.engine.layer_table import LayerChoice, LayerRow, LayerTable, Layout
from visioncam_core.engine.model_inputs import ModelInput, ModelInputs
from visioncam_core.engine.output import Score
from visioncam_core.engine.records import Hints
from visioncam_core.hookspecs import hookimpl
from visioncam_core.specs import EngineSpec


class TwoLayers:
    """A network for pictures (side, side, 3) in 0..1; `network(x)` gives probabilities."""

    def __init__(self, side: int = 16, classes: int = 3, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.side, self.name = side, "two_layers"
        self.E = rng.normal(size=(3, 6)).astype(np.float32)
        self.V = rng.normal(size=(6, 5)).astype(np.float32)
        self.W = rng.normal(size=(5, classes)).astype(np.float32)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        n, h, w, c = x.shape
        P = x.reshape(n, h // 2, 2, w // 2, 2, c).mean(axis=(2, 4))
        logits = (np.maximum(np.maximum(P @ self.E, 0) @ self.V, 0) @ self.W).mean(axis=(1, 2))
        return softmax(logits)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


class NumPyEngine(EngineDefaults):
    """Runs `TwoLayers`."""

    name = "numpy-two-layers"

    def inputs(self, model: Any) -> ModelInputs:
        return ModelInputs((ModelInput("picture", (model.side, model.side, 3), "float32"),), 0, 0, False)

    def hints(self, model: Any) -> Hints:
        return Hints(model.name, "NumPy", model.E.size + model.V.size + model.W.size, "unit", "it says so")

    def trace(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> Traced:
        COUNTERS.add("traces")
        return Traced(model.side, model.E, model.V, model.W)

    def call(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> list[Any]:
        return [model(flat[0])]

    def weights(self, model: Any) -> Any:
        yield from ((name, getattr(model, name)) for name in "EVW")


@attrs.frozen(eq=False)
class Traced(TracedDefaults):
    """The arrays of a network; they are shared with it."""

    side: int
    E: np.ndarray
    V: np.ndarray
    W: np.ndarray

    @property
    def shapes(self) -> Any:  # type: ignore[override]
        return [(self.side, self.side, 3)]

    def answers(self, flat: list[Any]) -> list[Any]:
        return [softmax(self.logits(self.features(flat[0]), "features"))]

    def features(self, x: np.ndarray) -> np.ndarray:
        n, h, w, c = x.shape
        return np.maximum(x.reshape(n, h // 2, 2, w // 2, 2, c).mean(axis=(2, 4)) @ self.E, 0)

    def logits(self, values: np.ndarray, layer: str) -> np.ndarray:
        """Return the logits behind a layer."""
        hidden = np.maximum(values @ self.V, 0) if layer == "features" else values
        return (hidden @ self.W).mean(axis=(1, 2))

    def view(self, inputs: ModelInputs, flat: list[Any], output: Any, wanted: str) -> PlainView:
        shape = (None, self.W.shape[1])
        kind = "logit" if wanted == "logit" else "probability"
        score = Score("probabilities", kind, shape, shape, "softmax")
        grid = (self.side // 2, self.side // 2)
        rows = [
            LayerRow(
                path, path, "Layer", (*grid, k), Layout("grid", grid, k), (2.0, 2.0), (0,), True, index=i
            )
            for i, (path, k) in enumerate((("features", 6), ("hidden", 5)))
        ]
        table = LayerTable(
            tuple(rows), (self.side, self.side), output="probabilities", model_name="two_layers"
        )

        def make(choice: LayerChoice, reshape: Any, budget: Any) -> Passes:
            return Passes(score, reshape, budget, False, self, choice.path)

        return PlainView(score, table, make, outputs=("probabilities",))


@attrs.frozen(eq=False)
class Passes(PassesDefaults):
    """The three functions that are an engine's own."""

    net: Traced
    layer: str

    def observe(self, flat: list[Any]) -> tuple[Any, Any, Any]:
        if self.layer == "input":
            return (flat[0], *self.tail_of([], flat[0]))
        A = self.net.features(flat[0])
        A = A if self.layer == "features" else np.maximum(A @ self.net.V, 0)
        return (A, *self.tail_of([], A))

    def tail_of(self, single: list[Any], activations: Any) -> tuple[Any, Any]:
        if self.layer == "input":
            logits = self.net.logits(self.net.features(activations), "features")
        else:
            logits = self.net.logits(activations, self.layer)
        return (logits if self.score.kind == "logit" else softmax(logits)), softmax(logits)

    def gradient(self, flat: list[Any], activations: Any, cotangent: Any) -> Any:
        if self.layer == "input":
            A = self.net.features(activations)
            G = attrs.evolve(self, layer="features").gradient(flat, A, cotangent)
            blocks = (G * (A > 0)) @ self.net.E.T / 4
            return blocks.repeat(2, axis=1).repeat(2, axis=2).astype(np.float32)
        cotangent = np.asarray(cotangent)
        if self.score.kind == "probability":  # back through the softmax
            p = softmax(self.net.logits(activations, self.layer))
            cotangent = p * (cotangent - (p * cotangent).sum(axis=-1, keepdims=True))
        positions = activations.shape[1] * activations.shape[2]
        back = (cotangent @ self.net.W.T)[:, None, None, :] / positions
        if self.layer == "hidden":
            return np.broadcast_to(back, activations.shape).astype(np.float32)
        return ((back * (activations @ self.net.V > 0)) @ self.net.V.T).astype(np.float32)


def of_numpy(model: Any) -> bool:
    return any(cls.__name__ == "TwoLayers" for cls in type(model).__mro__)


SPEC = EngineSpec(
    "numpy-two-layers",
    of_numpy,
    NumPyEngine,
    "two-layer network",
    can={"layers", "gradients", "input-gradients"},
)


@hookimpl
def visioncam_register_engines() -> list[EngineSpec]:
    return [SPEC]
