"""Fixtures for the tests of the command line: models and pictures in files, and plugins.

A pytest plugin: `pytest_plugins = ("helpers.cli_files",)` makes the fixtures known.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from visioncam_core.plugins.default import BUILTINS, registry, use_registry
from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.plugins.registry import Registry
from visioncam_core.plugins.specs import MethodSpec, RendererSpec

LAYERS = """
import keras

class Doubling(keras.layers.Layer):
    def call(self, x):
        return x * 2

def softly(x):
    return keras.ops.relu(x)
"""


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with pictures and models: tiny, and broken in every way."""
    import keras

    folder = tmp_path_factory.mktemp("cli")
    keras.utils.set_random_seed(1)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "cat.png")
    (folder / "text.png").write_text("this is no picture")
    (folder / "names.txt").write_text("tabby, tabby cat\nespresso\nrocket\n")
    (folder / "my_module.py").write_text(LAYERS)

    def network(*extra: Any, size: int | None = 16) -> Any:
        inputs = keras.Input((size, size, 3))
        x = keras.layers.Rescaling(1 / 255, name="rescaling")(inputs)
        x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="features")(x)
        for layer in extra:
            x = layer(x)
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
        return keras.Model(inputs, keras.layers.Dense(3, activation="softmax", name="probs")(x), name="tiny")

    tiny = network()
    tiny.get_layer("features").set_weights([w + 0.1 for w in tiny.get_layer("features").get_weights()])
    tiny.save(folder / "tiny.keras")
    tiny.save(folder / "tiny.h5")
    network(size=None).save(folder / "open.keras")
    dead = network()
    dead.get_layer("features").set_weights([-abs(w) for w in dead.get_layer("features").get_weights()])
    dead.save(folder / "dead.keras")
    tiny.save_weights(folder / "only.weights.h5")
    network(keras.layers.Lambda(lambda x: x * 2, name="code")).save(folder / "lambda.keras")
    own: dict[str, Any] = {"__name__": "my_module"}
    exec(LAYERS, own)
    doubling = network(own["Doubling"](), keras.layers.Conv2D(2, 1, activation=own["softly"]))
    doubling.save(folder / "custom.keras")
    doubling.save(folder / "custom.h5")
    keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]).save(
        folder / "flat.keras"
    )
    for name in ("tiny.keras", "tiny.h5"):
        whole = (folder / name).read_bytes()
        (folder / f"cut-{name}").write_bytes(whole[: len(whole) // 2])
        shutil.copy(folder / name, folder / f"{name}.bin")
    (folder / "empty.keras").touch()
    (folder / "folder.keras").mkdir()
    shutil.copy(folder / "text.png", folder / "text.keras")
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def plugins() -> Iterator[Any]:
    """Return a function that adds plugins; they are gone after the test."""

    def add(name: str, methods: tuple[MethodSpec, ...] = (), renderers: tuple[RendererSpec, ...] = ()) -> Any:
        @hookimpl
        def visioncam_register_methods() -> tuple[MethodSpec, ...]:
            return methods

        @hookimpl
        def visioncam_register_renderers() -> tuple[RendererSpec, ...]:
            return renderers

        module = SimpleNamespace(
            visioncam_register_methods=visioncam_register_methods,
            visioncam_register_renderers=visioncam_register_renderers,
        )
        return registry().add_plugin(module, name, f"{name}-dist")

    with use_registry(Registry(BUILTINS)):
        yield add
