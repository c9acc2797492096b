"""Methods for a layer and methods for the picture itself in one table: each is measured at its place."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import numpy_engine
from helpers.hide_one import HideOne

import visioncam
from visioncam_core.plugins.default import BUILTINS, use_registry
from visioncam_core.plugins.registry import Registry

BUDGET = {"steps": 4, "seeds": 1, "cascade": 1}
METRICS = ["deletion", "maxsensitivity", "classsensitivity"]


def test_each_method_is_measured_at_its_own_place(rng: np.random.Generator) -> None:
    pictures = list(rng.uniform(size=(2, 16, 16, 3)).astype(np.float32))
    with use_registry(Registry(BUILTINS)):
        visioncam.load_plugin(numpy_engine.__file__)
        model = numpy_engine.TwoLayers()

        def values(methods: list[object]) -> dict[tuple[str, str], list[float]]:
            table = visioncam.evaluate(model, pictures, methods, metrics=METRICS, **BUDGET)
            (at,) = table.layers
            return {(one.method, one.metric): one.values.tolist() for one in at.results}

        both, layer, picture = (values(one) for one in (["hirescam", HideOne()], ["hirescam"], [HideOne()]))
    for name, alone in (("hirescam", layer), ("hideone", picture)):
        for metric in METRICS:
            assert np.isfinite(both[name, metric]).all()
            assert both[name, metric] == pytest.approx(alone[name, metric], rel=1e-5)
