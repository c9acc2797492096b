"""A function as a model: what it is given, and what it may return."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from helpers.functions import SIZE, WEIGHTS, Watched, linear
from helpers.hide_one import HideOne

import visioncam
from visioncam_core.engine.batches import COUNTERS


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


def test_scores_that_sum_to_one_by_chance_are_no_probabilities() -> None:
    model = visioncam.blackbox(lambda x: np.stack([x.mean((1, 2, 3)), np.ones(len(x))], axis=1), SIZE)
    found = visioncam.explain(model, np.zeros((*SIZE, 3), np.uint8), HideOne())
    assert found.target.probability is None


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
