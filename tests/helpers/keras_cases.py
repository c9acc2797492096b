"""What must hold for Keras on every backend; each folder `tests/frameworks/keras_*` runs these on its own."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import pytest

from helpers import keras_told as told
from helpers import keras_zoo as zoo
from visioncam_core.engine.batches import COUNTERS, Budget
from visioncam_core.engine.cache import open_trace
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.plugins.default import registry
from visioncam_core.testing import Check, engine_checks

BACKEND = keras.config.backend()
SPEC = next(row for row in registry().engines() if row.name == f"keras-{BACKEND}")
TOLD: dict[str, Any] = json.loads((told.DATA / "keras_models.json").read_text())
DRAW = np.random.default_rng(0)
PICTURES = DRAW.uniform(size=(4, 24, 24, 3)).astype(np.float32)
PICTURE = PICTURES[0]
AGREE, AGREE_ABLATION = 1e-5, 7e-5
"""Of the largest value; Ablation-CAM's are differences of nearly equal scores."""
SHOWS_BEHIND = BACKEND == "torch"
"""Whether what lies behind the logits counts as computed for the score: there the answer is read too."""


@lru_cache
def kept_model(name: str) -> Any:
    """Return a model for tests that only look at it: building one takes JAX seconds."""
    return zoo.model_of(name)


def spent(call: Any) -> Any:
    before = COUNTERS.snapshot()
    call()
    return COUNTERS.snapshot() - before


# ---- the contract


def checks() -> list[Check]:
    found = engine_checks(SPEC, zoo.model_of("nested"), PICTURES, rounding=1e-6)
    found += engine_checks(SPEC, zoo.model_of("sequential"), PICTURES, rounding=1e-6, layer="a")
    found += engine_checks(SPEC, zoo.model_of("subclassed"), PICTURES, rounding=1e-6, layer="twice#0")
    facts = DRAW.normal(size=(4, 4)).astype(np.float32)
    return found + engine_checks(SPEC, zoo.model_of("several"), [PICTURES, facts], rounding=1e-6)


@pytest.mark.parametrize("check", checks())
def test_contract(check: Check) -> None:
    check()


# ---- the same as on TensorFlow


@pytest.mark.parametrize("name", zoo.ZOO)
def test_layers_and_scores_are_those_of_tensorflow(name: str) -> None:
    """Paths, grids, placements, refusals; what runs inside a loop over time is called otherwise."""
    model = kept_model(name)
    rows, chosen, score = told.rows_of(model)
    assert chosen == TOLD[name]["auto"]
    assert score == TOLD[name]["score"]
    found, expected = ({row["path"]: row for row in some} for some in (rows, TOLD[name]["rows"]))
    for path, row in expected.items():
        looped = "lstm_cell" in path or (SHOWS_BEHIND and path.startswith("each/"))
        if looped:
            continue
        here = json.loads(json.dumps(found[path]))
        if SHOWS_BEHIND and not row["flags"][0]:
            here["flags"] = row["flags"]
        assert here == row
    kept = np.load(told.DATA / "keras_models.npz")
    engine = registry().engine_of(model)
    inputs, flat = engine.inputs(model), engine.tensors(zoo.inputs_of(model))
    first = np.asarray(open_trace(engine, model, inputs, flat).answers(flat)[0])
    assert np.abs(first - kept[f"{name}/answer"]).max() < 1e-6


@pytest.mark.parametrize("name", zoo.MAPPED)
def test_maps_of_all_methods_are_those_of_tensorflow(name: str) -> None:
    kept = np.load(told.DATA / "keras_models.npz")
    for method, found in told.maps_of(kept_model(name), TOLD[name]["auto"]).items():
        expected = kept[f"{name}/{method}"]
        limit = AGREE_ABLATION if method == "ablationcam" else AGREE
        assert np.abs(found - expected).max() <= limit * np.abs(expected).max(), method


# ---- gradients, on a twin that was never traced


def twin_gradient(model: Any, layer: str, picture: np.ndarray, index: int) -> np.ndarray:
    """Return the gradient of a logit in what is added to a layer's output, by the framework itself."""
    unit = model.get_layer(layer)
    original = unit.call
    shape = (1, *unit.output.shape[1:])

    def score(added: Any) -> Any:
        object.__setattr__(unit, "call", lambda *args, **kwargs: original(*args, **kwargs) + added)
        return model(picture, training=False)[:, index].sum()

    if BACKEND == "torch":
        import torch

        leaf = torch.zeros(shape, requires_grad=True)
        (found,) = torch.autograd.grad(score(leaf), leaf)
        return np.asarray(found)
    import jax

    return np.asarray(jax.grad(score)(jax.numpy.zeros(shape)))


@pytest.mark.parametrize(("name", "layer"), [("vit", "n1"), ("scaled", "add"), ("scaled", "stem")])
def test_gradients_are_those_of_the_framework(name: str, layer: str) -> None:
    model = kept_model(name)
    picture = zoo.inputs_of(model)[0]
    expected = twin_gradient(zoo.model_of(name), layer, picture, 1)
    engine = registry().engine_of(model)
    inputs = engine.inputs(model)
    flat = engine.tensors([picture])
    view = engine.trace(model, inputs, flat).view(inputs, flat, None, "logit")
    row = next(row for row in view.table.rows if row.path == layer)
    gradient = (
        view.passes(LayerChoice(row, ""), None, Budget()).probe(flat, np.array([1], np.int32)).gradients
    )
    got = np.asarray(gradient)
    if row.layout.kind == "tokens":
        expected = expected[:, row.layout.prefix :]
    assert np.abs(got.reshape(expected.shape) - expected).max() <= 1e-6 * np.abs(expected).max() + 1e-9
