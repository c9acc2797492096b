"""`geometry="tile"`: large pictures in windows at their own resolution, one class, one maximum, one map."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam import targets
from visioncam.geometry import Tile
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.images.tiling import tiles

SIZE = (16, 12)
BOXES = tiles((40, 53), SIZE, 0.25)
LINEAR = ("gradcam", "gradcamelementwise", "hirescam", "xgradcam", "respondcam")


def detector(size: tuple[int | None, int | None], dense: bool = False) -> Any:
    """Return a network that looks at every pixel alone, so that a window sees there what the whole sees.

    Its three classes are the three colours.
    """
    i = L.Input((*size, 3))
    x = L.Conv2D(3, 1, activation="relu", name="detect")(i)
    x = L.Conv2D(3, 1)(x) if dense else L.Dense(3)(L.GlobalAveragePooling2D()(x))
    model = keras.Model(i, L.Softmax()(x))
    for weights in model.weights[::2]:
        weights.assign(np.reshape(8 * np.eye(3) - 3 * (len(weights.shape) == 2), weights.shape))
    return model


@pytest.fixture(scope="module")
def model() -> Any:
    return detector(SIZE)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """Return a picture of smooth colours: red below, green at the right, blue in the other corner."""
    y, x = np.mgrid[0:40, 0:53]
    return np.stack([y * 6, x * 4, 255 - 3 * y - 2 * x], -1).astype(np.uint8)


def explain(model: Any, image: Any, method: str = "hirescam", **keywords: Any) -> Any:
    keywords = {"geometry": "tile", "preprocess": "unit", **keywords}
    return visioncam.explain(model, image, method, **keywords)


@pytest.fixture(scope="module")
def twin() -> Any:
    """Return the same network for pictures of any size."""
    return detector((None, None))


@pytest.mark.parametrize("method", LINEAR)
def test_the_stitched_map_is_that_of_the_whole_picture(
    method: str, model: Any, twin: Any, picture: np.ndarray
) -> None:
    """The fully convolutional twin takes the picture in one piece."""
    for target, evidence in enumerate(("for", "against", "signed")):
        e = explain(model, picture, method, target=target, evidence=evidence)
        whole = explain(twin, picture, method, target=target, evidence=evidence, geometry="resize")
        assert whole.heatmap.any() or (method, evidence) == ("gradcamelementwise", "against")
        np.testing.assert_allclose(e.heatmap, whole.heatmap, atol=1e-4)
        assert e.heatmap.shape == e.raw.shape == (40, 53)
        assert np.array_equal(e.picture, picture)
        assert (e.provenance["geometry"], e.provenance["windows"]) == ("tile", len(BOXES))


def test_one_maximum_for_all_windows_and_none_for_each(model: Any) -> None:
    """A faint window stays faint beside a strong one."""
    picture = np.zeros((16, 60, 3), np.uint8)
    picture[..., 0] = np.where(np.arange(60) < 48, 10, 250)
    e = explain(model, picture, target=0, geometry=Tile(overlap=0))
    assert e.heatmap[:, 48:].max() == pytest.approx(1, abs=1e-6)
    assert 0 < e.heatmap[:, :36].max() < 0.2


@pytest.mark.parametrize("batch_size", [None, 4])
def test_the_class_has_the_highest_mean_over_the_windows(
    batch_size: int | None, model: Any, picture: np.ndarray
) -> None:
    windows = np.stack([picture[t:b, left:r] for t, left, b, r in BOXES]).astype(np.float32) / 255
    mean = np.asarray(model(windows)).mean(0)
    single = np.asarray(model(windows)).argmax(1)
    assert len(set(single)) > 1  # the windows alone do not agree
    e = explain(model, picture, batch_size=batch_size)
    assert [p.index for p in e.predictions] == list(np.argsort(-mean))
    assert [p.value for p in e.predictions] == pytest.approx(np.sort(mean)[::-1], rel=1e-5)
    assert e.target.index == mean.argmax()
    assert e.target.probability == pytest.approx(mean.max(), rel=1e-5)
    logits = keras.Model(model.input, model.layers[-2].output)
    assert e.score == pytest.approx(float(np.asarray(logits(windows))[:, mean.argmax()].mean()), rel=1e-5)


def test_a_stack_of_classes_and_every_method(model: Any, picture: np.ndarray) -> None:
    before = COUNTERS.snapshot()
    stack = explain(model, picture, target="top5")
    spent = COUNTERS.snapshot() - before
    assert (spent["forward"], spent["backward"]) == (2 * len(BOXES), 3 * len(BOXES))
    assert [e.target.index for e in stack] == [p.index for p in stack[0].predictions]
    found = visioncam.compare(model, picture, geometry="tile", preprocess="unit", target=1)
    assert not found.failures
    assert all(e.heatmap.shape == (40, 53) and 0.5 < e.heatmap.max() <= 1 for e in found)
    assert found.passes["ablationcam"] == (1 + 3) * len(BOXES)


def test_a_picture_of_the_inputs_size_is_what_it_always_was(
    model: Any, twin: Any, picture: np.ndarray
) -> None:
    part = picture[: SIZE[0], : SIZE[1]]
    e, plain = explain(model, part), explain(model, part, geometry="resize")
    np.testing.assert_array_equal(e.heatmap, plain.heatmap)
    assert e.target == plain.target
    whole = explain(twin, picture)  # an open size takes all of it
    assert "windows" not in whole.provenance


def test_smaller_pictures_are_not_enlarged() -> None:
    """A detector of brightness answers on the picture's pixels alone; what is filled does not come back."""
    i = L.Input((16, 12, 1))
    model = keras.Model(i, L.Dense(1)(L.GlobalAveragePooling2D()(L.Activation("relu", name="a")(i))))
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    for shape in ((5, 30), (5, 7)):
        picture = np.random.default_rng(0).integers(20, 256, shape, np.uint8)
        e = explain(model, picture, geometry=Tile(fill=0), layer="a")
        assert e.heatmap.shape == shape
        np.testing.assert_allclose(e.heatmap, picture / picture.max(), atol=1e-6)


def test_model_input_is_cut_as_it_is(model: Any, picture: np.ndarray) -> None:
    values = picture.astype(np.float32) / 255
    e = explain(model, values, target=0)
    np.testing.assert_allclose(e.heatmap, explain(model, picture, target=0).heatmap, atol=1e-6)
    assert np.array_equal(e.picture, values)
    both = explain(model, [picture, values], target=[0, 1])
    np.testing.assert_allclose(both[0].heatmap, e.heatmap, atol=1e-6)
    assert [one.target.index for one in both] == [0, 1]
    with pytest.raises(visioncam.VisionCamError, match=r"shape \(16, 12, 3\).*received \(16, 12, 8\)"):
        explain(model, np.zeros((40, 53, 8), np.float32))


def test_what_comes_beside_the_picture_is_the_same_for_every_window(picture: np.ndarray) -> None:
    i, table = L.Input((*SIZE, 3), name="photo"), L.Input((2,), name="table")
    x = L.GlobalAveragePooling2D()(L.Conv2D(4, 1, activation="relu", name="detect")(i))
    model = keras.Model([i, table], L.Dense(3)(L.Concatenate()([x, table])))
    small, large = (explain(model, [picture, np.full(2, v, np.float32)], target=0).score for v in (0.0, 1.0))
    assert large - small == pytest.approx(float(np.sum(model.get_weights()[2][4:, 0])), rel=1e-4)


def test_several_layers(picture: np.ndarray) -> None:
    i = L.Input((*SIZE, 3))
    x = L.Conv2D(4, 1, activation="relu", name="b")(L.Conv2D(4, 1, activation="relu", name="a")(i))
    model = keras.Model(i, L.Dense(3)(L.GlobalAveragePooling2D()(x)))
    parts = [explain(model, picture, "scorecam", target=0, layer=layer).heatmap for layer in ("a", "b")]
    fused = explain(model, picture, "scorecam", target=0, layer=["a", "b"])
    expected = np.mean(parts, axis=0)
    np.testing.assert_allclose(fused.heatmap, expected / expected.max(), atol=1e-6)


def test_a_value_for_every_position_needs_a_score_for_all_of_them(picture: np.ndarray) -> None:
    model = detector(SIZE, dense=True)
    for target in (None, 1, targets.Region(1), targets.Region(1, (0, 0))):
        with pytest.raises(visioncam.VisionCamError, match=r"geometry='tile'.*Region\(class, 'all'\)"):
            explain(model, picture, target=target)
    e = explain(model, picture, target=targets.Region(1, "all"))
    assert e.heatmap.shape == (40, 53)
    assert e.predictions == ()


def test_an_empty_window_is_no_news_but_an_empty_picture_is(model: Any, picture: np.ndarray) -> None:
    black = np.zeros((16, 60, 3), np.uint8)
    black[:, 50:] = picture[:16, :10]
    model = keras.models.clone_model(model)
    model.set_weights([np.ones((1, 1, 3, 3)), np.zeros(3), np.ones((3, 3)), np.zeros(3)])
    assert explain(model, black, target=0).diagnostics == ()
    nothing = explain(model, black * 0, target=0)
    assert {d.code for d in nothing.diagnostics} == {"dead-layer", "no-positive-evidence"}
    assert not nothing.heatmap.any()
    half = np.where(np.arange(60)[None, :, None] < 40, 0.0, -9.0).astype(np.float32) * np.ones((16, 1, 3))
    visioncam.set_model_card(model, visioncam.ModelCard(preprocess="unit"))
    (found,) = [
        d for d in explain(model, half, target=0, preprocess="auto").diagnostics if d.code == "pixel-range"
    ]
    assert "windows)" in found.message


def test_overlap_and_fill_are_checked() -> None:
    for wrong in ({"overlap": 1.0}, {"overlap": "x"}, {"fill": -1}):
        with pytest.raises(visioncam.VisionCamError, match=f"{next(iter(wrong))}.*of Tile"):
            Tile(**wrong)
