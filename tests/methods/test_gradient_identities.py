"""Theorems of the gradient family and of layer Integrated Gradients, on functions in closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from visioncam_core.errors import OptionError, OptionTypeError
from visioncam_core.evidence import Attribution, Evidence
from visioncam_core.testing import ArrayNet
from visioncam_methods.cam.hirescam import HiResCAM
from visioncam_methods.cam.layerintegratedgradients import LayerIntegratedGradients
from visioncam_methods.gradient.expectedgradients import ExpectedGradients
from visioncam_methods.gradient.gradientinput import GradientInput
from visioncam_methods.gradient.integratedgradients import IntegratedGradients
from visioncam_methods.gradient.saliency import Saliency
from visioncam_methods.gradient.smoothgrad import SmoothGrad, noise

SPACES = [(7,), (4, 6), (2, 3, 4)]
CLOSE: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-6}
Function = Callable[[np.ndarray], np.ndarray]


def summed(values: np.ndarray) -> np.ndarray:
    total: np.ndarray = values.reshape(len(values), -1).sum(axis=1)
    return total


def evidence(x: np.ndarray, score: Function, slope: Function, seed: int = 0) -> Evidence:
    """Return evidence of the pictures themselves, of a function and its gradient."""
    return Evidence.from_arrays(
        x, slope(x), score(x), inputs=x, score_inputs=score, seed=seed, at=lambda y: (y, slope(y), score(y))
    )


def linear(w: np.ndarray) -> tuple[Function, Function]:
    return lambda x: summed(x * w) + 0.7, lambda x: np.broadcast_to(w, x.shape)


def cubic(x: np.ndarray) -> np.ndarray:
    return summed(x**3)


def cubic_slope(x: np.ndarray) -> np.ndarray:
    return 3 * x**2


@pytest.fixture(params=SPACES, ids=str)
def x(request: pytest.FixtureRequest, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(2, *request.param, 3))


# a linear score


def test_of_a_linear_score_all_are_weight_times_difference(x: np.ndarray, rng: np.random.Generator) -> None:
    w, below = rng.normal(size=x.shape[1:]), rng.normal(size=x.shape[1:])
    one = evidence(x, *linear(w))
    expected = ((x - below) * w).sum(axis=-1)
    for method in (
        GradientInput(baseline=below),
        IntegratedGradients(baseline=below, steps=1),
        ExpectedGradients(baselines=below, n=4),
    ):
        np.testing.assert_allclose(method(one).map, expected, **CLOSE)
    np.testing.assert_allclose(GradientInput()(one).map, (x * w).sum(axis=-1), **CLOSE)


@pytest.mark.parametrize(
    ("channels", "signed", "expected"),
    [
        ("max", False, lambda w: np.abs(w).max(-1)),
        ("sum", False, lambda w: np.abs(w).sum(-1)),
        ("norm", False, lambda w: np.sqrt((w**2).sum(-1))),
        ("max", True, lambda w: np.where(w.max(-1) > -w.min(-1), w.max(-1), w.min(-1))),
        ("sum", True, lambda w: w.sum(-1)),
        ("norm", True, lambda w: np.sqrt((w**2).sum(-1)) * np.sign(w.sum(-1))),
    ],
)
def test_saliency_is_the_size_of_the_weight(
    channels: Any, signed: bool, expected: Function, x: np.ndarray, rng: np.random.Generator
) -> None:
    w = rng.normal(size=x.shape[1:])
    raw = Saliency(channels=channels, signed=signed)(evidence(x, *linear(w)))
    np.testing.assert_allclose(raw, np.broadcast_to(expected(w), raw.shape), **CLOSE)


def test_of_a_linear_score_noise_changes_nothing(x: np.ndarray, rng: np.random.Generator) -> None:
    w = (1 + rng.random(x.shape[1:])).astype(np.float32)
    one = evidence(x, *linear(w))
    np.testing.assert_allclose(SmoothGrad(sigma=0.5)(one), Saliency()(one), **CLOSE)
    assert not SmoothGrad(sigma=0.5, statistic="variance")(one).any()


# networks


@pytest.mark.parametrize("grid", SPACES)
def test_without_biases_gradient_input_is_complete_and_integrated_gradients(grid: tuple[int, ...]) -> None:
    net = ArrayNet.random(grid)
    x = net.pictures(3)
    one = net.evidence(x, on="input")
    raw = GradientInput()(one).map
    np.testing.assert_allclose(summed(raw), net.score(x), **CLOSE)
    np.testing.assert_allclose(raw, IntegratedGradients(baseline="zero", steps=1)(one).map, **CLOSE)


@pytest.mark.parametrize("on", ["layer", "input"])
@pytest.mark.parametrize("grid", SPACES)
def test_the_net_knows_its_gradient_in_the_picture(grid: tuple[int, ...], on: str) -> None:
    net = ArrayNet.random(grid, biases=True, signed=on == "layer")
    x, step = net.pictures(1), 1e-6
    _, (g,), _ = net.at_pictures(x)
    for place in ((0,) * x[0].ndim, tuple(n - 1 for n in x[0].shape)):
        ahead, behind = x.copy(), x.copy()
        ahead[(0, *place)] += step
        behind[(0, *place)] -= step
        assert g[place] == pytest.approx(((net.score(ahead) - net.score(behind)) / (2 * step))[0], abs=1e-5)


def test_without_noise_smoothgrad_is_saliency() -> None:
    net = ArrayNet.random(biases=True)
    one = net.evidence(net.pictures(2), on="input")
    for n in (1, 7):
        np.testing.assert_allclose(SmoothGrad(n=n, sigma=0.0)(one), Saliency()(one), **CLOSE)
        assert not SmoothGrad(n=n, sigma=0.0, statistic="variance")(one).any()


def test_the_square_is_the_mean_squared_and_the_variance(x: np.ndarray) -> None:
    one = evidence(x[..., :1], cubic, cubic_slope)  # of one channel, where the sum over channels is the value
    mean, square, variance = (
        SmoothGrad(n=9, sigma=0.1, statistic=word)(one)  # type: ignore[arg-type]
        for word in ("mean", "square", "variance")
    )
    np.testing.assert_allclose(square, mean**2 + variance, rtol=1e-5)
    assert variance.min() > 0
    sigma = 0.1 * np.ptp(x[..., :1].reshape(2, -1), axis=1).reshape(-1, *[1] * (x.ndim - 1))
    noisy = [cubic_slope(x[..., :1] + sigma * noise(0, np.array([i]), x[:1, ..., :1])) for i in range(9)]
    np.testing.assert_allclose(variance, np.var(noisy, axis=0)[..., 0], rtol=1e-4)


def test_more_copies_begin_with_the_fewer(x: np.ndarray) -> None:
    seen: list[np.ndarray] = []

    def watched(y: np.ndarray) -> np.ndarray:
        seen.extend(y)
        return cubic_slope(y)

    one = evidence(x[:1], cubic, watched)
    runs = []
    for n in (3, 11):
        seen.clear()
        SmoothGrad(n=n)(one)
        runs.append(np.stack(seen))
    assert [len(run) for run in runs] == [3, 11]
    np.testing.assert_array_equal(runs[1][:3], runs[0])


# expected gradients


def test_expected_gradients_tend_to_the_mean_of_integrated_gradients(
    x: np.ndarray, rng: np.random.Generator
) -> None:
    stack = rng.normal(size=(3, *x.shape[1:]))
    one = evidence(x, cubic, cubic_slope)
    limit = np.mean([IntegratedGradients(baseline=b, steps=3)(one).map for b in stack], axis=0)
    found = ExpectedGradients(baselines=stack, n=3000)(one)
    for i, account in enumerate(found.accounts):
        gap = np.sqrt(np.mean((found.map[i] - limit[i]) ** 2)) / np.abs(limit[i]).max()
        assert account.error is not None
        assert gap < 3 * account.error < 1e-2
        assert account.expected == pytest.approx(cubic(x)[i] - cubic(stack).mean())
        assert account.share is not None
        assert account.share < 1e-2
        assert account.repeats == pytest.approx(1, abs=1e-3)


def test_each_baseline_counts_the_same_where_the_samples_do_not_divide(
    x: np.ndarray, rng: np.random.Generator
) -> None:
    w, stack = rng.normal(size=x.shape[1:]), rng.normal(size=(3, *x.shape[1:]))
    raw = ExpectedGradients(baselines=stack, n=11)(evidence(x, *linear(w))).map
    np.testing.assert_allclose(raw, ((x - stack.mean(axis=0)) * w).sum(axis=-1), **CLOSE)


def test_kinds_with_commas_are_several_baselines(x: np.ndarray, rng: np.random.Generator) -> None:
    one = evidence(x[:1], *linear(rng.normal(size=x.shape[1:])))
    both = ExpectedGradients(baselines="zero, mean")(one)
    each = [GradientInput(baseline=kind)(one).map for kind in ("zero", "mean")]
    np.testing.assert_allclose(both.map, np.mean(each, axis=0), **CLOSE)
    assert both.accounts[0].baseline == "zero, mean"


def test_more_baselines_than_samples_are_refused(x: np.ndarray) -> None:
    one = evidence(x, cubic, cubic_slope)
    with pytest.raises(OptionError, match=r"^n=4 is too few for 3 baselines, .*; pass n=6 or more"):
        ExpectedGradients(baselines=np.zeros((3, *x.shape[1:])), n=4)(one)


def test_of_several_baselines_gradient_input_takes_the_mean_and_a_path_one(
    x: np.ndarray, rng: np.random.Generator
) -> None:
    w, stack = rng.normal(size=x.shape[1:]), rng.normal(size=(2, *x.shape[1:]))
    one = evidence(x, *linear(w))
    raw = GradientInput(baseline=stack)(one).map
    np.testing.assert_allclose(raw, ((x - stack.mean(axis=0)) * w).sum(axis=-1), **CLOSE)
    with pytest.raises(OptionError, match=r"^baseline= takes one picture here, received a stack of 2$"):
        LayerIntegratedGradients(baseline=stack)(one)


@pytest.mark.parametrize("method", [ExpectedGradients, GradientInput, LayerIntegratedGradients])
def test_a_bad_baseline_is_named(method: Any, x: np.ndarray) -> None:
    one, name = evidence(x, cubic, cubic_slope), next(iter(method.__annotations__))
    for kind in ("blak", "blur:", "blur:SIGMA", "blur:-1", "blur:x", "black:3", "regionmean", ""):
        with pytest.raises(
            OptionError, match=rf"^option {name!r} of .* must be zero, .*; received {kind!r}$"
        ):
            method(**{name: kind})
    with pytest.raises(OptionError, match=r"^the hidden picture has shape \(5,\); the model's input"):
        method(**{name: np.zeros(5)})(one)
    with pytest.raises(
        OptionTypeError, match=rf"^option {name!r} of .* must be str or ndarray, received 3 \(int\)$"
    ):
        method(**{name: 3})


# layer integrated gradients


def at_layer(A: np.ndarray, tail: Function, slope: Function, below: np.ndarray) -> Evidence:
    """Return evidence of a layer whose activations are `below` for a picture of zeros."""
    return Evidence.from_arrays(
        A, slope(A), tail(A), inputs=np.ones_like(A), score_activations=tail, tail_gradients=slope,
        at=lambda y: (np.broadcast_to(below, y.shape), slope(y), tail(y)),
    )  # fmt: skip


def test_layer_integrated_gradients_are_complete_whatever_follows(
    x: np.ndarray, rng: np.random.Generator
) -> None:
    below = rng.normal(size=x.shape[1:])
    below[0] = x[0, 0]
    found = LayerIntegratedGradients(baseline="zero", steps=2)(at_layer(x, cubic, cubic_slope, below))
    assert isinstance(found, Attribution)
    np.testing.assert_allclose(summed(found.map), cubic(x) - cubic(below[None]), rtol=1e-5)
    np.testing.assert_allclose(found.map, (x**3 - below**3).sum(axis=-1), rtol=1e-4, atol=1e-5)
    assert np.abs(found.map[0, 0]).max() == 0  # nothing is different there
    for account in found.accounts:
        assert account.share is not None
        assert account.share < 1e-5
    back = LayerIntegratedGradients(baseline="zero", steps=2)(
        at_layer(below[None], cubic, cubic_slope, x[:1])
    )
    np.testing.assert_allclose(back.map, -found.map[:1], rtol=1e-4, atol=1e-5)


def test_of_an_affine_tail_it_is_hirescam(x: np.ndarray, rng: np.random.Generator) -> None:
    one = at_layer(x, *linear(rng.normal(size=x.shape[1:])), below=x)
    found = LayerIntegratedGradients(baseline="zero-activations", steps=1)(one)
    np.testing.assert_allclose(found.map, HiResCAM()(one), **CLOSE)
    assert str(found.accounts[0]).startswith("against zero-activations, adds up to ")
