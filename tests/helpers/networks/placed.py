"""Networks that move the picture about: each with a layer, its grid, and how mixed its positions are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import keras
import tensorflow as tf
from keras import layers as L  # noqa: N812  -- as everybody writes it

from helpers.networks.space import Queries, attended, columns_of, head

SHAPE = (16, 24, 3)


@attrs.frozen(eq=False)
class Placed:
    """A network and one of its layers.

    Attributes:
        build: makes the network.
        layer: its name.
        grid: the grid there.
        shape: of the picture.
        mixed: attention or recurrence lies in front, so that each position sees all, its own place most.
    """

    build: Callable[[], Any]
    layer: str
    grid: tuple[int, ...]
    shape: tuple[int, ...]
    mixed: bool


PLACED: dict[str, Placed] = {}


def placed(
    layer: str, grid: tuple[int, ...], shape: tuple[int, ...] = SHAPE, mixed: bool = False
) -> Callable[[Callable[[Any], Any]], Any]:
    """Register a function from the input to what the head reads."""

    def register(body: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def build() -> Any:
            i = L.Input(shape)
            return keras.Model(i, head(L.Flatten()(body(i))))

        PLACED[body.__name__] = Placed(build, layer, grid, shape, mixed)
        return body

    return register


def conv(x: Any, name: str, strides: Any = 2, filters: int = 8, kernel: Any = 3, **keywords: Any) -> Any:
    padding = keywords.pop("padding", "same")
    return L.Conv2D(filters, kernel, strides=strides, padding=padding, name=name, **keywords)(x)


def moved(x: Any, name: str, function: Callable[[Any], Any]) -> Any:
    return L.Lambda(function, name=name)(x)


def patches(i: Any) -> Any:
    return L.Reshape((24, 8))(conv(i, "patch", 4, kernel=4))


# ---- columns, rows, frames


@placed("read", (1, 12), (16, 24, 1), mixed=True)
def columns_by_permute(i: Any) -> Any:
    x = L.MaxPooling2D((4, 1))(conv(i, "c1"))
    return L.Bidirectional(L.LSTM(6, return_sequences=True), name="read")(columns_of(x))


@placed("read", (1, 12), (16, 24, 1), mixed=True)
def columns_by_squeeze(i: Any) -> Any:
    x = L.MaxPooling2D((8, 1))(conv(i, "c1"))
    x = moved(x, "line", lambda t: tf.squeeze(t, 1))
    return L.Conv1D(6, 3, padding="same", name="read")(L.GRU(6, return_sequences=True)(x))


@placed("read", (1, 12), (16, 24, 1), mixed=True)
def columns_unrolled(i: Any) -> Any:
    x = L.TimeDistributed(L.Flatten())(L.Permute((2, 3, 1))(conv(i, "c1")))
    return L.GRU(6, return_sequences=True, unroll=True, name="read")(x)


@placed("read", (12, 1), (12, 12, 1), mixed=True)
def rows_backwards(i: Any) -> Any:
    x = L.GRU(6, return_sequences=True, go_backwards=True)(L.Reshape((12, 12))(i))
    return L.GRU(6, return_sequences=True, go_backwards=True, name="read")(x)


@placed("last", (1, 8, 8), (3, 16, 16, 1))
def frames_into_a_map(i: Any) -> Any:
    x = L.ConvLSTM2D(4, 3, padding="same", name="first")(i)
    return conv(x, "last")


@placed("last", (8, 8, 1), (16, 16, 3, 1))
def slices_into_a_map(i: Any) -> Any:
    x = L.Reshape((16, 16, 6))(L.Conv3D(6, (3, 3, 3), padding="same")(L.AveragePooling3D((1, 1, 3))(i)))
    return conv(x, "last")


@placed("last", (3, 4, 4), (3, 16, 16, 1))
def frames_over_time(i: Any) -> Any:
    x = L.TimeDistributed(L.Conv2D(4, 3, strides=4, padding="same"), name="last")(i)
    return L.LSTM(6)(L.TimeDistributed(L.Flatten())(x))


# ---- tokens


@placed("ln", (4, 6), mixed=True)
def tokens_at_both_ends(i: Any) -> Any:
    x = patches(i)
    x = L.Concatenate(axis=1)([Queries(1, 8)(x), x, Queries(3, 8)(x)])
    return L.LayerNormalization(name="ln")(attended(x, "b"))[:, 0]


@placed("ln", (4, 6), mixed=True)
def tokens_column_by_column(i: Any) -> Any:
    x = moved(
        conv(i, "patch", 4, kernel=4),
        "flat",
        lambda t: tf.reshape(tf.transpose(t, (0, 2, 1, 3)), (-1, 24, 8)),
    )
    return L.LayerNormalization(name="ln")(attended(x, "b"))


@placed("embed", (4, 6))
def tokens_from_crops(i: Any) -> Any:
    def crops(t: Any) -> Any:
        places = [(r, c) for r in range(0, 16, 4) for c in range(0, 24, 4)]
        return tf.stack([tf.reshape(t[:, r : r + 4, c : c + 4], (-1, 48)) for r, c in places], axis=1)

    return L.Dense(8, name="embed")(moved(i, "crops", crops))


@placed("embed", (4, 6))
def tokens_extracted(i: Any) -> Any:
    x = moved(
        i, "cut", lambda t: tf.image.extract_patches(t, [1, 4, 4, 1], [1, 4, 4, 1], [1, 1, 1, 1], "VALID")
    )
    return L.Dense(8, name="embed")(L.Reshape((24, 48))(x))


@placed("ln", (8, 12), mixed=True)
def keys_of_a_smaller_grid(i: Any) -> Any:
    x = conv(i, "c1")
    q, k = L.Reshape((96, 8))(x), L.Reshape((24, 8))(conv(x, "fewer", kernel=2))
    return L.LayerNormalization(name="ln")(L.Add()([q, L.MultiHeadAttention(2, 8)(q, k)]))


def windows(x: Any, grid: tuple[int, int], side: int, shift: int, by_parts: bool) -> Any:
    """Return a map after attention in windows, shifted by a roll or by joining slices the other way round."""
    height, width = grid

    def turned(t: Any, by: int) -> Any:
        if not by_parts:
            return tf.roll(t, [-by, -by], [1, 2])
        t = tf.concat([t[:, by:], t[:, :by]], 1)
        return tf.concat([t[:, :, by:], t[:, :, :by]], 2)

    def cut(t: Any) -> Any:
        t = tf.reshape(turned(t, shift), (-1, height // side, side, width // side, side, 8))
        return tf.reshape(tf.transpose(t, (0, 1, 3, 2, 4, 5)), (-1, side * side, 8))

    def joined(t: Any) -> Any:
        t = tf.reshape(t, (-1, height // side, width // side, side, side, 8))
        return turned(tf.reshape(tf.transpose(t, (0, 1, 3, 2, 4, 5)), (-1, height, width, 8)), -shift)

    t = moved(x, f"cut{shift}", cut)
    return L.Add()([x, moved(L.MultiHeadAttention(2, 8)(t, t), f"joined{shift}", joined)])


@placed("ln", (8, 12), mixed=True)
def windows_rolled(i: Any) -> Any:
    x = windows(conv(i, "c1"), (8, 12), 4, 0, False)
    return L.LayerNormalization(name="ln")(windows(x, (8, 12), 4, 2, False))


@placed("ln", (8, 12), mixed=True)
def windows_rolled_by_parts(i: Any) -> Any:
    return L.LayerNormalization(name="ln")(windows(conv(i, "c1"), (8, 12), 2, 1, True))


# ---- pictures moved about


@placed("c2", (4, 6))
def map_transposed(i: Any) -> Any:
    return conv(L.Permute((2, 1, 3))(conv(i, "c1")), "c2")


@placed("c2", (4, 6))
def map_turned(i: Any) -> Any:
    """By a branch of the graph whose condition is a constant."""
    x = L.Lambda(tf.image.rot90, output_shape=(12, 8, 8), name="turned")(conv(i, "c1"))
    return L.GlobalAveragePooling2D()(conv(x, "c2"))


@placed("c2", (4, 6))
def map_flipped(i: Any) -> Any:
    return conv(conv(i[:, :, ::-1], "c1"), "c2")


@placed("c1", (8, 12))
def sliced_into_channels(i: Any) -> Any:
    parts = [i[:, a::2, b::2] for a in (0, 1) for b in (0, 1)]
    return conv(L.Concatenate()(parts), "c1", 1)


@placed("c2", (8, 12))
def channels_into_pixels(i: Any) -> Any:
    def shuffled(t: Any) -> Any:
        t = tf.transpose(tf.reshape(t, (-1, 4, 6, 2, 2, 4)), (0, 1, 3, 2, 4, 5))
        return tf.reshape(t, (-1, 8, 12, 4))

    return conv(moved(conv(i, "c1", 4, 16, 5), "shuffled", shuffled), "c2", 1)


@placed("c2", (12, 12), (40, 64, 3))
def resized_within_a_frame(i: Any) -> Any:
    return conv(conv(L.Resizing(48, 48, pad_to_aspect_ratio=True)(i), "c1"), "c2")


@placed("c2", (12, 12), (40, 64, 3))
def resized_after_a_crop(i: Any) -> Any:
    return conv(conv(L.Resizing(48, 48, crop_to_aspect_ratio=True)(i), "c1"), "c2")


@placed("c2", (7, 11))
def padded_and_cropped(i: Any) -> Any:
    x = conv(L.ZeroPadding2D(((0, 5), (6, 0)))(i), "c1", kernel=5, padding="valid")
    return conv(L.Cropping2D(((2, 0), (2, 0)))(x), "c2", 1)


@placed("up", (8, 12))
def transposed_convolution(i: Any) -> Any:
    x = conv(conv(i, "c1"), "c2")
    return L.Conv2DTranspose(4, 4, strides=2, padding="same", name="up")(x)


@placed("c2", (8, 12))
def dilated(i: Any) -> Any:
    x = L.DepthwiseConv2D(3, dilation_rate=2, padding="same")(conv(i, "c1"))
    return conv(x, "c2", 1, dilation_rate=2)


@placed("fused", (8, 12))
def pyramid_fused(i: Any) -> Any:
    a = conv(i, "c1")
    return L.Add(name="fused")([a, L.UpSampling2D(2, interpolation="bilinear")(conv(a, "c2"))])
