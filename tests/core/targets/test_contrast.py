"""Why this class and not those: Finer-CAM's target, on classes named and on those nearest in logit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import visioncam
from visioncam.targets import Contrast
from visioncam_core.errors import TargetError
from visioncam_core.results.explanation import Explanation
from visioncam_engines.tensorflow.testing import keras_models as models

W = np.array([[3.0, 1.0, -2.0, 2.5, 0.4], [0.2, 2.0, 1.0, 0.1, -1.0], [1.0, 0.3, 0.2, -0.7, 2.0]])
NAMES = ["cat", "lynx", "crane", "tiger, big cat", "boat"]
X = np.random.default_rng(0).random((3, 4, 5, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> Any:
    return models.gap_dense(W, grid=(4, 5))


def explain(model: Any, x: np.ndarray, target: Any, method: str = "hirescam", **options: Any) -> Explanation:
    found = visioncam.explain(model, x, method, target=target, layer="features", **options)
    assert isinstance(found, Explanation)
    return found


@pytest.mark.parametrize("method", ["gradcam", "hirescam"])
@pytest.mark.parametrize("gamma", [1.0, 0.6, 0.0])
def test_it_is_the_map_less_the_mean_of_the_rivals(method: str, gamma: float, model: Any) -> None:
    found = explain(model, X[0], Contrast(0, [1, 3], gamma=gamma), method)
    one, *others = (explain(model, X[0], i, method) for i in (0, 1, 3))
    mean = np.mean([other.raw for other in others], axis=0)
    np.testing.assert_allclose(found.raw, one.raw - gamma * mean, rtol=1e-4, atol=1e-5)
    score = one.score - gamma * np.mean([other.score for other in others])
    assert found.score == pytest.approx(score, rel=1e-5)


def test_the_rivals_are_those_nearest_in_each_picture(model: Any) -> None:
    x = np.zeros_like(X)
    x[0, ..., 0], x[1, ..., 1], x[2, ..., 2] = 1, 1, 1  # the logits are W's rows, up to one factor
    nearest = [(3, 1, 4), (3, 2, 4), (1, 2, 4)]
    for found, picture, row in zip(explain_all(model, x), x, nearest, strict=True):
        alone = explain(model, picture, Contrast(0, list(row)))
        np.testing.assert_allclose(found.raw, alone.raw, rtol=1e-6, atol=1e-7)
        assert found.target.label == alone.target.label


def explain_all(model: Any, x: np.ndarray) -> list[Explanation]:
    found = visioncam.explain(model, x, "hirescam", target=Contrast(0), layer="features")
    assert isinstance(found, list)
    return found


def test_the_nearest_stay_the_same_where_the_picture_changes(model: Any) -> None:
    """A method that changes activations compares with the classes chosen for the picture as it is."""
    found = explain(model, X[0], Contrast(0), "layerintegratedgradients", baseline="zero-activations")
    assert found.account is not None
    assert found.account.residual == pytest.approx(0, abs=1e-4)
    np.testing.assert_allclose(found.raw, explain(model, X[0], Contrast(0)).raw, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("target", "label"),
    [
        (Contrast("cat", "lynx"), "cat rather than lynx"),
        (Contrast("cat", ["lynx", 3]), "cat rather than lynx and tiger"),
        (Contrast("cat", ["lynx", 3, "boat"], gamma=0.6), "cat rather than lynx, tiger and boat, γ = 0.6"),
    ],
)
def test_the_label_names_them(target: Contrast, label: str, model: Any) -> None:
    assert explain(model, X[0], target, class_names=NAMES).target.label == label


def test_two_classes_are_each_other_s_rival() -> None:
    model = models.gap_dense(W[:, :2], grid=(4, 5))
    assert explain(model, X[0], Contrast(1)).target.label == "class 1 rather than class 0"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            Contrast(0, []),
            r"^Contrast\(0, \[\]\) names no rival; leave it out for the three nearest classes$",
        ),
        (Contrast(0, [1, 1]), r"^Contrast\(0, \[1, 1\]\) names a class twice; pass each once$"),
        (Contrast(0, [1, 0]), r"^Contrast\(0, \[1, 0\]\) compares a class with itself; pass two classes$"),
        (Contrast(0, [1, 9]), r"^class index 9 is out of range"),
        (Contrast(9), r"^class index 9 is out of range"),
    ],
)
def test_what_cannot_be_compared_is_named(target: Contrast, words: str, model: Any) -> None:
    with pytest.raises(TargetError, match=words):
        explain(model, X[0], target)
