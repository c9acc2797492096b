"""A stranger's method or renderer that goes wrong when it is run costs one error that names it.

Everything here is a real comparison of a real model; `fake_plugins/bad_runs` is really installed.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import numpy as np
import pytest
from helpers.plugins import install, spec

import visioncam
from visioncam_core.errors import ModelError, NameNotFoundError, PluginError
from visioncam_core.metrics.case import Case
from visioncam_core.metrics.measure import judge
from visioncam_core.pipeline.apply import Method
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request
from visioncam_core.pipeline.settings import Settings
from visioncam_core.plugins.default import BUILTINS, use_registry
from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.plugins.registry import Registry
from visioncam_core.results.comparison import Comparison
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.load import load
from visioncam_core.testing import isolated_registry
from visioncam_engines.tensorflow.testing.keras_models import gap_dense

WHO = "'{}' of fake-bad-runs 0.23 failed at stage 'run': "
METHODS = {
    "raises": "RuntimeError: boom while running",
    "divides": "ZeroDivisionError: division by zero",
    "imports": "ModuleNotFoundError: No module named 'package_nobody_has'",
    "exits": "SystemExit: it tried to end the program with sys.exit(5)",
    "nan": "it returned 20 NaN or infinite values from finite evidence",
    "infinite": "it returned 20 NaN or infinite values from finite evidence",
    "keepschannels": "it returned float32 of shape (1, 4, 5, 3); a raw map here has shape (1, 4, 5)",
    "forgetsthebatch": "it returned float64 of shape (4, 5); a raw map here has shape (1, 4, 5)",
    "imaginary": "it returned complex128 of shape (1, 4, 5); a raw map here has shape (1, 4, 5) and real",
    "words": "it returned <U3 of shape (1, 4, 5)",
    "nothing": "it returned object of shape ()",
    "ragged": "it returned list, not an array",
    "huge": "it returned float32 of shape (1000000, 1000000)",
    "writes": "ValueError: assignment destination is read-only",
    "undeclared": "this evidence has no gradients: the method must declare them",
    "wrongversions": "ValueError: make(indices) returned activations of shape (3, 2, 2, 1) for 3 indices; "
    "one version for each index is (3, 4, 5, 3)",
    "toofewversions": "ValueError: make(indices) returned image inputs of shape (0, 4, 5, 3) for 3 indices",
}
RENDERERS = {
    "drawraises": "LookupError: no pencil",
    "drawexits": "SystemExit: it tried to end the program with sys.exit('no pencil')",
    "drawsfloats": "it returned float64 of shape (4, 5, 3); a picture is an (H, W, 3) uint8 array, RGB",
    "drawsgrey": "it returned uint8 of shape (4, 5)",
    "drawsopacity": "it returned uint8 of shape (4, 5, 4)",
    "drawsnothing": "it returned None",
    "drawsempty": "it returned uint8 of shape (0, 5, 3)",
    "drawsoverit": "ValueError: assignment destination is read-only",
}
INPUT = np.random.default_rng(0).uniform(size=(4, 5, 3)).astype(np.float32)


@hookimpl
def rows() -> Any:
    def first_channel(self: Any, evidence: Any) -> Any:
        return evidence.activations[..., 0]

    body = {"__call__": first_channel, "needs": frozenset({"activations"})}
    return [spec(cls=attrs.frozen(type("LocalCAM", (), body)))]


@pytest.fixture(scope="module")
def model() -> Any:
    return gap_dense([[1.0, -1.0], [0.5, 0.25], [-0.5, 2.0]])


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    install(monkeypatch, "bad_runs")
    found = Registry(BUILTINS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found.methods()
        with use_registry(found):
            yield found


def explainer(registry: Registry, model: Any, *names: str) -> Explainer:
    named = [Method.of(*registry.make_method(name)) for name in names]
    return Explainer.of(model, Request(tuple(named), Settings()))


def test_every_fault_is_tried(registry: Registry) -> None:
    assert {one.name for one in registry.methods() if one.distribution != "visioncam"} == set(METHODS)
    assert {one.name for one in registry.renderers() if one.distribution != "visioncam"} == set(RENDERERS)
    status = {one.distribution: one.status for one in registry.plugins()}
    assert (status.pop("visioncam"), status.pop("fake-bad-runs")) == ("loaded", "loaded")
    assert set(status.values()) <= {"skipped"}  # whatever else is installed here


def test_methods_that_go_wrong_hurt_no_other(registry: Registry, model: Any) -> None:
    ours = [one.name for one in registry.methods() if one.distribution == "visioncam"]
    ours = [name for name in ours if registry.method(name).family != "attention"]  # of which a CNN has none
    every = [*METHODS, *ours]
    mixed = explainer(registry, model, *every).compare(INPUT)
    alone = explainer(registry, model, *ours).compare(INPUT)
    assert isinstance(mixed, Comparison)
    assert isinstance(alone, Comparison)
    assert set(mixed.failures) == set(METHODS)
    for name, words in METHODS.items():
        assert f"method {WHO.format(name)}{words}" in mixed.failures[name]
        assert "\n" not in mixed.failures[name]
    for one, same in zip(mixed, alone, strict=True):
        assert one.raw.tobytes() == same.raw.tobytes()
    assert mixed.sheet().ndim == 3  # the failed ones keep their place


@pytest.mark.parametrize("name", ["raises", "nan", "keepschannels", "exits"])
def test_a_method_that_goes_wrong_alone_is_an_error(registry: Registry, model: Any, name: str) -> None:
    with pytest.raises(PluginError) as caught:
        explainer(registry, model, name)(INPUT)
    assert METHODS[name] in str(caught.value)
    if name in ("raises", "exits"):
        assert type(caught.value.__cause__).__name__ in METHODS[name]  # the traceback leads to the plugin


def test_an_interrupt_while_a_method_runs_is_the_users(model: Any) -> None:
    def interrupted(evidence: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        visioncam.explain(model, INPUT, method=interrupted)


def test_a_function_of_the_users_own_is_called_so(model: Any) -> None:
    def odd(evidence: Any) -> Any:
        return evidence.activations.missing

    with pytest.raises(
        PluginError, match=r"^method 'odd' of your own code failed at stage 'run': AttributeError: "
    ):
        visioncam.explain(model, INPUT, method=odd)


def test_what_the_model_raises_is_not_blamed_on_the_method() -> None:
    import keras
    import tensorflow as tf

    class Picky(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
        def call(self, x: Any) -> Any:
            with tf.control_dependencies([tf.debugging.assert_positive(tf.reduce_sum(x), "too dark")]):
                return tf.identity(x)

    inputs = keras.Input((4, 5, 3))
    features = keras.layers.Activation("linear", name="features")(inputs)
    pooled = keras.layers.GlobalAveragePooling2D()(Picky(name="picky")(features))
    model = keras.Model(inputs, keras.layers.Dense(2)(pooled))

    def darkens(evidence: Any) -> Any:
        evidence.score_activations(lambda indices: 0 * evidence.activations, 1)
        return evidence.activations[..., 0]

    with pytest.raises(ModelError, match=r"failed while it ran .*too dark"):
        visioncam.explain(model, INPUT, method=darkens, layer="features")

    def stumbles(evidence: Any) -> Any:
        evidence.score_activations(lambda indices: tf.reshape(evidence.activations, (7, 7)), 1)

    with pytest.raises(
        PluginError, match="'stumbles' of your own code failed at stage 'run': InvalidArgumentError"
    ):
        visioncam.explain(model, INPUT, method=stumbles, layer="features")


def test_memory_that_runs_out_in_the_method_is_its_own(model: Any) -> None:
    def greedy(evidence: Any) -> Any:
        raise MemoryError("all of it")

    with pytest.raises(PluginError, match="MemoryError: all of it"):
        visioncam.explain(model, INPUT, method=greedy)


def test_over_many_pictures_it_costs_those_it_fails_on(model: Any, tmp_path: Path) -> None:
    def picky(evidence: Any) -> Any:
        if evidence.inputs.min() < 0.5:
            raise ValueError("too dark for me")
        return evidence.activations[..., 0]

    light = {"a": 0.1, "b": 0.9, "c": 0.2}
    pictures = [(name, np.full((4, 5, 3), value, np.float32)) for name, value in light.items()]
    summary = visioncam.explain_dataset(model, pictures, tmp_path, picky, save_as="npz")
    assert (summary.done, dict(summary.failed)) == (1, {"PluginError": 2})
    lines = (tmp_path / "errors.jsonl").read_text("utf-8").splitlines()
    assert all(
        "'picky' of your own code failed at stage 'run': ValueError: too dark" in line for line in lines
    )


def test_a_saved_map_outlives_the_plugin_that_made_it(model: Any, tmp_path: Path) -> None:
    mine, without = isolated_registry(SimpleNamespace(visioncam_register_methods=rows)), Registry(BUILTINS)
    with use_registry(mine):
        made = explainer(mine, model, "localcam")(INPUT)
    assert isinstance(made, Explanation)
    made.save(tmp_path / "mine.npz")
    again = load(tmp_path / "mine.npz")
    with pytest.raises(NameNotFoundError, match="unknown method 'localcam'"):
        without.method("localcam")
    assert (again.method, again.method_title) == ("localcam", "Local-CAM")
    np.testing.assert_array_equal(again.raw, made.raw)
    with use_registry(without):
        assert again.render("overlay").shape[-1] == 3


METRICS = {
    "raises": (lambda case: case.nothing, "AttributeError: 'Case' object has no attribute 'nothing'"),
    "exits": (lambda case: sys.exit(3), "SystemExit: it tried to end the program with sys.exit(3)"),
    "talks": (lambda case: "much", "ValueError: could not convert string to float: 'much'"),
    "forgets": (lambda case: None, "TypeError: float() argument must be"),
    "writes": (lambda case: case.x.fill(0), "ValueError: assignment destination is read-only"),
}


@pytest.mark.parametrize("name", METRICS)
def test_metrics_that_go_wrong_are_flags_that_name_them(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    install(monkeypatch, "bad_runs")
    call, words = METRICS[name]
    metric = type(name, (), {"needs": frozenset(), "__call__": lambda self, case: call(case)})()
    case = Case(x=INPUT.copy(), heat=np.linspace(0, 1, 20, dtype=np.float32).reshape(4, 5))
    found = judge(metric, case, name, "fake-bad-runs")
    assert np.isnan(found.value)
    assert found.flag.startswith(f"metric {WHO.format(name)}{words}")


@pytest.mark.parametrize("name", RENDERERS)
def test_renderers_that_go_wrong_are_named(registry: Registry, model: Any, name: str) -> None:
    explanation = explainer(registry, model, "gradcam")(INPUT)
    assert isinstance(explanation, Explanation)
    before = explanation.picture.copy()
    with pytest.raises(PluginError) as caught:
        explanation.render(name)
    assert str(caught.value).startswith(f"renderer {WHO.format(name)}{RENDERERS[name]}")
    np.testing.assert_array_equal(explanation.picture, before)
    assert explanation.render("overlay").shape[-1] == 3


def test_a_renderer_sees_what_a_comparison_holds_and_cannot_write_to_it(
    registry: Registry, model: Any
) -> None:
    seen: list[Any] = []

    @attrs.frozen
    class Looks:
        def __call__(self, comparison: Any) -> np.ndarray:
            seen.extend(one.heatmap.flags.writeable for one in comparison)
            return np.zeros((1, 1, 3), np.uint8)

    comparison = explainer(registry, model, "gradcam", "hirescam").compare(INPUT)
    assert isinstance(comparison, Comparison)
    from visioncam_core.results.render import render

    render(comparison, Looks(), {})
    assert seen == [False, False]
    assert all(one.heatmap.flags.writeable for one in comparison)


def test_what_the_users_progress_raises_is_the_users_and_stops_the_call(model: Any) -> None:
    """It is no fault of the method, and no method after it is tried."""

    class StoppedError(Exception):
        pass

    calls: list[int] = []

    def progress(done: int, total: int) -> None:
        calls.append(done)
        raise StoppedError

    image = np.random.default_rng(0).random(model.input_shape[1:], np.float32)
    with pytest.raises(StoppedError):
        visioncam.compare(model, image, ["scorecam", "ablationcam"], progress=progress)
    assert len(calls) == 1
