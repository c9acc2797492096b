"""The maps of randomised copies of the model: a control, and what the sanity check compares with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from visioncam.evaluation.subjects import Maps
from visioncam_core.images.reader import Read
from visioncam_core.metrics.probe import sittings
from visioncam_core.pipeline.explainer import Explainer
from visioncam_engines.tensorflow.randomise import Randomised


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

    Args:
        explainer: of the trained model; its methods and settings are taken over.
        copy: the model that is randomised.
        read: the pictures.
        classes: the explained class of each, fixed on the trained model.
        layer: path of the layer.
        seeds: method -> how many seeds, as `affordable` returns them.
        tick: called after each picture.
    """
    found: Maps = {}
    request = explainer.with_settings(layer=layer).request
    for seed in range(max(1, *seeds.values())):
        for step in range(1, copy.steps + 1):
            last = step == copy.steps
            methods = [one for one in explainer.methods if _is_due(seeds[one.name], seed, last)]
            if not methods:
                continue
            copy.step(step, seed)
            twin = Explainer.of(copy.model, request).with_methods(*methods)
            for sitting in sittings(twin, read, list(classes)):
                for named in methods:
                    rows = found.setdefault((named.name, sitting.number), [])
                    if len(rows) == seed:
                        rows.append([])
                    rows[seed].append(_finite(sitting.apply(named).raw))
                tick()
    copy.step(0, 0)
    return found


def affordable(cost: dict[str, int], patience: int, seeds: int, steps: int) -> dict[str, int]:
    """Return how many seeds of the cascade each method can afford: all, 0, or -1.

    0 leaves the last step of the first seed, -1 nothing at all.

    Args:
        cost: method -> passes for one map.
        patience: passes that a metric may spend.
        seeds: of the cascade, as requested.
        steps: of the cascade.
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
