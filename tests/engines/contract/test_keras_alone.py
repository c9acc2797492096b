"""Keras models where PyTorch and JAX cannot be imported.

`make test` has neither installed; where the extra `bench` brought torch, it is hidden here.
"""

from __future__ import annotations

from pathlib import Path

from helpers import hidden

SCRIPT = """
import keras
from keras import layers as L
from helpers import whole_product

i = keras.Input((16, 16, 3))
x = L.Conv2D(4, 3, activation="relu")(L.Conv2D(4, 3, padding="same", activation="relu")(i))
model = keras.Model(i, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(x)))
model.save("model.keras")
whole_product.check(model, "model.keras")
print(whole_product.loaded("tensorflow", "keras", "torch", "jax"))
"""


def test_everything_works_on_keras_where_torch_and_jax_are_missing(tmp_path: Path) -> None:
    assert hidden.run(hidden.hiding("torch", "jax") + SCRIPT, tmp_path) == ["['keras', 'tensorflow']"]
