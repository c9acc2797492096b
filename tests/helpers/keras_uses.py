"""What must hold on every backend of Keras besides: models left alone, kinds of them, the product."""

from __future__ import annotations

import copy
import gc
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from helpers import keras_zoo as zoo
from helpers.keras_cases import BACKEND, PICTURE, PICTURES, SPEC, spent
from visioncam_core.errors import GradientError, ModelError, TargetError
from visioncam_core.pipeline.models import open_model
from visioncam_core.plugins.default import registry
from visioncam_engines.keras.recording import walk

# ---- untouched, alone, freed


def test_thirty_two_threads_while_another_trains_another_model() -> None:
    model = zoo.model_of("nested")
    first = visioncam.explain(model, PICTURE, target=1, preprocess="none").raw
    stop = threading.Event()
    other = zoo.model_of("one_value")

    def calls() -> None:
        while not stop.is_set():
            other(PICTURES, training=True)

    busy = threading.Thread(target=calls)
    busy.start()
    try:
        with ThreadPoolExecutor(32) as pool:
            every = list(
                pool.map(
                    lambda _: visioncam.explain(model, PICTURE, target=1, preprocess="none").raw, range(64)
                )
            )
    finally:
        stop.set()
        busy.join()
    assert max(np.abs(one - first).max() for one in every) <= 1e-6 * np.abs(first).max()


def state(model: Any) -> list[tuple[str, Any]]:
    units = [("", model), *walk(model)]
    held = [(path, sorted((k, id(v)) for k, v in unit.__dict__.items())) for path, unit in units]
    weights = [(one.path, keras.ops.convert_to_numpy(one.value).tobytes()) for one in model.variables]
    return [*held, *weights]


def test_a_model_with_random_state_and_moving_averages_is_left_as_it_was() -> None:
    model = keras.Sequential(
        [
            L.Input((24, 24, 3)),
            L.RandomFlip(),
            L.GaussianNoise(0.1),
            L.Conv2D(4, 3, name="c"),
            L.BatchNormalization(name="bn"),
            L.Dropout(0.5),
            L.GlobalAveragePooling2D(),
            L.Dense(3),
        ]
    )
    model(PICTURES, training=True)
    before = state(model)
    visioncam.explain(model, PICTURE, layer="bn", preprocess="none")
    with pytest.raises(TargetError):
        visioncam.explain(model, PICTURE, target=77, preprocess="none")
    assert state(model) == before


def test_a_dropped_model_is_freed() -> None:
    model = zoo.model_of("subclassed")
    visioncam.explain(model, PICTURE, preprocess="none")
    visioncam.explain(model, PICTURE, "ablationcam", preprocess="none")
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None


def test_changed_weights_are_seen_without_a_trace_and_a_replaced_layer_with_one() -> None:
    model = zoo.model_of("nested")
    first = visioncam.explain(model, PICTURE, target=1, preprocess="none").raw
    kernel = model.get_layer("top").kernel

    def changed() -> None:
        kernel.assign(keras.ops.convert_to_numpy(kernel.value)[..., ::-1].copy())
        second = visioncam.explain(model, PICTURE, target=1, preprocess="none").raw
        assert np.abs(second - first).max() > 1e-3 * np.abs(first).max()

    assert spent(changed)["traces"] == 0
    fresh = visioncam.explain(copy.copy(model), PICTURE, target=1, preprocess="none").raw
    again = visioncam.explain(model, PICTURE, target=1, preprocess="none").raw
    assert np.abs(again - fresh).max() <= 1e-6 * np.abs(fresh).max()
    model.get_layer("top").activation = keras.activations.tanh
    third = spent(lambda: visioncam.explain(model, PICTURE, target=1, preprocess="none"))
    assert third["traces"] == 1


def test_another_picture_class_layer_or_method_traces_nothing() -> None:
    model = zoo.model_of("nested")
    visioncam.explain(model, PICTURE, target=1, preprocess="none")

    def more() -> None:
        visioncam.explain(model, list(PICTURES), target=2, preprocess="none")
        visioncam.explain(model, PICTURE, "ablationcam", layer="backbone/bn", preprocess="none")

    assert spent(more)["traces"] == 0
    cut = spent(
        lambda: visioncam.explain(model, PICTURES[1], "ablationcam", layer="backbone/bn", preprocess="none")
    )
    assert cut["cuts"] == 0


def test_a_batch_is_its_singles_and_only_few_sizes_are_compiled() -> None:
    model = zoo.model_of("nested")
    together = visioncam.explain(model, list(PICTURES[:3]), target=1, preprocess="none")
    for one, picture in zip(together, PICTURES, strict=False):
        single = visioncam.explain(model, picture, target=1, preprocess="none").raw
        assert np.abs(one.raw - single).max() <= 1e-6 * np.abs(single).max()


# ---- kinds of models


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_gives_the_map_of_single_precision(policy: str) -> None:
    def build() -> Any:
        i = L.Input((24, 24, 3))
        x = L.Conv2D(8, 3, activation="relu", name="c")(i)
        x = L.Conv2D(8, 3, activation="relu", name="d")(x)
        return keras.Model(i, L.Dense(3, dtype="float32")(L.GlobalAveragePooling2D()(x)))

    keras.utils.set_random_seed(3)
    plain = build()
    keras.mixed_precision.set_global_policy(policy)
    try:
        half = build()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    half.set_weights(plain.get_weights())
    one, other = (
        visioncam.explain(model, PICTURE, target=1, layer="c", preprocess="none").raw
        for model in (plain, half)
    )
    assert np.abs(one - other).max() < 0.05 * np.abs(one).max()


def test_a_step_without_a_gradient_is_told() -> None:
    i = L.Input((24, 24, 3))
    x = L.Conv2D(4, 3, name="c")(i)
    x = L.Lambda(keras.ops.round, output_shape=lambda s: s)(x)
    model = keras.Model(i, L.Dense(3)(L.GlobalAveragePooling2D()(x)))
    if BACKEND == "jax":
        with pytest.raises(GradientError, match="has no gradient at layer 'c'"):
            visioncam.explain(model, PICTURE, layer="c", target=1, preprocess="none")
    assert visioncam.explain(model, PICTURE, "scorecam", layer="c", target=1, preprocess="none").raw.any()


@pytest.mark.filterwarnings("ignore:Converting a tensor")  # PyTorch's, of the model's own float()
def test_python_that_reads_values_is_refused_in_words() -> None:
    class Branches(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="branches")
            self.c, self.d = L.Conv2D(4, 3, name="c"), L.Dense(3)

        def call(self, x: Any) -> Any:
            y = self.c(x)
            return self.d(keras.ops.mean(y, (1, 2)) if float(keras.ops.mean(y)) > 0 else y[:, 0, 0])

    model = Branches()
    model(PICTURES[:1])
    with pytest.raises(ModelError, match=r"branches.*keras\.ops\.where"):
        visioncam.explain(model, PICTURE, preprocess="none")


def test_inputs_of_a_wrong_size_are_told() -> None:
    model = zoo.model_of("nested")
    with pytest.raises(visioncam.VisionCamError):
        visioncam.explain(model, np.zeros((24, 24, 5), np.float32), preprocess="none")


def test_what_is_no_model_or_not_built_is_told() -> None:
    with pytest.raises(ModelError, match="single layer"):
        visioncam.explain(L.Conv2D(3, 3, name="alone"), PICTURE)
    with pytest.raises(ModelError, match="no weights yet"):
        visioncam.explain(keras.Sequential([L.Conv2D(3, 3)]), PICTURE)


def test_targets_of_every_kind() -> None:
    model = zoo.model_of("nested")
    own = visioncam.explain(
        model, PICTURE, target=lambda values: values[..., 1] - values[..., 2], preprocess="none"
    )
    pair = visioncam.explain(model, PICTURE, target=visioncam.targets.Contrast(1, 2), preprocess="none")
    assert np.abs(own.raw - pair.raw).max() <= 1e-5 * np.abs(pair.raw).max()
    dense = zoo.model_of("dense_output")
    assert visioncam.explain(dense, PICTURE, target=1, preprocess="none").raw.shape


# ---- the product


def test_the_whole_product_runs(tmp_path: Path) -> None:
    model = zoo.model_of("nested")
    compared = visioncam.compare(model, PICTURE, preprocess="none")
    assert len(compared) == 9
    page = tmp_path / "page.html"
    visioncam.report(model, PICTURE, page, preprocess="none")
    assert page.stat().st_size > 10_000
    assert visioncam.doctor(model, PICTURE, preprocess="none")
    found = visioncam.evaluate(model, list(PICTURES[:2]), ["gradcam", "hirescam"], preprocess="none", steps=4)
    assert found


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_files_are_loaded_by_the_engine_of_the_backend(suffix: str, tmp_path: Path) -> None:
    model = zoo.model_of("nested")
    path = tmp_path / f"model{suffix}"
    model.save(path)
    loaded = open_model(path)
    assert registry().engine_of(loaded).name == f"keras-{BACKEND}"
    one, other = (visioncam.explain(m, PICTURE, target=1, preprocess="none").raw for m in (model, loaded))
    assert np.abs(one - other).max() <= 1e-6 * np.abs(one).max()


def test_a_saved_model_is_refused_with_the_backend_to_set(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00")
    with pytest.raises(ModelError, match="KERAS_BACKEND=tensorflow"):
        registry().open_engine(SPEC).load(tmp_path, trust_savedmodel=True)


def test_tensorflow_is_not_imported() -> None:
    assert "tensorflow" not in sys.modules
