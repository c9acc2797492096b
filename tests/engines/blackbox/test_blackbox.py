"""A function as a model: what it is given, what it may return, and what is said where it fails."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from helpers.hide_one import HideOne

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import (
    ImageError,
    LayerError,
    ModelError,
    OptionError,
    OptionTypeError,
    PluginError,
    TargetError,
)
from visioncam_core.plugins.default import registry
from visioncam_engines.blackbox import BlackBoxEngine

SIZE = (16, 24)
WEIGHTS = np.arange(16.0).reshape(4, 4) - 5


def linear(x: np.ndarray) -> np.ndarray:
    """Return (N, 2): Σ over the cells of a 4 by 4 grid of weight times red, and of green."""
    cells = x.reshape(len(x), 4, 4, 4, 6, -1).mean(axis=(2, 4)) / 255
    return np.stack([(cells[..., c] * WEIGHTS).sum(axis=(1, 2)) + 3 for c in (0, 1)], axis=1)


@attrs.define
class Watched:
    """A function that remembers what it was given."""

    function: Callable[[np.ndarray], Any]
    given: list[np.ndarray] = attrs.field(factory=list)

    def __call__(self, x: np.ndarray) -> Any:
        self.given.append(x.copy())
        return self.function(x)


@pytest.fixture
def picture(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (*SIZE, 3), np.uint8)


def test_the_map_of_a_linear_function_is_known(picture: np.ndarray) -> None:
    model = visioncam.blackbox(linear, SIZE, names=["red", "green"])
    for name, channel in (("red", 0), ("green", 1)):
        found = visioncam.explain(model, picture, HideOne(hidden="black"), target=name)
        cells = picture[..., channel].reshape(4, 4, 4, 6).mean(axis=(1, 3)) / 255
        wanted = np.kron(WEIGHTS * cells, np.ones((4, 6)))
        np.testing.assert_allclose(found.raw, wanted, atol=1e-5)
        assert (found.target.name, found.layer.path, found.score_kind) == (name, "input", "output")


def test_it_is_given_whole_numbers(picture: np.ndarray) -> None:
    function = Watched(linear)
    visioncam.explain(visioncam.blackbox(function, SIZE), picture, HideOne(hidden="grey"))
    assert {one.dtype for one in function.given} == {np.dtype(np.uint8)}
    assert all(one.shape[1:] == (*SIZE, 3) for one in function.given)
    np.testing.assert_array_equal(function.given[0][0], picture)
    assert (function.given[-1][0, :4, :6] == 128).all()  # the cell that is hidden first
    np.testing.assert_array_equal(function.given[-1][1, :4, :6], picture[:4, :6])


def test_another_range_is_floats(picture: np.ndarray) -> None:
    function = Watched(lambda x: linear((x + 1) * 127.5))
    visioncam.explain(visioncam.blackbox(function, SIZE, values=(-1, 1)), picture, HideOne(hidden="white"))
    assert {one.dtype for one in function.given} == {np.dtype(np.float32)}
    np.testing.assert_allclose(function.given[0][0], picture / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(function.given[-1][0, :4, :6], 1, atol=1e-6)


def test_pictures_are_fitted_and_grey_where_it_is_asked_for(rng: np.random.Generator) -> None:
    function = Watched(lambda x: x.mean(axis=(1, 2)))
    found = visioncam.explain(
        visioncam.blackbox(function, SIZE, channels=1), rng.integers(0, 256, (50, 40, 3), np.uint8), HideOne()
    )
    assert function.given[0].shape == (1, *SIZE, 1)
    assert found.heatmap.shape == (50, 40)


def test_without_a_size_it_is_given_the_pictures_own(rng: np.random.Generator) -> None:
    function = Watched(lambda x: x.mean(axis=(1, 2)))
    model = visioncam.blackbox(function, None)
    for space in ((20, 30), (32, 16)):
        visioncam.explain(model, rng.integers(0, 256, (*space, 3), np.uint8), HideOne())
        assert function.given[-1].shape[1:] == (*space, 3)


def test_a_function_may_write_into_its_pictures(picture: np.ndarray) -> None:
    def spoiling(x: np.ndarray) -> np.ndarray:
        found = linear(x)
        x[:] = 0
        return found

    for values in (None, (0, 255)):
        maps = [
            visioncam.explain(visioncam.blackbox(one, SIZE, values=values), picture, HideOne()).raw
            for one in (linear, spoiling)
        ]
        np.testing.assert_array_equal(*maps)


def test_calls_are_bounded_and_counted(picture: np.ndarray) -> None:
    function = Watched(linear)
    model = visioncam.blackbox(function, SIZE, batch=5)
    visioncam.explain(model, picture, HideOne())
    assert max(map(len, function.given)) == 5
    before, function.given = COUNTERS.snapshot(), []
    visioncam.explain(model, picture, HideOne())
    assert sum(map(len, function.given)) == 17 == (COUNTERS.snapshot() - before)["forward"]


def test_one_picture_at_a_time(picture: np.ndarray) -> None:
    def single(x: np.ndarray) -> np.ndarray:
        (one,) = x
        return linear(one[None])[0]

    alone = visioncam.explain(visioncam.blackbox(single, SIZE, batch=1), picture, HideOne())
    np.testing.assert_array_equal(
        alone.raw, visioncam.explain(visioncam.blackbox(linear, SIZE), picture, HideOne()).raw
    )


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(linear(x))
    return powers / powers.sum(axis=1, keepdims=True)


def test_probabilities_are_known_by_their_sum(picture: np.ndarray) -> None:
    found = visioncam.explain(visioncam.blackbox(softmax, SIZE), picture, HideOne())
    assert found.target.probability == pytest.approx(found.score)
    assert sum(one.value for one in found.predictions) == pytest.approx(1, abs=1e-5)
    asked = visioncam.explain(visioncam.blackbox(softmax, SIZE), picture, HideOne(), score="probability")
    np.testing.assert_array_equal(asked.raw, found.raw)
    assumed = visioncam.explain(visioncam.blackbox(linear, SIZE), picture, HideOne(), score="probability")
    np.testing.assert_allclose(assumed.raw, found.raw, atol=1e-6)
    assert "probability-assumed" in [one.code for one in assumed.diagnostics]


def test_one_value_that_is_a_probability_stands_for_two_classes(picture: np.ndarray) -> None:
    model = visioncam.blackbox(lambda x: softmax(x)[:, 0], SIZE, names=["red"])
    found = visioncam.explain(model, picture, HideOne(), target="not red")
    other = visioncam.explain(model, picture, HideOne(), target="red")
    np.testing.assert_allclose(found.raw, -other.raw, atol=1e-6)


@pytest.mark.parametrize(
    "kind", [list, lambda found: found.astype(np.float16), lambda found: _Tensor(found), np.asfortranarray]
)
def test_what_is_an_array_in_other_clothes_is_taken(picture: np.ndarray, kind: Any) -> None:
    model = visioncam.blackbox(lambda x: kind(linear(x)), SIZE)
    found = visioncam.explain(model, picture, HideOne(), target=0)
    wanted = visioncam.explain(visioncam.blackbox(linear, SIZE), picture, HideOne(), target=0)
    np.testing.assert_allclose(found.raw, wanted.raw, atol=2e-2)


@attrs.frozen
class _Tensor:
    """What PyTorch's tensors have."""

    values: np.ndarray
    dtype = "torch.float32"

    def detach(self) -> _Tensor:
        return self

    def cpu(self) -> _Tensor:
        return self

    def numpy(self) -> np.ndarray:
        return self.values


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
        (lambda x: [[1.0], [1.0, 2.0]], r"returned \[\[1.0\], \[1.0, 2.0\]\], no array; return numbers"),
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

    with pytest.raises(ModelError, match=r"returned 3 values for a picture, and 2 before; return as many"):
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
        assert "answers the same picture twice," in told.message
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
        ({"batch": 0}, OptionError, r"batch is a number of pictures from 1 up, received 0"),
        ({"names": 3}, OptionTypeError, r"names must be a list of strings"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        visioncam.blackbox(**{"function": linear} | arguments)


@pytest.mark.parametrize("method", ["gradcam", "scorecam", "ablationcam", "integratedgradients"])
def test_what_needs_more_than_scores_is_refused(picture: np.ndarray, method: str) -> None:
    visioncam.load_plugin(Path(__file__).parents[2] / "helpers" / "hide_one.py")
    model = visioncam.blackbox(linear, SIZE)
    wanted = (
        rf"'{method}' needs .*, which the engine 'blackbox' does not give; methods that work: .*'hideone'"
    )
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
    with pytest.raises(OptionError, match=r"looks at no layer; leave layer= out, received 'conv'"):
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
