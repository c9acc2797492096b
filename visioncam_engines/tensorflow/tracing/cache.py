"""Traces are kept as long as their model lives, and made anew when it changes."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import attrs

from visioncam_core.errors import BackendError, ModelError
from visioncam_core.text import shown
from visioncam_engines.tensorflow.graph.saved_model import (
    endpoint_of,
    is_saved,
    trace_saved,
    with_calls_inlined,
)
from visioncam_engines.tensorflow.tracing.interrupts import held_back
from visioncam_engines.tensorflow.tracing.recording import fingerprint, walk
from visioncam_engines.tensorflow.tracing.trace_model import Trace, trace

MAX_SIGNATURES = 16
_SET = "set the environment variable KERAS_BACKEND=tensorflow before Keras is imported"


@attrs.define(eq=False)
class _Entry:
    fingerprint: tuple[Any, ...]
    traces: OrderedDict[Any, Trace] = attrs.field(factory=OrderedDict)
    found: dict[str, Any] = attrs.field(factory=dict)
    lock: threading.RLock = attrs.field(factory=threading.RLock)


_ENTRIES: weakref.WeakKeyDictionary[Any, _Entry] = weakref.WeakKeyDictionary()
_LOCK = threading.RLock()
_STEADY: ContextVar[tuple[Any, _Entry] | None] = ContextVar("steady", default=None)


_FORKED = threading.Event()


def _after_fork() -> None:
    if _ENTRIES:  # TensorFlow has run, and its threads are not in the new process: every pass would hang
        _FORKED.set()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def require_tensorflow() -> None:
    """Raise `BackendError` unless TensorFlow is installed, can run in this process, and Keras runs on it."""
    if _FORKED.is_set():
        raise BackendError(
            "this process was forked after a model was explained, and TensorFlow does not survive that; "
            'start processes with multiprocessing.get_context("spawn"), or explain in the new process only'
        )
    try:
        import tensorflow  # noqa: F401 - only whether it can be imported
    except ImportError as error:
        raise BackendError(
            f"TensorFlow cannot be imported ({error}); install it with `pip install tensorflow` (2.16 or "
            "newer)"
        ) from error
    try:
        import keras
    except (ImportError, ValueError) as error:  # a backend that is not installed, or that nobody knows
        raise BackendError(f"Keras cannot be imported ({error}); {_keras_cure()}") from error
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise BackendError(f"Keras runs on the {backend!r} backend, and VisionCam needs 'tensorflow'; {_SET}")


def _keras_cure() -> str:
    """Return what to do where `import keras` fails: mostly because another backend is asked for."""
    wanted = os.environ.get("KERAS_BACKEND")
    if wanted == "tensorflow":
        return "install it anew with `pip install --force-reinstall keras`"
    asked = f"KERAS_BACKEND={shown(wanted, 40)} asks" if wanted else "the file keras.json may ask"
    return f"{asked} for another backend, and VisionCam needs 'tensorflow'; {_SET}"


def is_model(value: Any) -> bool:
    """Return whether `value` can be called as a Keras 3 or Keras 2 model."""
    known = hasattr(value, "_flatten_layers") and hasattr(value, "call")
    return callable(value) and known and not isinstance(value, type)


def open_trace(model: Any, structure: Any, flat: list[Any]) -> Trace:
    """Return the trace of `model` for inputs like these, from the cache where it is current.

    Args:
        model: a built Keras model or layer.
        structure: any structure that packs as the inputs do.
        flat: the flat input tensors, each with a batch axis.

    Raises:
        ModelError: not a model, not built, or not callable on these inputs.
    """
    check(model)
    specs = _open_specs(model, structure, flat)
    key: Any = (repr(_skeleton(structure)), tuple((tuple(s.shape), s.dtype.name) for s in specs))
    entry = _entry(model)
    with entry.lock:
        found = entry.traces.get(key)
        if found is None or (found.exact and not _fits(found, flat)):
            if found is not None:
                key = (key, tuple(tuple(x.shape[1:]) for x in flat))
                found = entry.traces.get(key)
            if found is None:
                with held_back():
                    entry.traces[key] = found = _traced(model, structure, specs, _closed_specs(flat))
                while len(entry.traces) > MAX_SIGNATURES:
                    entry.traces.popitem(last=False)
        entry.traces.move_to_end(key)
        return found


def _traced(model: Any, structure: Any, specs: list[Any], closed: list[Any]) -> Trace:
    if is_saved(model):
        return trace_saved(model, specs, closed)
    made = trace(model, structure, specs, closed)
    return with_calls_inlined(made, closed if made.exact else specs)


def recalled(model: Any, **finds: Callable[[], Any]) -> list[Any]:
    """Return what each function finds out about `model`, from memory where the model has not changed.

    Args:
        model: a Keras model; only weakly held.
        **finds: functions that read the model, each under its name.  What they return must not hold it.
    """
    found = _entry(model).found
    for name, find in finds.items():
        if name not in found:
            found[name] = find()
    return [found[name] for name in finds]


def _entry(model: Any) -> _Entry:
    """Return what is kept of a model: a new entry where the model has changed."""
    held = _STEADY.get()
    if held is not None and held[0] is model:
        return held[1]
    mark = (id(endpoint_of(model).function),) if is_saved(model) else fingerprint(model)
    with _LOCK:
        entry = _ENTRIES.get(model)
        if entry is None or entry.fingerprint != mark:
            entry = _ENTRIES[model] = _Entry(mark)
        return entry


@contextlib.contextmanager
def steady(model: Any) -> Iterator[None]:
    """Within the block the model stays as it is: whether it has changed is found out once.

    Raises:
        ModelError: not a model, or not built.
    """
    check(model)
    token = _STEADY.set((model, _entry(model)))
    try:
        yield
    finally:
        _STEADY.reset(token)


def check(model: Any) -> None:
    """Raise an error unless `model` is a Keras model that is ready to be called, or a loaded SavedModel."""
    require_tensorflow()
    if is_saved(model):
        endpoint_of(model)
        return
    if not is_model(model):
        raise ModelError(
            f"expected a Keras model, received {shown(model, 60)} of type {type(model).__name__}; "
            "load a file with keras.models.load_model first"
        )
    if not hasattr(type(model), "layers") and len(list(model._flatten_layers())) == 1:
        raise ModelError(
            f"expected a Keras model, received the single layer {model.name!r} ({type(model).__name__}); "
            "pass the model, and the layer as layer="
        )
    if not getattr(model, "built", True):
        raise ModelError(
            f"the model {model.name!r} has no weights yet; call it once on an input, or "
            "model.build(input_shape), before explaining it"
        )


def forget(model: Any) -> None:
    """Drop every trace of `model`, and what was found out about it."""
    with _LOCK, contextlib.suppress(TypeError):  # what cannot be held weakly was never traced
        _ENTRIES.pop(model, None)


def cached_models() -> int:
    """Return how many living models something is kept of."""
    with _LOCK:
        return len(_ENTRIES)


def declared_inputs(model: Any) -> Any:
    """Return the symbolic inputs a model declares, or None where it declares none."""
    try:
        return model.inputs or None
    except (AttributeError, ValueError):
        return None


def _open_specs(model: Any, structure: Any, flat: list[Any]) -> list[Any]:
    import tensorflow as tf

    inputs = endpoint_of(model).specs if is_saved(model) else declared_inputs(model)
    declared = None if inputs is None else [tuple(one.shape) for one in tf.nest.flatten(inputs)]
    specs = []
    for position, tensor in enumerate(flat):
        shape: list[int | None] = [None, *tensor.shape[1:]]
        if declared is not None and len(declared) == len(flat) and len(declared[position]) == len(shape):
            wanted = declared[position]
            if None in wanted[1:] and recalled(model, in_steps=lambda: _in_steps(model))[0]:
                wanted = tuple(shape)
            shape[1:] = [
                None if want is None else size
                for want, size in zip(wanted[1:], tensor.shape[1:], strict=True)
            ]
        specs.append(tf.TensorSpec(shape, tensor.dtype))
    return specs


def _in_steps(model: Any) -> bool:
    """Return whether a layer is called at each step in time: Keras counts open steps by the batch (3.15)."""
    return any(type(unit).__name__ == "TimeDistributed" for _, unit in walk(model))


def _closed_specs(flat: list[Any]) -> list[Any]:
    import tensorflow as tf

    return [tf.TensorSpec([1, *tensor.shape[1:]], tensor.dtype) for tensor in flat]


def _fits(found: Trace, flat: list[Any]) -> bool:
    return all(tuple(s.shape[1:]) == tuple(x.shape[1:]) for s, x in zip(found.inputs, flat, strict=True))


def _skeleton(structure: Any) -> Any:
    import tensorflow as tf

    return tf.nest.map_structure(lambda _: 0, structure)
