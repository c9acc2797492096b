"""The engine for Keras models on TensorFlow, and for SavedModels.

It traces a model once, records what every unit returns, and cuts functions from that one graph.  It never
changes the model.  Importing this module imports neither TensorFlow nor Keras.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from visioncam_core.engine.interface import Copy
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.records import Hints
from visioncam_core.errors import ModelError
from visioncam_core.images.files import quoted
from visioncam_engines.demo import weights
from visioncam_engines.tensorflow import checks, demo
from visioncam_engines.tensorflow.copies import KerasCopy
from visioncam_engines.tensorflow.files.inspection import inspect_file
from visioncam_engines.tensorflow.files.load import check_file, is_saved_model, load_model
from visioncam_engines.tensorflow.graph.restore import Held
from visioncam_engines.tensorflow.graph.saved_model import endpoint_of, is_saved
from visioncam_engines.tensorflow.hints import hints_of
from visioncam_engines.tensorflow.inputs import model_inputs
from visioncam_engines.tensorflow.run.batches import running
from visioncam_engines.tensorflow.tracing.recording import fingerprint, walk
from visioncam_engines.tensorflow.tracing.trace_model import leaves, stateless
from visioncam_engines.tensorflow.view import TracedModel, traced

NAME = "keras-tensorflow"


class TensorFlowEngine:
    """Keras 3 on TensorFlow, Keras 2 (tf_keras), and loaded SavedModels; see `engine.interface.Engine`."""

    name = NAME

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        """What TensorFlow raises when a model fails while it runs."""
        import tensorflow as tf

        return (tf.errors.OpError,)

    def require(self) -> None:
        """Raise `BackendError` unless TensorFlow can run in this process, and Keras on it."""
        checks.require_tensorflow()

    def check(self, model: Any) -> None:
        """Raise an error unless the model is a Keras model that is ready to be called, or a SavedModel."""
        checks.check(model)

    def inputs(self, model: Any) -> ModelInputs:
        """Return what the model says of its inputs; nothing is traced."""
        return model_inputs(model)

    def hints(self, model: Any) -> Hints:
        """Return what the model's layers say."""
        return hints_of(model)

    def mark(self, model: Any) -> object:
        """Return what changes when a unit, a variable or an activation is replaced."""
        return (id(endpoint_of(model).function),) if is_saved(model) else fingerprint(model)

    def trace(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> TracedModel:
        """Return the model as one graph."""
        return traced(model, inputs.structure, flat)

    def tensors(self, arrays: Sequence[np.ndarray]) -> list[Any]:
        """Return arrays as tensors; tensors as they are."""
        import tensorflow as tf

        return [tf.convert_to_tensor(one) for one in arrays]

    def call(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> list[Any]:
        """Return every output of the model itself, at rest; what a call leaves behind is put back."""
        import tensorflow as tf

        held = [Held.of(unit.__dict__) for unit in (model, *(unit for _, unit in walk(model)))]
        try:
            with stateless(model):
                answer = model(tf.nest.pack_sequence_as(inputs.structure, flat), training=False)
        finally:
            for one in held:
                one.put_all_back()
        return [value for _, value in leaves(answer) if value is not None]

    def weights(self, model: Any) -> Iterator[tuple[str, Any]]:
        """Yield name and values of every weight, in the model's own order."""
        for weight in model.weights:
            yield str(getattr(weight, "path", weight.name)), weight

    def configuration(self, model: Any) -> str:
        """Return the model's configuration, or the name of its class where it has none."""
        try:
            return str(model.to_json())
        except Exception:  # a subclassed model has no configuration
            return type(model).__qualname__

    def copy(self, model: Any) -> Copy:
        """Return a copy, made by `keras.models.clone_model`."""
        return KerasCopy.of(model)

    def running(self, model: Any) -> AbstractContextManager[None]:
        """Return a block in which TensorFlow's own errors become a `ModelError`."""
        return running(model)

    def slope(self, function: Callable[[Any], Any], values: Any) -> tuple[Any, Any]:
        """Return `function(values)` and its gradient, or None where it does not depend on them."""
        import tensorflow as tf

        values = tf.convert_to_tensor(values)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            scores = function(values)
        gradient = tape.gradient(scores, values) if tf.is_tensor(scores) else None
        return scores, None if gradient is None else tf.convert_to_tensor(gradient)

    def versions(self) -> dict[str, str]:
        """Return the versions of TensorFlow and Keras."""
        return dict(_versions())

    def check_file(self, path: str | os.PathLike[str], *, trust_savedmodel: bool = False) -> None:
        """Raise `ModelError` unless a file looks like a Keras model; imports no TensorFlow."""
        if not (trust_savedmodel and is_saved_model(path)):
            check_file(path)

    def load(self, path: str | os.PathLike[str], **asked: Any) -> Any:
        """Return the model in a file; see `files.load.load_model`."""
        return load_model(path, **asked)

    def inspect(self, path: str | os.PathLike[str]) -> Any:
        """Return what a model file holds; see `files.inspection.inspect_file`."""
        return inspect_file(path, check_file(path), quoted(os.fsdecode(os.fspath(path))))

    def demo(self) -> Any:
        """Return EfficientNet-Lite0 as the demo package brings it."""
        return demo.load()

    def demo_digest(self) -> str:
        """Return the SHA-256 of EfficientNet-Lite0's weights, "" where they are not installed."""
        try:
            weights.weights_file()
        except ModelError:
            return ""
        return weights.SHA256


@lru_cache(maxsize=1)
def _versions() -> tuple[tuple[str, str], ...]:
    found = []
    for name in ("tensorflow", "keras"):
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "unknown"))
    return tuple(found)
