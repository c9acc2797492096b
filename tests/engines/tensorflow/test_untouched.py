"""The user's model is as it was: attributes, weights, states, answers; after an error too, in threads too."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks.kinds import X, conv, functional, gap, nested, subclassed
from helpers.untouched import snapshot
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam_core.engine import cache
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import ModelError

METHODS = [spec.name for spec in visioncam.methods() if spec.family != "attention"]
AT_LAYERS = {spec.name for spec in visioncam.methods() if spec.on == "layer"}


class Compiled(L.Layer):
    """A layer whose `call` is a `tf.function`, with a layer inside."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.inner = conv("inner")

    def build(self, shape: Any) -> None:
        self.inner.build(shape)

    @tf.function
    def call(self, x: Any) -> Any:
        return self.inner(x) * 2.0


def compiled_layer() -> Any:
    i = L.Input((16, 16, 3))
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(Compiled(name="block")(i))))


@pytest.mark.parametrize("method", METHODS)
def test_a_layer_that_is_a_tf_function_is_seen_inside_and_not_polluted(method: str) -> None:
    """Nothing of ours enters its cache: the model answers as its twin that we never touched."""
    model, twin = compiled_layer(), compiled_layer()
    twin.set_weights(model.get_weights())
    before = snapshot(model)
    at = {"layer": "block/inner"} if method in AT_LAYERS else {}
    e = visioncam.explain(model, X, method=method, **at)
    assert e[0].raw.any()
    assert snapshot(model) == before
    for picture in (X, X * 3):
        np.testing.assert_allclose(model(picture), twin(picture), atol=1e-6)
        np.testing.assert_allclose(model.predict(picture, verbose=0), twin(picture), atol=1e-6)


def test_keras_2_operation_layers_keep_computing_right_numbers() -> None:
    """tf_keras keeps `call` of `x * 2 + 1` in the instance: deleting it makes the model compute nonsense."""
    tf_keras = pytest.importorskip("tf_keras")
    layers = tf_keras.layers
    i = layers.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, name="c", activation="relu")(i)
    x = tf.nn.relu(x * 2.0 + 1.0)
    model = tf_keras.Model(i, layers.Dense(5, activation="softmax")(layers.GlobalAveragePooling2D()(x)))
    answer, before = model(X).numpy(), snapshot(model)
    comparison = visioncam.compare(model, X[0])
    assert not isinstance(comparison, list)
    assert comparison.failures == {}
    assert comparison[0].layer.path.startswith("tf.nn.relu")
    np.testing.assert_array_equal(model(X).numpy(), answer)
    assert snapshot(model) == before


class Raising(L.Layer):
    """Raises on the third call."""

    calls = 0

    def call(self, x: Any) -> Any:
        self.__class__.calls += 1
        if self.__class__.calls >= 3:
            raise self.error
        return x

    error: BaseException = RuntimeError("the layer's own failure")


@pytest.mark.parametrize("error", [RuntimeError("the layer's own failure"), KeyboardInterrupt()])
def test_an_error_in_the_middle_leaves_the_model_alone(error: BaseException) -> None:
    i = L.Input((16, 16, 3))
    Raising.calls, Raising.error = 0, error
    model = keras.Model(i, L.Dense(5)(gap(Raising()(conv("c2")(conv("c1")(i))))))
    before = snapshot(model)
    Raising.calls = -(10**6)
    first = visioncam.explain(model, X)[0].raw
    visioncam.forget(model)
    Raising.calls = 2
    expected = ModelError if isinstance(error, RuntimeError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        visioncam.explain(model, X)
    if expected is ModelError:
        assert "the layer's own failure" in str(caught.value)
        assert caught.value.__cause__ is not None
    assert snapshot(model) == before
    Raising.calls = -(10**6)
    assert first.any()
    assert visioncam.explain(model, X)[0].raw.tobytes() == first.tobytes()


class Keeping(L.Layer):
    """Keeps its last output and a loss, as many layers do."""

    last: Any = None

    def call(self, x: Any) -> Any:
        self.last = x
        self.add_loss(tf.reduce_mean(x))
        return x


def test_states_losses_and_kept_tensors_are_as_before() -> None:
    """A stateful LSTM, a seed generator, an activity loss, and a layer that keeps its last output."""
    i = L.Input((4, 16, 16, 3), batch_size=2)
    x = L.TimeDistributed(L.GlobalAveragePooling2D())(L.TimeDistributed(conv("c"), name="frames")(i))
    x = L.Dropout(0.5, seed=3)(L.LSTM(8, stateful=True, name="memory")(x))
    model = keras.Model(i, L.Dense(5, activation="softmax")(Keeping(name="keeper")(x)))
    video = np.random.default_rng(0).random((2, 4, 16, 16, 3), dtype=np.float32)
    model(video)
    kept = model.get_layer("keeper").last
    losses = [float(loss) for loss in model.losses]
    before = snapshot(model)
    visioncam.explain(model, video, layer="frames")
    assert snapshot(model) == before
    assert model.get_layer("keeper").last is kept
    assert [float(loss) for loss in model.losses] == losses


@pytest.mark.parametrize("build", [functional, nested, subclassed])
def test_threads_give_what_one_thread_gives(build: Any) -> None:
    """32 threads, first call concurrent: every map equals its single-threaded twin, one trace in all."""
    model, twin = build(), build()
    twin.set_weights(model.get_weights())
    pictures = np.random.default_rng(1).random((32, 16, 16, 3), dtype=np.float32)
    methods = [METHODS[i % len(METHODS)] for i in range(32)]
    layers = [["auto", 0][i % 2] if methods[i] in AT_LAYERS else "auto" for i in range(32)]
    expected = [
        visioncam.explain(twin, pictures[i], method=methods[i], layer=layers[i]).raw for i in range(32)
    ]
    before, traces = snapshot(model), COUNTERS.snapshot()["traces"]
    start = threading.Barrier(32)

    def one(i: int) -> np.ndarray:
        start.wait()
        return visioncam.explain(model, pictures[i], method=methods[i], layer=layers[i]).raw

    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(one, range(32)))
    assert COUNTERS.snapshot()["traces"] == traces + 1
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5 * max(1.0, np.abs(wanted).max()))
    assert snapshot(model) == before


def test_other_threads_may_predict_and_train_meanwhile() -> None:
    model = functional()
    clone = keras.models.clone_model(model)
    clone.compile("sgd", "sparse_categorical_crossentropy")
    answer = model.predict(X, verbose=0)
    failures: list[BaseException] = []
    stop = threading.Event()

    def busy(work: Any) -> None:
        try:
            while not stop.is_set():
                work()
        except BaseException as error:
            failures.append(error)

    def predict() -> None:
        np.testing.assert_allclose(model.predict(X, verbose=0), answer, atol=1e-6)

    def fit() -> None:
        clone.fit(X, np.zeros(2), verbose=0)

    threads = [threading.Thread(target=busy, args=(work,)) for work in (predict, fit)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            visioncam.forget(model)
            visioncam.explain(model, X)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []


@pytest.mark.parametrize("outcome", ["success", "error"])
def test_a_deleted_model_is_freed_with_its_traces(outcome: str) -> None:
    """Also while the result is still alive."""
    gc.collect()
    model = functional()
    reference, cached = weakref.ref(model), len(cache._ENTRIES)
    if outcome == "success":
        result: Any = visioncam.compare(model, X)
    else:
        with pytest.raises(visioncam.VisionCamError):
            visioncam.explain(model, X, layer="no such layer")
        result = None
    assert len(cache._ENTRIES) == cached + 1
    del model
    gc.collect()
    assert reference() is None
    assert len(cache._ENTRIES) == cached
    assert result is None or result[0][0].heatmap.any()


def test_a_changed_model_is_traced_again() -> None:
    """Another activation, another layer: never a stale map."""
    model = functional()
    first = visioncam.explain(model, X, target=0)[0]
    model.get_layer("c2").activation = keras.activations.tanh
    second = visioncam.explain(model, X, target=0)[0]
    expected = model(X).numpy()[0, 0]
    assert second.target.probability == pytest.approx(expected, abs=1e-6)
    assert not np.allclose(first.raw, second.raw)


def test_trained_weights_show_at_once() -> None:
    """Weights are read, not frozen into the trace."""
    model = functional()
    visioncam.explain(model, X, target=0)
    traces = COUNTERS.snapshot()["traces"]
    model.set_weights([weight * 0.5 for weight in model.get_weights()])
    e = visioncam.explain(model, X, target=0)[0]
    assert e.target.probability == pytest.approx(float(model(X).numpy()[0, 0]), abs=1e-6)
    assert COUNTERS.snapshot()["traces"] == traces


def test_the_global_random_states_are_left_alone() -> None:
    model = functional()
    keras.utils.set_random_seed(5)
    drawn = (np.random.random(3), tf.random.uniform([3]).numpy())  # noqa: NPY002  -- the global state is the point
    keras.utils.set_random_seed(5)
    visioncam.compare(model, X)
    again = (np.random.random(3), tf.random.uniform([3]).numpy())  # noqa: NPY002  -- the global state is the point
    np.testing.assert_array_equal(drawn[0], again[0])
    np.testing.assert_array_equal(drawn[1], again[1])


def test_the_callers_arrays_are_not_written_to() -> None:
    model, picture = functional(), X.copy()
    picture.flags.writeable = False
    visioncam.compare(model, picture)
    np.testing.assert_array_equal(picture, X)
