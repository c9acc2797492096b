"""Which attributes of a model a call may read, and which units it is made of."""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Callable, Iterator
from functools import lru_cache
from operator import itemgetter
from typing import Any

from visioncam_engines.keras.restore import LEFT_BY_A_CALL

_READ = frozenset({"name", "_name", "call", "_dtype_policy", "quantization_mode", "autocast", "_trainable"})
"""What every Keras layer has, and what a call depends on."""
_TRAINING = frozenset(
    {
        *("optimizer", "loss", "history", "stop_training", "stop_predicting", "stop_evaluating"),
        *("compiled_loss", "compiled_metrics", "_is_compiled", "_compiled_trainable_state"),
        *("_compile_config", "_eval_epoch_iterator", "_losses", "_eager_losses", "_loss_ids"),
        *("_train_counter", "_test_counter", "_predict_counter", "_steps_per_execution"),
        "_pss_evaluation_shards",
    }
)
_SETTINGS = ("_initializer", "_regularizer", "_constraint")
_VARIABLES = ("_trainable_variables", "_non_trainable_variables", "_trainable_weights")


@lru_cache(maxsize=4096)
def plan(
    layout: tuple[str, ...], left: frozenset[str]
) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]], tuple[str, ...]]:
    """Return those of a unit's attributes that a call may read, what reads them, and its lists of variables.

    Args:
        layout: the names of all of them.
        left: those that a call leaves behind.
    """
    own = own_names("tf_keras" in sys.modules) | left
    names = tuple(name for name in layout if name not in own and not name.endswith(_SETTINGS))
    read = itemgetter(*names, *names[:1])  # the first twice: never a lone one
    return names, read, tuple(name for name in _VARIABLES if name in layout)


@lru_cache
def own_names(legacy: bool) -> frozenset[str]:
    """Return the attributes that Keras keeps for itself in every layer and model: what empty ones have."""
    import keras

    kinds = [keras]
    if legacy:
        import tf_keras

        kinds.append(tf_keras)
    found = {*_TRAINING, *LEFT_BY_A_CALL}
    for one in kinds:
        inputs = one.layers.Input((1,), name="input")
        functional, bare = one.Model(inputs, inputs, name="m"), one.Model(name="m")
        for layer in (one.layers.Layer(name="l"), functional, bare, one.Sequential(name="s")):
            found.update(vars(layer))
    return frozenset(found - _READ)


def held(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of an object of no framework."""
    yield from tuple(getattr(value, "__dict__", {}).items())
    for cls in type(value).__mro__:
        names = cls.__dict__.get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if not name.startswith("__") and hasattr(value, name):
                yield name, getattr(value, name)


@lru_cache(maxsize=4096)
def globals_of(code: types.CodeType) -> tuple[str, ...]:
    """Return the names that a function, and those written inside it, read from their module."""
    found = {one.argval for one in dis.get_instructions(code) if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            found.update(globals_of(inner))
    return tuple(sorted(found))


def children(unit: Any) -> Iterator[Any]:
    """Yield the layers a unit owns, then the operations of its functional graph."""
    flatten = getattr(unit, "_flatten_layers", None)
    if flatten is not None:
        yield from flatten(include_self=False, recursive=False)
    graph = getattr(unit, "_functional", None) or unit
    yield from getattr(graph, "_operations", None) or ()


@lru_cache(maxsize=1024)
def keeps_lists(kind: type) -> bool:
    """Whether a class finds its layers as `keras.Layer` does, in `_layers`; operations have none."""
    import keras

    own = getattr(kind, "_flatten_layers", None)
    plain = own is None or own is keras.Layer._flatten_layers
    return plain and not any(hasattr(kind, name) for name in ("_layers", "_operations", "_functional"))
