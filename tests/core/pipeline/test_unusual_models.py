"""Models and questions that few people have: the answer is about the model's own output."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops

import visioncam
from visioncam import targets
from visioncam_core.engine import cache
from visioncam_core.errors import TargetError
from visioncam_core.pipeline.evidence import Evidence
from visioncam_engines.tensorflow.view import MOST_VIEWS

X = np.random.default_rng(3).random((12, 10, 3), np.float32)


@pytest.fixture(autouse=True)
def seeded() -> None:
    keras.utils.set_random_seed(5)


def network(end: Callable[[Any], Any], *before: Any, shape: Any = (12, 10, 3), dtype: str = "float32") -> Any:
    """Return a model with one convolution `c` and the end given."""
    x = i = L.Input(shape, dtype=dtype)
    for layer in before:
        x = layer(x)
    x = L.Conv2D(4, 3, activation="relu", name="c")(x)
    return keras.Model(i, end(x))


def pooled(units: int, activation: Any = None) -> Callable[[Any], Any]:
    return lambda x: L.Dense(units, activation=activation, name="d")(L.GlobalAveragePooling2D()(x))


def answer(model: Any, x: np.ndarray) -> np.ndarray:
    return np.asarray(model(x[None]))[0]


class Masked(keras.Model):
    """A model inside which makes the mask that a later layer reads."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = L.Conv1D(3, 1, use_bias=False, name="c")
        self.masking = keras.Sequential([L.Input((6, 3)), L.Masking()])
        self.lstm = L.LSTM(4)
        self.head = L.Dense(3)

    def call(self, x: Any) -> Any:
        return self.head(self.lstm(self.masking(self.conv(x))))


def test_a_mask_made_in_a_model_inside_reaches_the_layers_behind_it() -> None:
    model, x = Masked(), np.concatenate([np.ones((3, 3)), np.zeros((3, 3))]).astype(np.float32)
    wanted = answer(model, x)
    assert visioncam.explain(model, x, target=1, layer=0).score == pytest.approx(wanted[1], abs=1e-6)


@pytest.mark.parametrize("steps", [3, 4])
def test_open_steps_in_time_are_all_seen(steps: int) -> None:
    """Keras 3.15 runs as many steps as there are pictures where the time is open."""
    i = L.Input((None, 6, 6, 3))
    x = L.TimeDistributed(L.Conv2D(2, 3), name="frames")(i)
    model = keras.Model(i, L.Dense(2)(L.GlobalAveragePooling3D()(x)))
    clip = np.random.default_rng(0).random((steps, 6, 6, 3), np.float32)
    e = visioncam.explain(model, clip, target=1, layer="frames")
    assert e.raw.shape == (steps, 4, 4)
    assert e.score == pytest.approx(answer(model, clip)[1], abs=1e-6)


def test_an_output_that_is_none_is_left_out() -> None:
    class Named(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.body = network(pooled(3))

        def call(self, x: Any) -> Any:
            return {"loss": None, "logits": self.body(x)}

    model = Named()
    model(X[None])
    e = visioncam.explain(model, X, target=2)
    assert e.score == pytest.approx(float(model(X[None])["logits"][0, 2]), abs=1e-6)


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")
def test_the_one_value_of_a_softmax_has_no_other_class() -> None:
    """Its gradient is never turned round, whatever the sign of the logit."""
    model = network(pooled(1, "softmax"))
    kernel, _ = model.get_layer("d").get_weights()
    model.get_layer("d").set_weights([kernel, np.array([-5.0], np.float32)])
    as_class, as_function = (
        visioncam.explain(model, X, "hirescam", target=target) for target in (0, lambda values: values[:, 0])
    )
    assert as_class.score == as_function.score < 0
    np.testing.assert_allclose(as_class.raw, as_function.raw)


def test_a_second_new_activation_is_seen_though_it_may_lie_where_the_first_lay() -> None:
    class Times:
        def __init__(self, factor: float) -> None:
            self.factor = factor

        def __call__(self, x: Any) -> Any:
            return x * self.factor

    model = network(pooled(2))
    head = model.get_layer("d")
    for _ in range(3):
        head.activation = Times(2.0)
        before = visioncam.explain(model, X, target=0).score
        head.activation = Times(3.0)
        head.activation = Times(5.0)
        assert visioncam.explain(model, X, target=0).score == pytest.approx(2.5 * before, rel=1e-5)


@pytest.mark.parametrize(
    ("channels", "target", "sign"),
    [
        (5, targets.Regression(index=2), 1),
        (5, targets.Regression("down", index=2), -1),
        (1, targets.Regression(), 1),
        (1, targets.Binary(False), -1),
    ],
)
def test_values_of_a_one_by_one_grid_are_a_list_of_values(channels: int, target: Any, sign: int) -> None:
    model = network(lambda x: L.Conv2D(channels, 1)(L.GlobalAveragePooling2D(keepdims=True)(x)))
    wanted = answer(model, X)[0, 0, getattr(target, "index", 0)]
    assert visioncam.explain(model, X, target=target).score == pytest.approx(sign * wanted, abs=1e-6)


def test_a_reshaped_softmax_of_a_convolution_is_no_layer_to_look_at() -> None:
    """The score is what goes into it; only its shape is read on the way."""
    model = network(lambda x: L.Reshape((80, 4))(L.Conv2D(4, 1, activation="softmax", name="head")(x)))
    e = visioncam.explain(model, X, target=1)
    assert e.layer.path == "c"
    assert e.raw.any()


def test_an_output_without_an_axis_of_classes_has_no_class() -> None:
    """The columns of a depth map are no classes."""
    model = network(lambda x: L.Reshape((12, 10))(L.Conv2DTranspose(1, 3)(x)))
    for target in (None, 1, targets.Class(0), targets.Region(0, "all")):
        with pytest.raises(TargetError, match="axis of classes"):
            visioncam.explain(model, X, target=target)
    assert visioncam.explain(model, X, target=lambda values: values[:, 3, 4], evidence="signed").raw.any()


def test_a_picture_in_bfloat16_is_kept_as_numbers_that_everybody_reads(tmp_path: Path) -> None:
    e = visioncam.explain(network(pooled(2)), tf.cast(X, tf.bfloat16))
    assert e.picture.dtype == np.float32
    np.testing.assert_array_equal(visioncam.load(e.save(tmp_path / "e.npz")).picture, e.picture)


@pytest.mark.parametrize("move", [L.Permute((2, 3, 1)), lambda x: ops.transpose(x, (0, 2, 3, 1))])
def test_channels_that_the_model_moves_itself(move: Any) -> None:
    """As in a model converted from PyTorch: the input is (K, H, W), the convolution the usual one."""
    model = network(pooled(2), move, shape=(3, 12, 10))
    picture = (X * 255).astype(np.uint8)
    seen = visioncam.explain(model, picture, target=1, preprocess="none")
    fed = visioncam.explain(model, np.moveaxis(picture, -1, 0).astype(np.float32), target=1)
    assert seen.heatmap.shape == fed.heatmap.shape == (12, 10)
    np.testing.assert_array_equal(seen.raw, fed.raw)


def test_changed_pictures_stay_within_whole_numbers() -> None:
    """-5 is 0 to a model that takes uint8, not 251."""

    @watching
    def at_far(one: Evidence) -> Any:
        return one.at(np.full((1, 12, 10, 3), [-5.0, 300.0, 7.6], np.float32)).activations

    model = network(pooled(2), L.Rescaling(1 / 255), dtype="uint8")
    twin = network(pooled(2), L.Rescaling(1 / 255))
    twin.set_weights(model.get_weights())
    wanted = np.asarray(
        keras.Model(twin.input, twin.get_layer("c").output)(np.full((1, 12, 10, 3), [0, 255, 8]))
    )
    visioncam.explain(model, (X * 255).astype(np.uint8), at_far, target=0)
    np.testing.assert_allclose(at_far.seen[0], wanted, atol=1e-6)


def test_classes_that_do_not_exclude_each_other_have_their_own_remainder() -> None:
    @watching
    def asks(one: Evidence) -> Any:
        return [
            one.score_inputs(lambda ks: np.repeat(one.inputs, len(ks), 0), 1, which)[0]
            for which in ("probability", "remainder")
        ]

    visioncam.explain(network(pooled(4, "sigmoid")), X, asks, target=1)
    probability, remainder = asks.seen[0]
    assert probability + remainder == pytest.approx(1.0, abs=1e-6)


def test_a_small_gradient_of_a_function_does_not_vanish_in_half_precision() -> None:
    small = keras.initializers.RandomNormal(stddev=1e-4, seed=2)
    x = i = L.Input((40, 40, 3))
    x = L.Conv2D(8, 3, activation="relu", name="c", dtype="mixed_float16")(x)
    x = L.Dense(8, dtype="mixed_float16")(L.GlobalAveragePooling2D(dtype="mixed_float16")(x))
    model = keras.Model(i, L.Dense(3, dtype="mixed_float16", kernel_initializer=small)(x))
    picture = np.random.default_rng(0).random((40, 40, 3), np.float32)
    as_class, as_function = (
        visioncam.explain(model, picture, "hirescam", target=target) for target in (1, lambda v: v[:, 1])
    )
    assert as_class.raw.any()
    np.testing.assert_allclose(as_function.raw, as_class.raw)


def test_a_small_gradient_beside_a_large_one_does_not_vanish_in_half_precision() -> None:
    """A batch gives what its pictures give one by one."""
    i = L.Input((12, 10, 3))
    x = L.Conv2D(4, 3, name="c", bias_initializer="ones", dtype="float16")(i)
    x = L.GlobalAveragePooling2D(dtype="float16")(x) * L.GlobalAveragePooling2D(dtype="float16")(i)[:, :1]
    model = keras.Model(i, L.Dense(2, kernel_initializer=keras.initializers.Constant(1e-3))(x))
    pictures = np.stack([X, X * 2e-6])
    for found, one in zip(visioncam.explain(model, pictures, target=1), pictures, strict=True):
        alone = visioncam.explain(model, one, target=1)
        assert alone.raw.any()
        np.testing.assert_array_equal(found.raw, alone.raw)


def test_what_a_layer_keeps_deep_inside_holds_no_tensor_of_ours() -> None:
    class Keeps(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.pairs: Any = []
            self.deep: Any = {"a": {}}
            self.ordered: Any = OrderedDict()
            self.last: Any = deque(maxlen=3)

        def call(self, x: Any) -> Any:
            self.pairs.append((x, 1))
            self.deep["a"]["x"] = x
            self.ordered[len(self.ordered)] = x
            self.last.append(x)
            return x * 1.0

    keeps = Keeps()
    model = network(lambda x: pooled(2)(keeps(x)))
    model(X[None])
    held = [
        *(one for one, _ in keeps.pairs),
        keeps.deep["a"]["x"],
        *keeps.ordered.values(),
        *keeps.last,
    ]
    visioncam.explain(model, X)
    after = [
        *(one for one, _ in keeps.pairs),
        keeps.deep["a"]["x"],
        *keeps.ordered.values(),
        *keeps.last,
    ]
    assert len(after) == len(held)
    assert all(one is other for one, other in zip(after, held, strict=True))


def test_pictures_of_many_sizes_leave_a_bounded_number_of_tables() -> None:
    model = network(pooled(2), shape=(None, None, 3))
    for size in range(MOST_VIEWS + 3):
        visioncam.explain(model, np.ones((4 + size, 5, 3), np.float32), target=0)
    (traced,) = cache._ENTRIES[model].traces
    assert len(traced.trace.cuts["views"]) == MOST_VIEWS


class Watching:
    """A method that keeps what it is told, and gives a blank map."""

    needs = frozenset({"activations"})

    def __init__(self, look: Callable[[Evidence], Any]) -> None:
        self.look, self.seen = look, list[Any]()

    def __call__(self, evidence: Evidence) -> Any:
        self.seen.append(self.look(next(evidence.each())))
        return np.zeros(evidence.activations.shape[:-1], np.float32)


def watching(look: Callable[[Evidence], Any]) -> Watching:
    return Watching(look)
