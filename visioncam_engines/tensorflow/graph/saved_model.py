"""A SavedModel without its Python class: a graph already, so there is no call to record.

`tf.saved_model.load` gives an object whose endpoints are functions.  One of them is flattened and takes
the place of the trace; its operations take the place of the layers.
"""

from __future__ import annotations

from typing import Any

import attrs

from visioncam_core.errors import ModelError
from visioncam_core.text import error_text, listing
from visioncam_engines.keras.checks import is_function, is_saved
from visioncam_engines.keras.records import leaves
from visioncam_engines.tensorflow.graph.inlining import Flat, calls, inlined
from visioncam_engines.tensorflow.graph.operations import (
    in_depth_order,
    operation_records,
    takes_channels_first,
)
from visioncam_engines.tensorflow.tracing.trace_model import EXACT, REPLACED, Trace

_USUAL = ("serving_default", "serve")


@attrs.frozen(eq=False)
class Endpoint:
    """What is explained of a SavedModel.

    Attributes:
        function: the `ConcreteFunction`.
        structure: how its flat inputs are packed; the leaves are their positions.
        specs: a `tf.TensorSpec` for each.
        feeds: the symbolic tensors inside it, for each.
    """

    function: Any
    structure: Any
    specs: tuple[Any, ...]
    feeds: tuple[Any, ...]

    @property
    def channels_first(self) -> bool:
        flat = _flat(self, list(self.specs))
        return takes_channels_first(max(_inputs_of(flat, self), key=lambda one: one.shape.rank or 0))


def endpoint_of(model: Any) -> Endpoint:
    """Return the endpoint of a SavedModel that answers pictures.

    Raises:
        ModelError: it has none, or several none of which is the usual one.
    """
    function = _chosen(model)
    import tensorflow as tf

    args, keywords = function.structured_input_signature
    packed: Any = [*args, *keywords.values()] if len(keywords) < 2 else keywords
    flat = tf.nest.flatten(function.structured_input_signature)
    structure = tf.nest.pack_sequence_as(packed, list(range(len(flat)))) if flat else []
    while isinstance(structure, list | tuple) and len(structure) == 1:
        structure = structure[0]
    if not flat:
        raise ModelError("the endpoint of the SavedModel takes no input; choose another of its signatures")
    return Endpoint(function, structure, tuple(flat), tuple(function.inputs[: len(flat)]))


def variables_of(model: Any) -> list[Any]:
    """Return the weights of a model in its own order; of a SavedModel those that its endpoint reads."""
    return list(endpoint_of(model).function.variables if is_saved(model) else model.weights)


def trace_saved(model: Any, specs: list[Any], closed: list[Any]) -> Trace:
    """Return the flat graph of a SavedModel as a trace.

    Args:
        model: what `is_saved` recognised.
        specs: flat `tf.TensorSpec`s with an open batch.
        closed: the same for a batch of one.

    Raises:
        ModelError: it was exported for another batch size, or holds what cannot be flattened.
    """
    endpoint = endpoint_of(model)
    exact = False
    try:
        flat = _flat(endpoint, specs)
        if any(one.shape.rank and one.shape[0] is not None for one in flat.wrapped.outputs):
            fixed = endpoint.specs[0].shape[0]
            if fixed not in (1, None):
                raise ModelError(
                    f"the SavedModel was exported for batches of exactly {fixed}; export it with an open "
                    "batch axis: model.export(path, input_signature=[keras.InputSpec(shape=(None, ...))])"
                )
            flat, exact = _flat(endpoint, closed), True
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"the SavedModel's graph cannot be analysed ({error_text(error)}); load the original Keras model "
            "instead"
        ) from error
    import tensorflow as tf

    names = [key or "0" for key, _ in leaves(endpoint.function.structured_outputs, tf.nest)]
    inputs = _inputs_of(flat, endpoint)
    every = frozenset(op.name for op in flat.wrapped.graph.get_operations())
    notes = [(EXACT, "the SavedModel was exported for one picture at a time")] if exact else []
    return Trace(
        wrapped=flat.wrapped,
        structure=endpoint.structure,
        inputs=tuple(inputs),
        outputs=dict(zip(names, flat.wrapped.outputs, strict=True)),
        records=in_depth_order(inputs, operation_records(inputs, every)),
        exact=exact,
        notes=(*notes, *_about_gradients(flat)),
    )


def with_calls_inlined(trace: Trace, specs: list[Any]) -> Trace:
    """Return the trace of a Keras model with its function calls flattened, where it has any.

    A layer around a SavedModel, or one revived without its class, calls functions; what is inside them is
    listed by operation, in the order of the computation.
    """
    if not calls(list(trace.outputs.values())):
        return trace
    captures = {placeholder.name: held for held, placeholder in trace.graph.captures}
    here = [record for record in trace.records if not record.inside]
    tensors = [tensor for record in here for tensor in record.tensors]
    outputs = list(trace.outputs.values())
    feeds = list(trace.inputs)
    flat = inlined(trace.graph, feeds, captures, [*tensors, *outputs], specs)
    inputs = list(flat.wrapped.inputs[: len(specs)])
    copies = dict(zip(map(id, tensors), flat.tensors, strict=False))
    kept = [attrs.evolve(one, tensors=tuple(copies[id(tensor)] for tensor in one.tensors)) for one in here]
    records = in_depth_order(inputs, [*operation_records(inputs, flat.new), *kept])
    records += tuple(record for record in trace.records if record.inside)
    return attrs.evolve(
        trace,
        wrapped=flat.wrapped,
        inputs=tuple(inputs),
        outputs=dict(zip(trace.outputs, flat.wrapped.outputs[len(tensors) :], strict=True)),
        records=records,
        notes=(*trace.notes, *_about_gradients(flat)),
        cuts={},
    )


def _flat(endpoint: Endpoint, specs: list[Any]) -> Flat:
    function, feeds = endpoint.function, list(endpoint.feeds)
    held = zip(function.inputs[len(feeds) :], function.captured_inputs, strict=True)
    captures = {placeholder.name: value for placeholder, value in held}
    return inlined(function.graph, feeds, captures, list(function.outputs), specs)


def _inputs_of(flat: Flat, endpoint: Endpoint) -> list[Any]:
    """Return the symbolic inputs of the flat copy; its other inputs are variables."""
    return list(flat.wrapped.inputs[: len(endpoint.specs)])


def _about_gradients(flat: Flat) -> list[tuple[str, str]]:
    if not flat.rounds:
        return []
    return [(REPLACED, "a rounding came with a gradient of its own, which a SavedModel's graph cannot use")]


def _chosen(model: Any) -> Any:
    if is_function(model):
        return model
    served = getattr(model, "call_endpoint_fn", None) or getattr(model, "serve", None)
    if served is not None and is_function(served):
        return served
    versions = list(getattr(served, "concrete_functions", ()))
    if len(versions) == 1:
        return versions[0]
    signatures = dict(getattr(model, "signatures", None) or {})
    for name in _USUAL:
        if name in signatures:
            return signatures[name]
    if len(signatures) == 1:
        return next(iter(signatures.values()))
    if signatures:
        raise ModelError(
            f"the SavedModel has the signatures {listing(sorted(signatures))}, none of them the default one; "
            "pass the one to explain: model.signatures['...']"
        )
    raise ModelError(
        "the SavedModel has no signature to explain; save it with model.export(path), or "
        "tf.saved_model.save(module, path, signatures=...)"
    )
