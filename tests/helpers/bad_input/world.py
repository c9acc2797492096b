"""What rows of bad input are tried on: small models, good arrays, and files that are not what they seem."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
import keras
import numpy as np
import tensorflow as tf
from keras import layers as L  # noqa: N812  -- as everybody writes it
from PIL import Image

import visioncam


@attrs.frozen
class Bad:
    """One row: a call that must fail, how, and the words its message must contain."""

    name: str
    call: Callable[[World], Any]
    error: type[Exception]
    words: tuple[str, ...]


def conv(filters: int, name: str) -> L.Layer:
    return L.Conv2D(filters, 3, padding="same", activation="relu", name=name)


def net(classes: int = 5, activation: str | None = "softmax", channels: int = 3) -> Any:
    i = L.Input((16, 16, channels), name="photo")
    x = L.MaxPooling2D(name="pool")(conv(4, "c1")(i))
    x = L.GlobalAveragePooling2D(name="gap")(conv(6, "c2")(x))
    return keras.Model(i, L.Dense(classes, activation, name="head")(x), name="net")


class Unbuilt(keras.Model):
    """Nobody has called it."""

    def call(self, x: Any) -> Any:
        return x


class Fragile(keras.Model):
    """Works while it is built, and raises ever after."""

    def __init__(self) -> None:
        super().__init__(name="fragile")
        self.conv, self.broken = L.Conv2D(3, 3), False

    def call(self, x: Any) -> Any:
        if self.broken:
            raise RuntimeError("the cable is\nloose")
        return tf.reduce_mean(self.conv(x), [1, 2])


class World:
    """Models, arrays and files, made when first asked for."""

    def __init__(self, folder: Path) -> None:
        """Keep files in `folder`."""
        keras.utils.set_random_seed(0)
        self.folder = folder
        self.x = np.random.default_rng(0).random((16, 16, 3), dtype=np.float32)
        self.batch = np.stack([self.x, self.x[::-1]])
        self.picture = (self.x * 255).astype(np.uint8)
        self.names = ["tabby, tabby cat", "tiger cat", "Egyptian cat", "crane", "crane"]
        self.model = net()

    def explain(self, image: Any = None, method: Any = "gradcam", model: Any = None, **keywords: Any) -> Any:
        image = self.x if image is None else image
        return visioncam.explain(self.model if model is None else model, image, method, **keywords)

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    @cached_property
    def png(self) -> bytes:
        path = self.folder / "good.png"
        Image.fromarray(self.picture).save(path)
        return path.read_bytes()

    def spoilt(self, *values: float) -> np.ndarray:
        """Return the image with values at (2, 3, 1) and behind it."""
        x = self.x.copy()
        x[2, 3, 1 : 1 + len(values)] = values
        return x

    @cached_property
    def sigmoid(self) -> Any:
        return net(1, "sigmoid")

    @cached_property
    def regression(self) -> Any:
        return net(2, None)

    @cached_property
    def two_outputs(self) -> Any:
        i = L.Input((16, 16, 3))
        heads = [L.GlobalAveragePooling2D()(conv(4, name)(i)) for name in ("for_kind", "for_size")]
        return keras.Model(i, [L.Dense(2, name="kind")(heads[0]), L.Dense(3, name="size")(heads[1])])

    @cached_property
    def two_inputs(self) -> Any:
        i, table = L.Input((16, 16, 3), name="photo"), L.Input((4,), name="table")
        x = L.Concatenate()([L.GlobalAveragePooling2D()(conv(3, "c")(i)), table])
        return keras.Model([i, table], L.Dense(3)(x))

    @cached_property
    def shared(self) -> Any:
        i, twice = L.Input((16, 16, 3)), conv(4, "twice")
        pooled = [L.GlobalAveragePooling2D()(twice(x)) for x in (i, i * 0.5)]
        return keras.Model(i, L.Dense(3)(L.Subtract()(pooled)))

    @cached_property
    def perceptron(self) -> Any:
        return keras.Sequential(
            [L.Input((16, 16, 3)), L.Flatten(name="flat"), L.Dense(4, name="hidden"), L.Dense(2)], name="mlp"
        )

    @cached_property
    def vectors(self) -> Any:
        return keras.Sequential([L.Input((8,)), L.Dense(4, name="hidden"), L.Dense(2)], name="mlp")

    @cached_property
    def segmenter(self) -> Any:
        i = L.Input((16, 16, 3))
        return keras.Model(i, L.Conv2D(3, 1, activation="softmax")(conv(4, "c1")(i)))

    @cached_property
    def whole_numbers(self) -> Any:
        i = L.Input((16, 16, 3), dtype="uint8")
        return keras.Model(i, L.Dense(2)(L.GlobalAveragePooling2D()(conv(4, "c1")(L.Rescaling(1 / 255)(i)))))

    @cached_property
    def channels_first(self) -> Any:
        i = L.Input((3, 16, 16))
        x = L.Conv2D(4, 3, padding="same", data_format="channels_first", name="c1")(i)
        return keras.Model(i, L.Dense(2)(L.GlobalAveragePooling2D(data_format="channels_first")(x)))

    @cached_property
    def stopped(self) -> Any:
        i = L.Input((16, 16, 3))
        x = L.Lambda(lambda t: tf.stop_gradient(t), name="stop")(conv(4, "before")(i))
        return keras.Model(i, L.Dense(2)(L.GlobalAveragePooling2D()(x)))

    @cached_property
    def unbuilt(self) -> Any:
        return keras.Sequential([L.Conv2D(3, 3), L.Dense(2)], name="raw")

    @cached_property
    def fragile(self) -> Any:
        model = Fragile()
        model(self.x[None])
        model.broken = True
        return model

    @cached_property
    def checked(self) -> Any:
        """Return a model that refuses values above 1 while it runs."""

        def check(x: Any) -> Any:
            with tf.control_dependencies([tf.debugging.assert_less(x, 1.1, message="too bright")]):
                return tf.identity(x)

        i = L.Input((16, 16, 3))
        x = conv(4, "c1")(L.Lambda(check, name="check")(i))
        return keras.Model(i, L.Dense(2)(L.GlobalAveragePooling2D()(x)), name="checked")

    @cached_property
    def explanation(self) -> Any:
        return self.explain()

    @cached_property
    def comparison(self) -> Any:
        return visioncam.compare(self.model, self.x, ["gradcam"])

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Names of the models above."""
        skipped = ("unbuilt", "explanation", "comparison", "models", "png")
        return (
            "model",
            *(k for k, v in vars(World).items() if isinstance(v, cached_property) and k not in skipped),
        )
