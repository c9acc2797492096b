"""Where the positions of a layer look, worked out by hand, planted, and measured by gradients."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks.dots import EQUAL, TAPS, apply, centroid, conv, depthwise, dots, network
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam_core.resize import Placement, resize

CONVOLUTIONS = (L.Conv1D, L.Conv2D, L.Conv3D, L.Conv2DTranspose, L.DepthwiseConv2D)


def explain(model: Any, x: Any, placement: str = "effective", **keywords: Any) -> Any:
    given = {"layer": "here", "method": "hirescam", "target": 0, **keywords}
    return visioncam.explain(model, x, placement=placement, **given)


def placed(model: Any, placement: str = "effective", size: Any = None, layer: str = "here") -> Placement:
    space = size or model.input_shape[1:-1]
    found = explain(model, np.zeros((*space, model.input_shape[-1]), np.float32), placement, layer=layer)
    return found.layer.placement


def only(layer: Any, tap: Any) -> None:
    """Leave a kernel nothing but one tap."""
    kernel = np.zeros_like(layer.kernel.numpy())
    kernel[tuple(tap)] = 1.0
    layer.kernel.assign(kernel)


@pytest.mark.parametrize("placement", ["effective", "receptive"])
@pytest.mark.parametrize("name", EQUAL)
def test_a_planted_dot_is_found_within_half_a_pixel_of_its_cell(name: str, placement: str) -> None:
    size, layers = EQUAL[name]
    model = network(size, layers())
    looks = placed(model, placement)
    assert (looks.name, looks.why) == (placement, "")
    grid = explain(model, np.zeros((*size, 1), np.float32)).raw.shape
    pixels = looks.pixels(grid, size)
    middle = [round(float(line[len(line) // 2])) for line in pixels]
    for axis, line in enumerate(pixels):
        found = explain(model, dots(size, axis, middle), placement)
        responses = np.stack([one.raw for one in found]).sum(
            axis=tuple(1 + i for i in range(len(grid)) if i != axis)
        )
        for cell in range(grid[axis] // 3, grid[axis] - grid[axis] // 3):
            assert centroid(responses[:, cell], 0) == pytest.approx(line[cell], abs=0.501)
        dot = middle[axis]
        assert centroid(found[dot].heatmap, axis) == pytest.approx(dot, abs=0.501)


@pytest.mark.parametrize("name", TAPS)
def test_kernels_of_one_tap_look_at_the_one_pixel_that_reaches_them(
    name: str, rng: np.random.Generator
) -> None:
    size, layers = TAPS[name]
    made = layers()
    model = network(size, made)
    for layer in made:
        if isinstance(layer, CONVOLUTIONS):
            only(layer, [rng.integers(n) for n in layer.kernel.shape])
    looks = placed(model)
    grid = explain(model, np.zeros((*size, 1), np.float32)).raw.shape
    pixels = looks.pixels(grid, size)
    middle = [round(float(line[len(line) // 2])) for line in pixels]
    for axis, line in enumerate(pixels):
        raws = np.stack([one.raw for one in explain(model, dots(size, axis, middle))])
        responses = raws.sum(axis=tuple(1 + i for i in range(len(grid)) if i != axis))
        for cell, pixel in enumerate(line):
            reached = list(np.flatnonzero(responses[:, cell]))
            padding = not grid[axis] // 4 <= cell < grid[axis] - grid[axis] // 4  # may be all it looks at
            assert reached in ([[round(pixel)], []] if padding else [[round(pixel)]])


def test_all_energy_in_one_tap_moves_the_offset_by_exactly_that_tap() -> None:
    made = [conv(5, 2, "same"), conv(3, dilation_rate=2)]
    model = network((40, 44), made)
    geometry = placed(model, "receptive")
    assert placed(model).start == pytest.approx(geometry.start)
    only(made[0], (0, 3, 0, 0))
    assert placed(model).start == pytest.approx((geometry.start[0] - 2, geometry.start[1] + 1))
    only(made[1], (2, 0, 0, 0))  # a tap is two positions apart, each two pixels
    assert placed(model).start == pytest.approx((geometry.start[0] - 2 + 4, geometry.start[1] + 1 - 4))
    assert placed(model).step == geometry.step == (2.0, 2.0)
    assert placed(model, "receptive") == geometry


def test_weights_changed_in_place_move_the_map_at_the_next_call() -> None:
    made = [conv(5)]
    model = network((24, 24), made)
    ask = visioncam.explainer(model, "hirescam", layer="here")
    x = np.zeros((24, 24, 1), np.float32)
    x[12, 12] = 1.0
    first = ask(x, 0)
    for tap in ((0, 0), (4, 3), (2, 1)):
        only(made[0], (*tap, 0, 0))
        moved = ask(x, 0)
        assert moved.layer.placement.start == pytest.approx(tap)
        assert np.unravel_index(moved.heatmap.argmax(), (24, 24)) == (12, 12)
    made[0].kernel.assign(np.ones((5, 5, 1, 1)))
    assert ask(x, 0).layer.placement == first.layer.placement


def test_energy_is_the_square_of_the_weights_over_all_channels() -> None:
    layer = L.Conv2D(3, (1, 5), use_bias=False)
    model = network((8, 20), [layer], channels=2)
    kernel = np.random.default_rng(0).normal(size=(1, 5, 2, 3)).astype(np.float32)
    layer.kernel.assign(kernel)
    energy = (kernel.astype(np.float64) ** 2).sum(axis=(0, 2, 3))
    assert placed(model).start == pytest.approx((0, (energy * np.arange(5)).sum() / energy.sum()), abs=1e-5)


@pytest.mark.parametrize("value", [0.0, np.inf, np.nan, 1e30])
def test_a_kernel_without_a_centre_of_energy_looks_at_its_middle(value: float) -> None:
    made = [conv(5)]
    model = network((12, 12), made)
    made[0].kernel.assign(np.full((5, 5, 1, 1), value))
    assert placed(model) == Placement("effective", (2.0, 2.0), (1.0, 1.0))


@pytest.mark.parametrize("groups", [1, 4])
def test_convolutions_that_are_compiled_by_themselves_are_walked(groups: int) -> None:
    layer = L.Conv2D(4, 5, 2, "same", groups=groups, use_bias=False)
    model = network((32, 33), [layer], channels=4)
    assert placed(model, "receptive").start == (1.0, 0.0)
    only(layer, (4, 0, slice(None), slice(None)))
    assert placed(model).start == pytest.approx((3.0, -2.0))


@pytest.mark.parametrize(
    ("size", "start"), [((32, 36), (3, 3)), ((33, 37), (0, 0)), ((34, 35), (1, 2)), ((19, 34), (2, 1))]
)
def test_padding_is_reckoned_for_each_size_of_an_open_picture(size: Any, start: Any) -> None:
    made = [conv(3, 2, "same"), conv(3, 2, "same")]
    model = network((None, None), [*made, L.GlobalAveragePooling2D(keepdims=True)])
    closed = network(size, [conv(3, 2, "same"), conv(3, 2, "same")])
    assert placed(model, "receptive", size, layer=made[1].name).start == start
    assert placed(closed, "receptive") == placed(model, "receptive", size, layer=made[1].name)


def joined(*branches: Any, size: Any = (32, 48), how: type = L.Add) -> Any:
    i = keras.Input((*size, 1))
    outputs = []
    for branch in branches:
        x = i
        for layer in branch:
            x = layer(x)
        outputs.append(x)
    x = L.Activation("linear", name="here")(how()(outputs))
    return keras.Model(i, L.Dense(1)(L.GlobalAveragePooling2D()(x)))


def test_branches_that_look_half_a_cell_apart_are_drawn_between() -> None:
    model = joined([L.MaxPooling2D(2)], [conv(1, 2)])
    assert placed(model, "receptive") == Placement("receptive", (0.25, 0.25), (2.0, 2.0))
    along_one = joined([L.MaxPooling2D((4, 1))], [conv(1, (4, 1))])  # as a spectrogram is pooled
    assert placed(along_one, "receptive") == Placement("receptive", (0.75, 0.0), (4.0, 1.0))


@pytest.mark.parametrize("how", [L.Add, L.Multiply, L.Concatenate, L.Maximum])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([L.Cropping2D(((4, 0), (0, 0)))], [L.Cropping2D(((0, 4), (0, 0)))]),
        ([L.Cropping2D(((0, 16), (0, 24)))], [L.AveragePooling2D(2)]),  # a corner, and the whole
        ([conv(3, 2, "same")], [conv(9), L.Resizing(16, 24)]),  # alike in the middle, not at the ends
        ([conv(7, 4)], [L.Cropping2D(((0, 4), (0, 4))), conv(1, 4)]),
    ],
)
def test_branches_that_look_elsewhere_are_stretched_and_told(how: type, one: Any, other: Any) -> None:
    model = joined(one, other, how=how)
    x = np.random.default_rng(0).uniform(size=(32, 48, 1)).astype(np.float32)
    for placement in ("effective", "receptive"):
        found = explain(model, x, placement)
        assert found.layer.placement.name == "stretched"
        assert "cells apart" in found.layer.placement.why
        assert "placement-stretched" in [one.code for one in found.diagnostics]
    plain = explain(model, x, "stretched")
    assert "placement-stretched" not in [one.code for one in plain.diagnostics]
    np.testing.assert_array_equal(plain.heatmap, found.heatmap)


def squeeze(x: Any, shape: Any) -> Any:
    factor = L.GlobalAveragePooling2D()(conv(7, 4)(x))
    return L.Reshape(shape)(L.Dense(8, activation="sigmoid")(factor))


@pytest.mark.parametrize("first", [True, False])
def test_a_factor_without_positions_keeps_the_others_place(first: bool) -> None:
    i = keras.Input((32, 48, 1))
    x = L.Conv2D(8, 5, 2)(i)
    parts = [x, squeeze(i, (1, 1, 8))]
    x = L.Multiply(name="here")(parts if first else parts[::-1])
    model = keras.Model(i, L.Dense(1)(L.GlobalAveragePooling2D()(x)))
    assert placed(model, "receptive") == Placement("receptive", (2.0, 2.0), (2.0, 2.0))


def test_a_backwards_axis_is_drawn_the_right_way_also_when_stretched() -> None:
    model = network((32, 36), [conv(2, 2), apply(lambda x: x[:, ::-1])])
    x = np.zeros((32, 36, 1), np.float32)
    x[4:6, 20:22] = 1.0
    for placement in ("stretched", "receptive", "effective"):
        heat = explain(model, x, placement).heatmap
        assert (centroid(heat, 0), centroid(heat, 1)) == pytest.approx((4.5, 20.5), abs=0.01)


def test_beyond_the_outermost_centres_the_value_of_the_edge_holds() -> None:
    line = resize(np.array([1.0, 3.0, 2.0]), (20,), Placement("receptive", (5.0,), (4.0,)))
    assert list(line[:6]) == [1.0] * 6
    assert list(line[[7, 9, 11, 13]]) == [2.0, 3.0, 2.5, 2.0]
    assert list(line[13:]) == [2.0] * 7


FAMILIES = {
    "MobileNetV2": ("block_5_add", {"alpha": 0.35}, (96, 128), 2.0),
    "ResNet50": ("conv3_block1_out", {}, (96, 112), 1.0),
    "InceptionV3": ("mixed0", {}, (128, 144), 1.5),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_walk_agrees_with_the_gradient_of_networks_with_random_weights(family: str) -> None:
    layer, keywords, size, near = FAMILIES[family]
    whole = getattr(keras.applications, family)(
        weights=None, include_top=False, input_shape=(*size, 3), **keywords
    )
    features = keras.Model(whole.input, whole.get_layer(layer).output)
    model = keras.Model(whole.input, L.Dense(1)(L.GlobalAveragePooling2D()(features.output)))
    rng = np.random.default_rng(0)
    x = tf.constant(rng.uniform(-1, 1, (4, *size, 3)), tf.float32)
    grid = features.output_shape[1:3]
    cell = [n // 2 for n in grid]
    with tf.GradientTape() as tape:
        tape.watch(x)
        values = features(x, training=False)[:, cell[0], cell[1]]
        score = tf.reduce_sum(values * rng.normal(size=values.shape[-1]).astype(np.float32))
    energy = np.square(tape.gradient(score, x).numpy().astype(np.float64)).sum(axis=(0, 3))
    for placement in ("receptive", "effective"):
        looks = placed(model, placement, layer=layer)
        assert (looks.name, looks.why) == (placement, "")
        for axis, line in enumerate(looks.pixels(grid, size)):
            assert line[cell[axis]] == pytest.approx(centroid(energy, axis), abs=near)


def test_a_depthwise_kernel_counts_like_another() -> None:
    made = [depthwise(3, dilation_rate=3)]
    model = network((20, 20), made)
    only(made[0], (0, 2, 0, 0))
    assert placed(model).start == pytest.approx((0.0, 6.0))
