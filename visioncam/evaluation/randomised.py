"""The maps of randomised copies of the model: a control, and what the sanity check compares with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import numpy as np

from visioncam.evaluation.subjects import Maps
from visioncam_core.engine.batches import Budget
from visioncam_core.engine.cache import compared, difference, open_trace
from visioncam_core.engine.interface import Copy
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.errors import ModelError
from visioncam_core.images.sample import Read
from visioncam_core.metrics.probe import probes
from visioncam_core.pipeline.explainer import Explainer

SAME = 1e-5
"""The share of the largest output by which a copy may differ."""


@attrs.frozen(eq=False)
class Randomised:
    """A copy of a model that can be randomised step by step, from the logits down."""

    copy: Copy
    trained: list[np.ndarray]  # its weights
    steps: int  # from the trained model to one with every layer random

    @classmethod
    def of(cls, copy: Copy, steps: int = 4) -> Randomised:
        """Return a copy that can be randomised; each step randomises as many layers more."""
        return cls(copy, copy.get(), steps)

    @property
    def model(self) -> Any:
        """The copy; explain it like any model."""
        return self.copy.model

    def step(self, number: int, seed: int) -> None:
        """Give the copy the weights of one step: 0 is as trained, `steps` has every layer random.

        Weights of the layers below stay exactly as trained.  A weight drawn at one step is the same at
        the next.
        """
        layers = max(self.copy.owners, default=-1) + 1
        first = layers - round(layers * number / self.steps)
        self.copy.set(
            [
                redraw(value, np.random.default_rng((seed, i))) if owner >= first else value
                for i, (value, owner) in enumerate(zip(self.trained, self.copy.owners, strict=True))
            ]
        )


def checked_copy(explainer: Explainer, read: Read) -> Copy:
    """Return a copy of the explainer's model that answers as the model does on the first picture.

    Raises:
        ModelError: it cannot be copied, or the copy is another model; the first layer that differs is named.
    """
    engine = explainer.engine
    flat = engine.tensors(next(read.items[0].parts()).flat)
    with engine.running(explainer.model):
        ours, _ = compared(engine, explainer.model, explainer.inputs, flat)
        copy = engine.copy(explainer.model)
        twin = Explainer.of(copy.model, explainer.request)
        theirs = open_trace(engine, copy.model, twin.inputs, flat)
        off = difference(ours.answers(flat), theirs.answers(flat))
    if off > SAME:
        layer = next(_differing(explainer, twin, read, flat), "one that is not listed")
        raise ModelError(
            f"a copy of the model differs by {off:.1%} from the model itself, first at layer "
            f"{layer!r}; its engine leaves out part of the model, so it can't be randomised"
        )
    return copy


def _differing(explainer: Explainer, twin: Explainer, read: Read, flat: list[Any]) -> Iterator[str]:
    """Yield the layers, from the input, whose outputs differ between a model and its copy."""
    view, other = explainer.layers(read)[0], twin.layers(read)[0]
    for row in view.table.candidates:
        alike = next((one for one in other.table.candidates if one.path == row.path), None)
        found = [
            one.passes(LayerChoice(place, "to compare"), None, Budget(1)).watch(flat, [])[0].activations
            for one, place in ((view, row), (other, alike))
            if place is not None
        ]
        if len(found) < 2 or difference([found[0]], [found[1]]) > SAME:
            yield row.path


def redraw(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a random weight: a kernel from a normal distribution with the trained one's mean and spread.

    Vectors (biases, scales, statistics) are shuffled, so that a variance stays positive.  What is not a
    floating point number, such as a counter, stays.
    """
    if value.dtype.kind != "f" or value.ndim == 0:
        return value
    if value.ndim == 1:
        return rng.permutation(value)
    drawn = rng.normal(float(value.mean(dtype=np.float64)), float(value.std(dtype=np.float64)), value.shape)
    return drawn.astype(value.dtype)


def random_maps(
    explainer: Explainer,
    copy: Randomised,
    read: Read,
    classes: list[int],
    layer: str,
    seeds: dict[str, int],
    tick: Callable[[], None],
) -> Maps:
    """Return every method's raw maps after each step of the cascade.

    The explainer is of the trained model, and `classes` are those of its clean pictures; `seeds` are as
    `affordable` returns them; `tick` is called after each picture.
    """
    found: Maps = {}
    request = explainer.request
    if request.looks_at_layers():
        request = explainer.with_settings(layer=layer).request
    for seed in range(max(1, *seeds.values())):
        for step in range(1, copy.steps + 1):
            last = step == copy.steps
            methods = [one for one in explainer.methods if _is_due(seeds[one.name], seed, last)]
            if not methods:
                continue
            copy.step(step, seed)
            random = Explainer.of(copy.model, request).with_methods(*methods)
            for probe in probes(random, read, list(classes)):
                for named in methods:
                    rows = found.setdefault((named.name, probe.number), [])
                    if len(rows) == seed:
                        rows.append([])
                    rows[seed].append(_finite(probe.of(named).apply(named).raw))
                tick()
    copy.step(0, 0)
    return found


def affordable(cost: dict[str, int], patience: int, seeds: int, steps: int) -> dict[str, int]:
    """Return how many seeds of the cascade each method can afford, by the passes that one map costs it.

    All of them; or 0, which leaves the last step of the first seed; or -1, nothing at all.
    """
    return {
        name: seeds if one * seeds * steps <= patience else 0 if one <= patience else -1
        for name, one in cost.items()
    }


def _is_due(seeds: int, seed: int, last: bool) -> bool:
    return seeds > seed or (seeds == 0 and seed == 0 and last)


def _finite(raw: Any) -> np.ndarray | None:
    if raw is None or not np.all(np.isfinite(raw[0])):
        return None
    return np.asarray(raw[0])
