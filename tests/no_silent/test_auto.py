"""`auto` takes the last layer whose positions are the picture's, evenly pooled or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks.kinds import KINDS
from helpers.networks.placed import conv, moved
from helpers.networks.space import attended, head
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam


def pooled(i: Any, size: Any, count: int = 3) -> Any:
    x = i
    for n in range(1, count + 1):
        x = conv(L.MaxPooling2D(size)(x) if n > 1 else x, f"c{n}", 1)
    return L.GlobalAveragePooling2D()(x)


def volume(i: Any) -> Any:
    x = i
    for n in (1, 2, 3):
        x = L.Conv3D(4, 3, padding="same", name=f"c{n}")(L.MaxPooling3D((2, 2, 1))(x) if n > 1 else x)
    return L.GlobalAveragePooling3D()(x)


def eegnet(i: Any) -> Any:
    x = L.DepthwiseConv2D((8, 1), depth_multiplier=2)(L.Conv2D(4, (1, 9), padding="same", name="c1")(i))
    x = L.AveragePooling2D((1, 4))(L.Activation("elu")(x))
    return L.Flatten()(L.SeparableConv2D(8, (1, 5), padding="same", name="last")(x))


def one_stride(i: Any) -> Any:
    x = conv(conv(i, "c1", (2, 1)), "c2", 1)
    return L.GlobalAveragePooling2D()(conv(x, "last", 1))


def convlstm(i: Any) -> Any:
    x = L.ConvLSTM2D(4, 3, padding="same", return_sequences=True, name="frames")(i)
    return L.GlobalAveragePooling2D()(L.ConvLSTM2D(4, 3, padding="same", name="last")(x))


def slices(i: Any) -> Any:
    x = L.Reshape((14, 14, 6))(L.Conv3D(6, (3, 3, 4), name="volume")(i))
    return L.GlobalAveragePooling2D()(conv(conv(x, "c2"), "last", 1))


def gated(i: Any) -> Any:
    """TokenLearner: maps that say where to look, and the features that are looked at."""
    x = conv(i, "last")
    gates = conv(x, "gates", 1, 4, 1, activation="sigmoid")
    tokens = L.Lambda(lambda pair: tf.einsum("bijk,bijc->bkc", *pair), name="tokens")([gates, x])
    return L.GlobalAveragePooling1D()(attended(tokens, "b"))


def one_map_of_attention(i: Any) -> Any:
    x = conv(i, "last")
    weights = L.Softmax(axis=(1, 2))(conv(x, "weights", 1, 1, 1))
    return L.Lambda(lambda pair: tf.reduce_sum(pair[0] * pair[1], (1, 2)))([x, weights])


def clusters(i: Any) -> Any:
    """NetVLAD: shares of clusters, softmaxed."""
    x = conv(i, "last")
    shares = L.Softmax(name="shares")(conv(x, "assigned", 1, 6, 1))
    return L.Flatten()(L.Lambda(lambda pair: tf.einsum("bijk,bijc->bkc", *pair))([shares, x]))


def lines_read(i: Any) -> Any:
    x = L.MaxPooling2D((2, 2))(conv(conv(i, "c1", 1), "last", 1))
    x = L.Reshape((12, 64))(L.Permute((2, 1, 3))(x))
    return L.GRU(6)(x)


@pytest.mark.parametrize(
    ("body", "shape", "layer"),
    [
        (volume, (16, 16, 4, 1), "c3"),
        (lambda i: pooled(i, (4, 1)), (32, 24, 1), "c3"),
        (lambda i: pooled(i, (2, 1), 4), (16, 32, 1), "c4"),
        (lambda i: pooled(i, (1, 4)), (16, 32, 1), "c3"),
        (eegnet, (8, 32, 1), "last"),
        (one_stride, (16, 16, 3), "last"),
        (convlstm, (3, 12, 12, 1), "last"),
        (slices, (16, 16, 4, 1), "last"),
        (gated, (16, 16, 3), "last"),
        (one_map_of_attention, (16, 16, 3), "last"),
        (clusters, (16, 16, 3), "last"),
        (lines_read, (16, 24, 1), "last"),
    ],
)
def test_the_last_layer_of_the_picture(
    body: Callable[[Any], Any], shape: tuple[int, ...], layer: str
) -> None:
    keras.utils.set_random_seed(0)
    i = L.Input(shape)
    model = keras.Model(i, head(body(i)))
    choice = visioncam.layers(model).choice
    assert choice is not None
    assert choice.path == layer
    e = visioncam.explain(model, np.random.default_rng(0).random(shape, np.float32))
    assert isinstance(e, visioncam.Explanation)
    assert e.heatmap.shape == shape[:-1]


@pytest.mark.parametrize("name", ["crnn", "row_rnn", "spectrogram", "anisotropic_volume", "perceiver"])
def test_kinds_of_the_compatibility_page(name: str) -> None:
    kind = KINDS[name]
    keras.utils.set_random_seed(1)
    choice = visioncam.layers(kind.build()).choice
    assert choice is not None
    assert (choice.path, choice.grid) == (kind.auto, kind.grid)


def test_a_head_that_is_the_score_is_not_taken() -> None:
    """What a detector's levels are put together from is the score itself."""
    table = visioncam.layers(KINDS["two_level_detector"].build())
    assert table.choice is not None
    assert table.choice.path == "p4"
    assert all(row.is_score for row in table.table.rows if row.path.startswith("head"))


def test_dense_outputs_do_not_take_the_keys_of_attention() -> None:
    """SegFormer's keys lie on a smaller grid, and none of their positions go on to the output."""
    keras.utils.set_random_seed(0)
    i = L.Input((16, 24, 3))
    x = conv(i, "c1")
    keys = L.Reshape((6, 8))(conv(x, "keys", 4, kernel=4))
    t = L.Reshape((96, 8))(x)
    t = L.Add(name="block")([t, L.MultiHeadAttention(2, 8)(t, keys)])
    y = L.UpSampling2D(2)(L.Reshape((8, 12, 8))(t))
    model = keras.Model(i, L.Conv2D(3, 1, activation="softmax")(y))
    table = visioncam.layers(model)
    assert table.choice is not None
    assert table.choice.path == "block"
    assert next(row for row in table.table.rows if row.path == "keys").ends


def test_a_share_of_the_evidence_is_told_where_branches_run_beside() -> None:
    keras.utils.set_random_seed(0)
    i = L.Input((16, 16, 3))
    a = conv(i, "p1")
    b = conv(a, "p2")
    x = L.Concatenate()([L.GlobalAveragePooling2D()(one) for one in (a, b)])
    choice = visioncam.layers(keras.Model(i, head(x))).choice
    assert choice is not None
    assert choice.path == "p2"
    assert "of the evidence reaches the score along paths around it" in choice.why


def test_learned_queries_are_no_way_around() -> None:
    """All that a picture does to the score goes through the encoder."""
    choice = visioncam.layers(KINDS["query_detector"].build()).choice
    assert choice is not None
    assert "around" not in choice.why


def test_a_map_in_another_order_stands_for_its_producer() -> None:
    keras.utils.set_random_seed(0)
    i = L.Input((16, 24, 3))
    x = moved(L.MaxPooling2D()(conv(i, "last")), "turned", lambda t: tf.transpose(t, (0, 2, 1, 3)))
    choice = visioncam.layers(keras.Model(i, head(L.Flatten()(L.Reshape((6, 32))(x))))).choice
    assert choice is not None
    assert choice.path == "last"
