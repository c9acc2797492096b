"""The engine for Keras models on TensorFlow, and for SavedModels.

It traces a model once, records what every unit returns, and cuts functions from that one graph.  It never
changes the model.  Importing this module imports neither TensorFlow nor Keras.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.cache import open_trace
from visioncam_core.engine.copies import Twin, TwinCopy, original
from visioncam_core.engine.export import ExportPlan, Written
from visioncam_core.engine.interface import Copy
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.records import Hints, Mark
from visioncam_core.errors import ModelError
from visioncam_core.text import error_text
from visioncam_engines.keras.checks import check_model, is_saved, require_backend
from visioncam_engines.keras.engine import KerasEngine
from visioncam_engines.keras.files.load import is_saved_model
from visioncam_engines.keras.fingerprint import fingerprint
from visioncam_engines.keras.hints import hints_of
from visioncam_engines.keras.recording import walk
from visioncam_engines.keras.records import leaves
from visioncam_engines.keras.restore import Snapshot
from visioncam_engines.tensorflow.copies import GraphTwin
from visioncam_engines.tensorflow.graph.saved_model import endpoint_of, variables_of
from visioncam_engines.tensorflow.inputs import model_inputs
from visioncam_engines.tensorflow.saved_model_files import load_saved_model
from visioncam_engines.tensorflow.tracing.trace_model import stateless
from visioncam_engines.tensorflow.view import TracedModel, traced

NAME = "keras-tensorflow"
SAMPLED = 5
"""Weights whose values are looked at: the last layer's, which are met first, and some of the others."""


class TensorFlowEngine(KerasEngine):
    """Keras 3 on TensorFlow, Keras 2 (tf_keras), and loaded SavedModels; see `engine.interface.Engine`."""

    name = NAME
    backend = "tensorflow"

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        import tensorflow as tf

        return (tf.errors.OpError,)

    def check(self, model: Any) -> None:
        require_backend(self.backend)
        model = model.original if isinstance(model, Twin) else model
        if is_saved(model):
            endpoint_of(model)
            return
        check_model(model)

    def inputs(self, model: Any) -> ModelInputs:
        self.check(model)
        return model_inputs(original(model))

    def hints(self, model: Any) -> Hints:
        model = original(model)
        if is_saved(model):
            weights = sum(prod(one.shape) for one in variables_of(model))
            why = "a SavedModel does not say how its pictures are preprocessed"
            return Hints("SavedModel", "SavedModel", weights, "", why)
        return hints_of(model)

    def mark(self, model: Any) -> object:
        if isinstance(model, Twin):
            mark = self.mark(model.original)
            return mark.model if isinstance(mark, Mark) else mark
        return (id(endpoint_of(model).function),) if is_saved(model) else fingerprint(model, _sampled)

    def trace(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> TracedModel:
        if isinstance(model, Twin):
            found: Any = open_trace(self, model.original, inputs, flat)
            if all(id(held) not in model.replaced for held, _ in found.trace.graph.captures):
                raise ModelError(
                    f"the graph of the model {self.hints(model).title!r} reads none of its weights, so they "
                    "cannot be randomised; leave out everything that needs randomised copies"
                )
            return attrs.evolve(found, trace=found.trace.with_variables(model.replaced))
        return traced(model, inputs.structure, flat)

    def tensors(self, arrays: Sequence[np.ndarray]) -> list[Any]:
        import tensorflow as tf

        return [tf.convert_to_tensor(one) for one in arrays]

    def call(self, model: Any, inputs: ModelInputs, flat: list[Any]) -> list[Any]:
        import tensorflow as tf

        if isinstance(model, Twin):  # it has no Python of its own
            return open_trace(self, model, inputs, flat).answers(flat)
        if is_saved(model):
            function = endpoint_of(model).function
            args, keywords = tf.nest.pack_sequence_as(function.structured_input_signature, flat)
            return [value for _, value in leaves(function(*args, **keywords), tf.nest) if value is not None]
        from tensorflow.python.eager import context

        draws = getattr(context.context(), "_rng", None)  # of the seeds of operations; None without a seed
        drawn = None if draws is None else draws.getstate()
        held = [Snapshot.of(unit.__dict__) for unit in (model, *(unit for _, unit in walk(model)))]
        try:
            with stateless(model):
                answer = model(tf.nest.pack_sequence_as(inputs.structure, flat), training=False)
        finally:
            for one in held:
                one.put_all_back()
            if draws is not None:
                draws.setstate(drawn)
        return [value for _, value in leaves(answer, tf.nest) if value is not None]

    def weights(self, model: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(model, Twin):
            yield from zip(model.names, model.others, strict=True)
            return
        for weight in variables_of(model):
            yield str(getattr(weight, "path", weight.name)), weight

    def copy(self, model: Any) -> Copy:
        return TwinCopy.of(GraphTwin.of(original(model)), model, "/")

    @contextlib.contextmanager
    def running(self, model: Any) -> Iterator[None]:
        import tensorflow as tf

        try:
            yield
        except tf.errors.OpError as error:
            fix = (
                "pass a smaller batch_size=, or a smaller picture"
                if isinstance(error, tf.errors.ResourceExhaustedError)
                else "check that model(input) itself works on this machine"
            )
            name = getattr(original(model), "name", "model")
            raise ModelError(
                f"the model {name!r} failed while it ran ({error_text(error)}); {fix}"
            ) from error

    def slope(self, function: Callable[[Any], Any], values: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        values = tf.convert_to_tensor(values)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            scores = function(values)
        gradient = tape.gradient(scores, values) if tf.is_tensor(scores) else None
        return scores, None if gradient is None else tf.convert_to_tensor(gradient)

    def export(self, plan: ExportPlan) -> Written:
        """Write the model and its map as one graph; see `EngineDefaults.export`."""
        from visioncam_engines.tensorflow.export.write import write

        return write(plan)

    def check_file(self, path: str | os.PathLike[str], *, trust_savedmodel: bool = False) -> None:
        if not (trust_savedmodel and is_saved_model(path)):
            super().check_file(path)

    def load(self, path: str | os.PathLike[str], **asked: Any) -> Any:
        if asked.pop("trust_savedmodel", False) and is_saved_model(path):
            return load_saved_model(path, sha256=asked.get("sha256"))
        return super().load(path, **asked)


def _sampled(variables: list[Any]) -> tuple[bytes, ...]:
    """Return the values of a few weights, so that another state of all of them is seen."""
    import tensorflow as tf

    found: list[bytes] = []
    others = variables[2:]
    for one in [*variables[:2], *others[:: -(-len(others) // (SAMPLED - 2)) or 1]]:
        variable = getattr(one, "_value", one)
        handle = None
        with contextlib.suppress(ValueError):  # of one that a strategy spreads over devices
            handle = getattr(variable, "handle", None)
        small = (variable.shape.num_elements() or 0) <= 1 << 16
        if isinstance(handle, tf.Tensor) and (small or "CPU" in handle.device):  # there it is not copied
            values = np.asarray(tf.raw_ops.ReadVariableOp(resource=handle, dtype=variable.dtype))
            found.append(values.reshape(-1)[:: max(1, values.size // 256)].tobytes())
    return tuple(found)
