"""A function as a model: what is said where it fails, and where too much is asked of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from helpers import hide_one
from helpers.functions import SIZE, Watched, linear
from helpers.hide_one import HideOne

import visioncam
from visioncam_core.errors import (
    ImageError,
    LayerError,
    ModelError,
    OptionError,
    OptionTypeError,
    PluginError,
    TargetError,
)
from visioncam_core.plugins.default import BUILTINS, registry, use_registry
from visioncam_core.plugins.registry import Registry
from visioncam_engines.blackbox import BlackBoxEngine


@pytest.fixture
def picture(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (*SIZE, 3), np.uint8)


def _fails(x: np.ndarray) -> np.ndarray:
    raise KeyError("weights")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (_fails, r"'_fails' raised KeyError: 'weights' on pictures of shape \(1, 16, 24, 3\), uint8; check"),
        (
            lambda x: linear(x)[:0],
            r"returned shape \(0, 2\) for 1 pictures; return numbers of shape \(1, K\)",
        ),
        (lambda x: np.zeros((1, 16, 24, 2)), r"returned shape \(1, 16, 24, 2\) for 1 pictures"),
        (lambda x: np.zeros((1, 2)), r"returned shape \(1, 2\) for 2 pictures; .* or pass batch=1"),
        (lambda x: linear(x) * np.nan, r"returned 2 values that are NaN or infinite; return finite"),
        (lambda x: None, r"returned None of type NoneType; return numbers of shape \(1, K\)"),
        (lambda x: ["cat"], r"returned \['cat'\] of type list; return numbers"),
        (lambda x: [[1.0], [1.0, 2.0]], r"returned \[\[1.0\], \[1.0, 2.0\]\], not an array; return numbers"),
        (lambda x: {"cat": 1.0}, r"returned {'cat': 1.0} of type dict; return numbers"),
        (lambda x: linear(x).argmax(axis=1), r"returned one whole number for each picture, a class; return"),
    ],
)
def test_what_a_function_does_wrong_is_said(picture: np.ndarray, function: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        visioncam.explain(visioncam.blackbox(function, SIZE), [picture] * 3, HideOne())


def test_another_number_of_values_is_refused(picture: np.ndarray) -> None:
    def detector(x: np.ndarray) -> np.ndarray:
        return np.ones((len(x), 2 + int(len(x) == 16)))

    with pytest.raises(ModelError, match=r"returned 3 values for a picture, but 2 before; return as many"):
        visioncam.explain(visioncam.blackbox(detector, SIZE), picture, HideOne())


def test_names_that_do_not_fit_are_refused(picture: np.ndarray) -> None:
    model = visioncam.blackbox(linear, SIZE, names=["a", "b", "c"])
    with pytest.raises(ModelError, match=r"names= of blackbox holds 3 names, .* 'linear' returns 2 values"):
        visioncam.explain(model, picture, HideOne())


def test_a_function_that_draws_at_random_is_told(picture: np.ndarray, rng: np.random.Generator) -> None:
    model = visioncam.blackbox(lambda x: linear(x) + rng.normal(0, 0.1, (len(x), 2)), SIZE)
    for _ in range(2):
        found = visioncam.explain(model, picture, HideOne())
        (told,) = [one for one in found.diagnostics if one.code == "answers-vary"]
        assert "gives two answers for the same picture," in told.message
    steady = visioncam.explain(visioncam.blackbox(linear, SIZE), picture, HideOne())
    assert "answers-vary" not in [one.code for one in steady.diagnostics]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"function": "f"}, OptionTypeError, r"takes a function of pictures .* received 'f'"),
        ({"function": dict}, OptionTypeError, r"takes a function of pictures"),
        ({"size": 224}, OptionError, r"size is \(height, width\) or None, received 224; pass \(224, 224\)"),
        ({"size": (0, 5)}, OptionError, r"received \(0, 5\)"),
        (
            {"values": (1, 0)},
            OptionError,
            r"values is the range of a pixel .* received \(1, 0\); pass \(0, 1\)",
        ),
        ({"values": ("a", 1)}, OptionError, r"received \('a', 1\)"),
        ({"channels": 4}, OptionError, r"channels is 3 for RGB or 1 for grey, received 4"),
        ({"batch": 0}, OptionError, r"batch must be a number of pictures, at least 1; received 0"),
        ({"names": 3}, OptionTypeError, r"names must be a list of strings"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        visioncam.blackbox(**{"function": linear} | arguments)


@pytest.mark.parametrize("method", ["gradcam", "scorecam", "ablationcam", "integratedgradients"])
def test_what_needs_more_than_scores_is_refused(picture: np.ndarray, method: str) -> None:
    model = visioncam.blackbox(linear, SIZE)
    wanted = (
        rf"'{method}' needs .*, which the engine 'blackbox' does not provide; methods that work: .*'hideone'"
    )
    with use_registry(Registry(BUILTINS)):
        visioncam.load_plugin(hide_one.__file__)
        with pytest.raises(OptionError, match=wanted):
            visioncam.explain(model, picture, method)
        both = visioncam.compare(model, picture, [method, "hideone"])
    assert list(both.failures) == [method]
    assert [one.method for one in both.explanations] == ["hideone"]


def test_the_picture_is_a_layer(picture: np.ndarray) -> None:
    class Tail:
        on, needs = "input", frozenset({"activations"})

        def __call__(self, evidence: Any) -> Any:
            A = np.asarray(evidence.activations)
            np.testing.assert_array_equal(A[0], picture)
            (score,) = evidence.score_activations(lambda k: A, 1)
            assert score == evidence.score[0]
            return A.sum(axis=-1)

    visioncam.explain(visioncam.blackbox(linear, SIZE), picture, Tail())


def test_gradients_are_refused_in_words(picture: np.ndarray) -> None:
    class Elsewhere:
        on, needs = "input", frozenset({"scores"})

        def __call__(self, evidence: Any) -> Any:
            return evidence.at(evidence.inputs).gradients

    with pytest.raises((LayerError, PluginError), match="gives no gradients"):
        visioncam.explain(visioncam.blackbox(linear, SIZE), picture, Elsewhere())


def test_a_layer_or_an_output_that_does_not_exist(picture: np.ndarray) -> None:
    model = visioncam.blackbox(linear, SIZE)
    with pytest.raises(
        OptionError, match=r"maps the picture itself, not a layer; leave layer= out, received 'conv'"
    ):
        visioncam.explain(model, picture, HideOne(), layer="conv")
    with pytest.raises(TargetError, match="no output 'box'"):
        visioncam.explain(model, picture, HideOne(), output="box")
    assert len(visioncam.layers(model)) == 0


def test_an_array_of_another_shape_or_range(picture: np.ndarray, rng: np.random.Generator) -> None:
    model = visioncam.blackbox(linear, SIZE)
    with pytest.raises(ImageError, match=r"takes shape \(16, 24, 3\)"):
        visioncam.explain(model, np.moveaxis(picture / 255, -1, 0), HideOne())
    found = visioncam.explain(model, rng.random((*SIZE, 3)), HideOne())
    assert "pixel-range" in [one.code for one in found.diagnostics]


def test_its_engine_takes_nothing_else() -> None:
    spec = registry().engine_spec(visioncam.blackbox(linear))
    assert (spec.name, spec.can, isinstance(registry().open_engine(spec), BlackBoxEngine)) == (
        "blackbox", frozenset(), True,
    )  # fmt: skip
    assert not any(spec.accepts(one) for one in (linear, BlackBoxEngine(), None, object()))
    with pytest.raises(ModelError, match=r"visioncam.blackbox\(function\)"):
        visioncam.explain(linear, np.zeros((*SIZE, 3), np.uint8))


def test_the_name_of_a_function_without_one() -> None:
    assert "BlackBox(calls=linear" in repr(visioncam.blackbox(partial(linear)))
    assert "Watched" in repr(visioncam.blackbox(Watched(linear)))
