"""Positions are followed through the graph: drawn where the model's gradient says they look, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from helpers.networks.kinds import KINDS
from helpers.networks.placed import PLACED, Placed, conv, moved, patches
from helpers.networks.space import Queries, asked, attended, head
from helpers.positions import drawn_at, looks_at, with_equal_taps
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam_core.engine.layer_table import LayerRow
from visioncam_core.errors import LayerError
from visioncam_engines.tensorflow.run.passes import from_grid, to_grid


@pytest.fixture(scope="module", params=sorted(PLACED))
def case(request: pytest.FixtureRequest) -> tuple[Placed, Any, Any, LayerRow]:
    keras.utils.set_random_seed(0)
    one = PLACED[request.param]
    model = one.build()
    table = visioncam.layers(model).table
    (row,) = [row for row in table.rows if row.path == one.layer]
    return one, model, table, row


def test_positions_are_drawn_where_they_look(case: tuple[Placed, Any, Any, LayerRow]) -> None:
    """The centre of a position's gradient in the picture is where its map is drawn, if all taps are alike.

    Attention and recurrence see all of the picture; there the two must grow with each other on each axis,
    and on no other.
    """
    one, model, table, row = case
    assert row.refused == ""
    assert row.grid == one.grid
    assert not row.guessed
    values = keras.Model(model.inputs, model.get_layer(one.layer).output)
    if not one.mixed:
        with_equal_taps(values)
    seen, drawn = looks_at(values, row, one.shape), drawn_at(table, row)
    inside = ((drawn >= 0) & (drawn < one.shape[:-1])).all(1)
    seen, drawn = seen[inside], drawn[inside]
    assert len(seen) > 1
    for axis, count in enumerate(row.grid):
        if count == 1:
            continue
        if one.mixed:
            others = [other for other in range(len(row.grid)) if other != axis]
            slopes = np.linalg.lstsq(drawn - drawn.mean(0), seen - seen.mean(0), rcond=None)[0][axis]
            assert 0.2 < slopes[axis] < 1.2
            assert all(abs(slopes[other]) < 0.5 * slopes[axis] for other in others)
        else:
            assert np.abs(seen - drawn)[:, axis].max() < 1.1  # an edge or an even kernel cuts a tap off


def test_a_map_goes_into_the_layer_as_it_came_out(case: tuple[Placed, Any, Any, LayerRow]) -> None:
    *_, row = case
    assert row.layout is not None
    draw = np.random.default_rng(0)
    values = tf.constant(draw.normal(size=(1, *row.shape)), tf.float32)
    np.testing.assert_array_equal(from_grid(to_grid(values, row.layout), row.layout, values), values)
    grids = tf.constant(draw.normal(size=(3, *row.grid, row.layout.channels)), tf.float32)
    back = from_grid(grids, row.layout, values)
    assert back.shape == (3, *row.shape)
    np.testing.assert_array_equal(to_grid(back, row.layout), grids)


@pytest.mark.parametrize("name", sorted(name for name, one in PLACED.items() if not one.mixed))
def test_a_bright_patch_is_where_the_map_has_its_maximum(name: str) -> None:
    """Without a minus sign in the network, evidence is light."""
    keras.utils.set_random_seed(0)
    one = PLACED[name]
    model = one.build()
    model.set_weights([np.abs(weight) for weight in model.get_weights()])
    lengths = one.shape[:-1]
    for place in (0.4, 0.6):
        picture = np.zeros(one.shape, np.float32)
        begin = [int(place * n) if kept > 1 else 0 for n, kept in zip(lengths, one.grid, strict=True)]
        end = [
            b + max(n // 8, 1) if kept > 1 else n for b, n, kept in zip(begin, lengths, one.grid, strict=True)
        ]
        picture[tuple(slice(b, e) for b, e in zip(begin, end, strict=True))] = 1.0
        e = visioncam.explain(model, picture, layer=one.layer)
        assert isinstance(e, visioncam.Explanation)
        light = np.argwhere(e.heatmap > 0.99 * e.heatmap.max()).mean(0)
        for axis, (low, high, kept) in enumerate(zip(begin, end, one.grid, strict=True)):
            reach = lengths[axis] / kept + 1
            assert kept == 1 or low - reach <= light[axis] <= high - 1 + reach, (light, begin, end)


METHODS = ("gradcam", "scorecam", "ablationcam")
LAYOUTS = ("columns_by_permute", "frames_into_a_map", "map_transposed", "tokens_at_both_ends")


@pytest.mark.parametrize("name", [*LAYOUTS, "tokens_column_by_column"])
def test_every_layout_is_explained(name: str) -> None:
    keras.utils.set_random_seed(0)
    one = PLACED[name]
    model = one.build()
    picture = np.random.default_rng(0).random(one.shape, np.float32)
    for e in visioncam.compare(model, picture, METHODS, layer=one.layer):
        assert e.raw.shape == one.grid
        assert e.heatmap.shape == one.shape[:-1]
        assert np.isfinite(e.raw).all()


# ---- no positions


def latents(i: Any) -> Any:
    return L.LayerNormalization(name="none")(attended(asked(Queries(24, 8)(i), patches(i), "q"), "b"))


def gram(i: Any) -> Any:
    t = L.Reshape((24, 24))(conv(i, "c", 4, 24))
    return L.Dot(axes=1, name="none")([t, t])


def bilinear(i: Any) -> Any:
    x = conv(i, "c", 4, 24)
    return moved(x, "none", lambda t: tf.einsum("bijc,bijd->bcd", t, t))


def pooled_by_attention(i: Any) -> Any:
    t = L.Reshape((24, 24))(conv(i, "c", 4, 24))
    return L.Dot(axes=1, name="none")([t, L.Softmax(axis=1)(L.Dense(1)(t))])


def dense_map(i: Any) -> Any:
    z = L.Dense(4 * 6 * 4)(L.Flatten()(conv(i, "c", 4)))
    return conv(L.Reshape((4, 6, 4))(z), "none", 1)


def clusters(i: Any) -> Any:
    x = conv(i, "c", 4)
    return moved(x, "none", lambda t: tf.einsum("bijk,bijc->bkc", tf.nn.softmax(t), t))


def spectrum(i: Any) -> Any:
    def frequencies(t: Any) -> Any:
        return tf.math.real(tf.signal.fft2d(tf.cast(t, tf.complex64)))

    return moved(patches(i), "none", frequencies)


def anchors(i: Any) -> Any:
    return L.Reshape((48, 4), name="none")(conv(i, "c", 4))


def two_levels(i: Any) -> Any:
    p3 = conv(i, "p3", 4)
    p4 = conv(p3, "p4", 2)
    levels = [L.Reshape((-1, 4))(conv(p, f"head{n}", 1, 4)) for n, p in enumerate((p3, p4))]
    return L.Concatenate(axis=1, name="none")(levels)


def crops(i: Any) -> Any:
    places = ((0, 0), (4, 12), (8, 2))
    return moved(i, "none", lambda t: tf.stack([t[:, r : r + 8, c : c + 8] for r, c in places], 1))


def two_ways_round(i: Any) -> Any:
    shared = L.Conv2D(8, 3, strides=2, padding="same", name="c")
    return L.Add(name="none")([shared(i), shared(i[:, :, ::-1])])


@pytest.mark.parametrize(
    "body",
    [
        *(latents, gram, bilinear, pooled_by_attention, dense_map, clusters, spectrum, anchors, two_levels),
        *(crops, two_ways_round),
    ],
)
def test_what_has_no_positions_is_refused(body: Callable[[Any], Any]) -> None:
    keras.utils.set_random_seed(0)
    i = L.Input((16, 24, 3))
    model = keras.Model(i, head(L.Flatten()(body(i))))
    picture = np.random.default_rng(0).random((16, 24, 3), np.float32)
    with pytest.raises(LayerError, match="none"):
        visioncam.explain(model, picture, layer="none")
    choice = visioncam.layers(model).choice
    assert choice is None or choice.path != "none"


def test_words_are_no_positions_of_the_picture() -> None:
    keras.utils.set_random_seed(0)
    i, w = L.Input((16, 16, 3)), L.Input((16,), dtype="int32")
    words = L.LSTM(8, return_sequences=True, name="words")(L.Embedding(9, 8)(w))
    x = asked(words, L.Reshape((16, 8))(conv(i, "c", 4)), "word")
    model = keras.Model([i, w], head(L.GlobalAveragePooling1D()(x)))
    picture = [np.random.default_rng(0).random((16, 16, 3), np.float32), np.arange(16, dtype=np.int32) % 9]
    e = visioncam.explain(model, picture)
    assert isinstance(e, visioncam.Explanation)
    assert e.layer.path == "c"
    for layer in ("words", "word_ln"):
        with pytest.raises(LayerError, match=layer):
            visioncam.explain(model, picture, layer=layer)


@pytest.mark.parametrize("name", ["perceiver", "query_detector"])
def test_learned_vectors_are_refused(name: str) -> None:
    model = KINDS[name].build()
    rows = {row.path: row for row in visioncam.layers(model).table.rows}
    for path in ("latents", "latent_ln", "ln_f", "queries", "dec_ln"):
        assert path not in rows or "not positions of the picture" in rows[path].refused


def test_what_the_graph_does_not_tell_is_asked_and_told() -> None:
    """A spatial transformer reads at places that it computes: here those of the picture itself."""

    def sampled(x: Any, off: Any) -> Any:
        y, x_ = tf.meshgrid(tf.range(16.0), tf.range(24.0), indexing="ij")
        at = tf.cast(tf.round(tf.stack([y, x_], -1) + 0.1 * tf.tanh(off)), tf.int32)
        return tf.gather_nd(x, at, batch_dims=1)

    keras.utils.set_random_seed(0)
    i = L.Input((16, 24, 3))
    x = L.Lambda(lambda pair: sampled(*pair), name="sampled")([i, conv(i, "off", 1, 2)])
    model = keras.Model(i, head(L.GlobalAveragePooling2D()(conv(x, "c2"))))
    e = visioncam.explain(model, np.random.default_rng(0).random((16, 24, 3), np.float32))
    assert isinstance(e, visioncam.Explanation)
    assert e.layer.path == "c2"
    assert "placement-stretched" in {d.code for d in e.diagnostics}


def test_a_map_merged_into_columns_keeps_their_positions() -> None:
    """The height becomes features of a column, as a reader of text has them."""
    (row,) = [row for row in visioncam.layers(KINDS["crnn"].build()).table.rows if row.path == "columns"]
    assert row.layout is not None
    assert (row.layout.kind, row.grid, row.guessed) == ("columns", (1, 24), False)


def test_the_loops_of_keras_2_are_followed() -> None:
    """They are functions inside a call, in a graph of their own."""
    layers = tf_keras.layers
    i = layers.Input((8, 24, 1))
    x = layers.Permute((2, 1, 3))(layers.Conv2D(4, 3, padding="same", name="c1")(i))
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="first")(layers.Reshape((24, 32))(x))
    x = layers.LSTM(4, return_sequences=True, name="read")(x)
    listing = visioncam.layers(tf_keras.Model(i, layers.Dense(3)(layers.GlobalAveragePooling1D()(x))))
    assert listing.choice is not None
    assert (listing.choice.path, listing.choice.grid, listing.choice.row.guessed) == ("read", (1, 24), False)


def test_branches_of_a_saved_model_are_followed(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    one = PLACED["map_turned"]
    model = one.build()
    model.export(tmp_path, verbose=False)
    picture = np.random.default_rng(0).random(one.shape, np.float32)
    e = visioncam.explain(tf.saved_model.load(tmp_path), picture)
    assert isinstance(e, visioncam.Explanation)
    np.testing.assert_allclose(e.raw, visioncam.explain(model, picture).raw, atol=1e-6)
