"""One trace of one model: its graph for one picture, what every unit returned, and the variables it reads."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

import attrs

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.interrupts import delay_interrupts
from visioncam_core.errors import ModelError
from visioncam_core.text import error_text
from visioncam_engines.jax.graph import Graph, Value
from visioncam_engines.keras.recording import Call, recording
from visioncam_engines.keras.records import Recorded, leaves, named_records, output_names, packed

MARK = "visioncam:"
INSIDE = "a loop, branch or function"
_MASK = "_keras_mask"


@attrs.define(eq=False)
class Trace:
    """A model as a graph for one picture, from which functions are cut; it does not hold the model.

    Attributes:
        graph: the graph.
        variables: what holds the weights, in the order of `graph.weights`.
        outputs: name or position -> value, in the model's own order.
        records: every recorded output, in call order; its tensors are values of the graph.
        cuts: functions that were cut from it, and what was found out about it, by key.
    """

    graph: Graph
    variables: tuple[Any, ...]
    outputs: dict[str, Value]
    records: tuple[Recorded, ...]
    cuts: dict[Any, Any] = attrs.field(factory=dict)
    lock: threading.RLock = attrs.field(factory=threading.RLock)

    def record(self, path: str) -> Recorded:
        return next(one for one in self.records if one.path == path)

    def weights(self) -> list[Any]:
        """Return the weights as they are now."""
        return [one.value for one in self.variables]

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what was made under this key before; else make it, once for all threads, and keep it."""
        with self.lock:
            if key not in self.cuts:
                with delay_interrupts():
                    self.cuts[key] = make()
            return self.cuts[key]


def trace(model: Any, structure: Any, flat: list[Any]) -> Trace:
    """Trace a built Keras model on one picture like the first of `flat`.

    Raises:
        ModelError: the model cannot be called on such inputs; the cause is attached.
    """
    variables = list(model.variables)
    try:
        found = _attempt(model, structure, flat, variables)
        if found is None:  # variables were read that the model does not list
            found = _attempt(model, structure, flat, variables)
    except Exception as error:
        raise ModelError(
            f"the model {getattr(model, 'name', model)!r} cannot be called on inputs of shape "
            f"{[tuple(x.shape) for x in flat]}: {_told(error)}"
        ) from error
    assert found is not None
    COUNTERS.add("traces")
    return found


def _told(error: Exception) -> str:
    import jax

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, jax.errors.ConcretizationTypeError):
        cause = cause.__cause__ or cause.__context__  # Keras fails to make another one of it
    if cause is not None:
        return (
            "its Python code reads the picture's values, as `if` and float() do, which JAX cannot trace; "
            "write the branch with keras.ops.where or keras.ops.cond"
        )
    return f"{error_text(error)}; check that the input fits the model, and that model(input) itself works"


def _attempt(model: Any, structure: Any, flat: list[Any], variables: list[Any]) -> Trace | None:
    """Return the trace; None, and `variables` longer, where it read variables that are not among them."""
    import jax
    import keras
    from jax.ad_checkpoint import checkpoint_name

    raw: list[tuple[Call, str, Any]] = []
    names: list[str] = []
    target, own = weakref.ref(model), threading.get_ident()
    missed: dict[int, Any] = {}
    known = {id(variable) for variable in variables}

    class Scope(keras.StatelessScope):  # type: ignore[misc]
        """Notes which variables are read that no value is given for."""

        def get_current_value(self, variable: Any) -> Any:
            if id(variable) not in known:
                missed[id(variable)] = variable
            return super().get_current_value(variable)

    def keep(call: Call, output: Any) -> Any:
        kept = []
        for key, value in leaves(output, keras.tree):
            if isinstance(value, jax.core.Tracer) and jax.numpy.issubdtype(value.dtype, jax.numpy.floating):
                marked = checkpoint_name(value, f"{MARK}{len(raw)}")
                if (mask := getattr(value, _MASK, None)) is not None:
                    setattr(marked, _MASK, mask)
                raw.append((call, key, len(raw)))
                value = marked
            kept.append(value)
        return keras.tree.pack_sequence_as(output, kept) if keras.tree.is_nested(output) else kept[0]

    def forward(weights: list[Any], inputs: list[Any]) -> list[Any]:
        with Scope(state_mapping=list(zip(variables, weights, strict=True)), collect_losses=True):
            answer = target()(packed(structure, inputs), training=False)  # type: ignore[misc]
        pairs = [(key or "0", value) for key, value in leaves(answer, keras.tree) if value is not None]
        names.extend(key for key, _ in pairs)
        return [jax.numpy.asarray(value) for _, value in pairs]

    def inside() -> str | None:
        return "" if threading.get_ident() == own else None

    def mine(value: Any) -> bool:
        return isinstance(value, jax.core.Tracer)

    like = [jax.ShapeDtypeStruct((1, *x.shape[1:]), x.dtype) for x in flat]
    with recording(model, inside, mine, keep):
        closed = jax.make_jaxpr(forward)([one.value for one in variables], like)
    if missed:
        variables.extend(missed.values())
        return None
    graph = Graph.of(closed, len(variables))
    marked = {step.params["name"]: step.outputs[0] for step in graph.steps if step.name == "name"}
    rows = [(call, key, marked.get(f"{MARK}{number}")) for call, key, number in raw]
    found = [(attrs.evolve(call, inside="" if value else INSIDE), key, value) for call, key, value in rows]
    return Trace(
        graph=graph,
        variables=tuple(variables),
        outputs=dict(zip(output_names(model, names), graph.outputs, strict=True)),
        records=tuple(named_records(found)),
    )
