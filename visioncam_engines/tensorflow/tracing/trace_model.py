"""One trace of one model: the graph, its inputs and outputs, and what every unit returned."""

from __future__ import annotations

import contextlib
import functools
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.records import Note
from visioncam_core.errors import ModelError
from visioncam_core.text import error_text
from visioncam_engines.keras.recording import Call, recording
from visioncam_engines.keras.records import Recorded, leaves, named_records, output_names

EXACT, AUTOGRAPH, REPLACED = "exact-shape-trace", "autograph-trace", "gradient-replaced"


@attrs.define(eq=False)
class Trace:
    """A model as one graph, from which functions are cut.

    Attributes:
        wrapped: the wrapped graph function; it holds the variables, not the model.
        structure: how the flat inputs were packed.
        inputs: the symbolic inputs, in flat order.
        outputs: name or position -> symbolic output, in the model's own order.
        records: every recorded output, in call order.
        exact: True where only batches of one of this exact shape can be run.
        notes: what was given up to trace the model: (code of the diagnostic, what it was).
        replaced: what is read in the place of the model's variables, by the number of their resources.
        cuts: functions that were cut from it, and what was found out about it, by key.
        by_path: the records by their paths.
    """

    wrapped: Any
    structure: Any
    inputs: tuple[Any, ...]
    outputs: dict[str, Any]
    records: tuple[Recorded, ...]
    exact: bool
    notes: tuple[Note, ...]
    replaced: Mapping[int, Any] = attrs.field(factory=dict)
    cuts: dict[Any, Any] = attrs.field(factory=dict)
    lock: threading.RLock = attrs.field(factory=threading.RLock)
    by_path: Mapping[str, Recorded] = attrs.field(init=False)

    @by_path.default
    def _by_path(self) -> dict[str, Recorded]:
        return {one.path: one for one in self.records}

    @property
    def graph(self) -> Any:
        return self.wrapped.graph

    def with_variables(self, replaced: Mapping[int, Any]) -> Trace:
        """Return the same graph with other variables, with no functions cut from it yet."""
        return attrs.evolve(self, replaced=replaced, cuts={})


def trace(model: Any, structure: Any, specs: list[Any], closed: list[Any]) -> Trace:
    """Trace a built Keras model once.

    Args:
        model: the model.
        structure: the packed structure of its inputs.
        specs: flat `tf.TensorSpec`s with open batch (and space, where the model leaves it open).
        closed: the same with batch 1 and every axis closed, tried when the open ones fail.

    Raises:
        ModelError: the model cannot be called on such inputs; the cause is attached.
    """
    import tensorflow as tf

    convert: Callable[[Any], Any] = lambda f: f  # noqa: E731 - the identity, passed as a converter
    notes: tuple[Note, ...] = ()
    try:
        try:
            return _attempt(model, structure, specs, convert, exact=False, notes=notes)
        except tf.errors.OperatorNotAllowedInGraphError:
            convert, notes = _autograph, ((AUTOGRAPH, "a layer branches on tensor values"),)
            return _attempt(model, structure, specs, convert, exact=False, notes=notes)
    except Exception as error:
        exact = f"traced for the exact shape {[tuple(s.shape) for s in closed]}, one picture at a time"
        try:
            return _attempt(model, structure, closed, convert, exact=True, notes=((EXACT, exact), *notes))
        except Exception:
            raise ModelError(
                f"the model {getattr(model, 'name', model)!r} cannot be called on inputs of shape "
                f"{[tuple(s.shape) for s in specs]}: {error_text(error)}; "
                "check that the input fits the model, and that model(input) itself works"
            ) from error


def _autograph(function: Any) -> Any:
    """Return a user's own `call` with its Python branches and loops turned into those of the graph."""
    import tensorflow as tf

    plain = getattr(function, "__func__", function)
    if str(getattr(plain, "__module__", "")).split(".")[0] in ("keras", "tf_keras", "tensorflow"):
        return function
    try:
        converted = tf.autograph.to_graph(plain)
    except (ValueError, NotImplementedError):  # no source to convert
        return function
    return functools.partial(converted, function.__self__) if plain is not function else converted


def _attempt(
    model: Any,
    structure: Any,
    specs: list[Any],
    convert: Callable[[Any], Any],
    exact: bool,
    notes: tuple[Note, ...],
) -> Trace:
    import tensorflow as tf

    raw: list[tuple[Call, str, Any]] = []
    names: list[str] = []
    reference = weakref.ref(model)

    def keep(call: Call, output: Any) -> Any:
        kept = []
        for key, value in leaves(output, tf.nest):
            usable = isinstance(value, tf.Tensor) and value.dtype.is_floating
            if usable and not call.inside:
                value = _passed_on(value)
            if usable:
                raw.append((call, key, value))
            kept.append(value)
        return tf.nest.pack_sequence_as(output, kept) if tf.nest.is_nested(output) else kept[0]

    def body(*flat: Any) -> Any:
        target: Any = reference()
        graph = tf.compat.v1.get_default_graph()

        def inside() -> str | None:
            place = _nesting(tf.compat.v1.get_default_graph(), graph)
            return None if tf.executing_eagerly() else place

        def mine(value: Any) -> bool:
            return getattr(value, "graph", None) is graph

        with stateless(target), recording(target, inside, mine, keep, convert):
            answer = target(tf.nest.pack_sequence_as(structure, list(flat)), training=False)
        pairs = [(key or "0", value) for key, value in leaves(answer, tf.nest) if value is not None]
        names.extend(key for key, _ in pairs)
        return [tf.identity(value) for _, value in pairs]

    wrapped = tf.compat.v1.wrap_function(body, specs)
    COUNTERS.add("traces")
    result = Trace(
        wrapped=wrapped,
        structure=structure,
        inputs=tuple(wrapped.inputs[: len(specs)]),
        outputs=dict(zip(output_names(model, names), wrapped.outputs, strict=True)),
        records=tuple(named_records(raw)),
        exact=exact,
        notes=notes,
    )
    raw.clear()
    return result


def _nesting(here: Any, graph: Any) -> str | None:
    """Return "" in the traced graph itself, "a loop or function" below it, None elsewhere."""
    if here is graph:
        return ""
    outer = getattr(here, "outer_graph", None)
    while outer is not None:
        if outer is graph:
            return "a loop, branch or function"
        outer = getattr(outer, "outer_graph", None)
    return None


def _passed_on(value: Any) -> Any:
    """Return a tensor's identity, with the mask that Keras hands on from layer to layer as an attribute."""
    import tensorflow as tf

    copy, mask = tf.identity(value), getattr(value, "_keras_mask", None)
    if mask is not None:
        copy._keras_mask = mask
    return copy


def stateless(model: Any) -> contextlib.AbstractContextManager[Any]:
    """Return a scope in which no state of a Keras 3 model changes; Keras 2 models need none."""
    import keras

    if isinstance(model, keras.Layer):
        scope: contextlib.AbstractContextManager[Any] = keras.StatelessScope(collect_losses=True)
        return scope
    return contextlib.nullcontext()
