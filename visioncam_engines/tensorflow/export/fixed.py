"""The forward pass as a plain graph: no calls, no variables, and every size a number but the batch.

Sizes that a graph computes (those of a product over the last axis, of an input of any size) are measured on
blank pictures, and written into its reshapes: a runtime then knows how large everything is before it runs.
"""

from __future__ import annotations

from typing import Any

import attrs

from visioncam_core.errors import ModelError
from visioncam_engines.tensorflow.graph.extract import between, copied
from visioncam_engines.tensorflow.graph.graph import ancestors
from visioncam_engines.tensorflow.graph.inlining import CALLS, inlined

Shape = tuple[int | None, ...]
PASS = "model/"
"""Begins the names of the operations of the forward pass."""
FEW, MORE = 2, 3
"""Pictures in the two batches that are measured."""


@attrs.frozen(eq=False)
class Fixed:
    """What computes tensors from inputs.

    Attributes:
        nodes: the definition of the graph.
        inputs: names of the tensors that are its inputs.
        fetches: names of the tensors that are looked for.
        shapes: name of a tensor -> its shape, None for an axis that grows with the batch.
    """

    nodes: Any
    inputs: list[str]
    fetches: list[str]
    shapes: dict[str, Shape] = attrs.field(factory=dict)

    @classmethod
    def of(cls, trace: Any, fetches: list[Any], specs: list[Any]) -> Fixed:
        """Return it for tensors of a trace, and inputs like `specs`.

        Raises:
            ModelError: a variable is used other than by reading all of it.
        """
        captured = {
            inside.op.name: trace.replaced.get(id(held), held) for held, inside in trace.graph.captures
        }
        graph, inputs = trace.graph, list(trace.inputs)
        if any(op.type in CALLS for op in ancestors(fetches).values()):
            held = {f"{name}:0": value for name, value in captured.items()}
            flat = inlined(graph, inputs, held, fetches, specs, compiled=True)
            graph, fetches = flat.wrapped.graph, flat.tensors
            inputs = list(flat.wrapped.inputs[: len(inputs)])
            captured = {inside.op.name: value for value, inside in graph.captures}
        sources = {one.name for one in inputs}
        operations, used = between(fetches, {*sources, *(f"{name}:0" for name in captured)})
        nodes = copied(graph, operations)
        for node in nodes.node:
            node.attr.pop("_gradient_op_type", None)  # its Python holds tensors of the other graph
        _put_values(nodes, {name: held for name, held in captured.items() if f"{name}:0" in used})
        found = cls(nodes, [one.name for one in inputs], [one.name for one in fetches])
        shapes = found._measured(specs)
        _put_shapes(nodes, shapes)
        return attrs.evolve(found, shapes=shapes)

    def put(self, given: Any) -> list[Any]:
        """Return the fetches, computed from inputs, in the default graph."""
        import tensorflow as tf

        read = {part.lstrip("^").split(":")[0] for node in self.nodes.node for part in node.input}
        known = {name: x for name, x in zip(self.inputs, given, strict=False) if name.split(":")[0] in read}
        found: list[Any] = tf.graph_util.import_graph_def(
            self.nodes, known, self.fetches, name=PASS.rstrip("/")
        )
        scope = found[0].op.name.removesuffix(self.fetches[0].split(":")[0])
        here = tf.compat.v1.get_default_graph()
        for name, shape in self.shapes.items():
            here.get_tensor_by_name(scope + name).set_shape(shape)
        return found

    def _measured(self, specs: list[Any]) -> dict[str, Shape]:
        import tensorflow as tf

        names: list[str] = []

        def shapes(*given: Any) -> list[Any]:
            found = self.put(given)
            scope = found[0].op.name.removesuffix(self.fetches[0].split(":")[0])
            here = tf.compat.v1.get_default_graph()
            for node in self.nodes.node:
                for one in here.get_operation_by_name(scope + node.name).outputs:
                    if node.op != "Const" and one.dtype not in (tf.resource, tf.variant):
                        names.append(one.name.removeprefix(scope))
            return [tf.shape(here.get_tensor_by_name(scope + name)) for name in names]

        run = tf.compat.v1.wrap_function(shapes, specs)
        few, more = (
            [
                value.numpy().tolist()
                for value in run(*[tf.zeros([n, *one.shape[1:]], one.dtype) for one in specs])
            ]
            for n in ((1, 1) if specs[0].shape[0] == 1 else (FEW, MORE))
        )
        return {
            name: tuple(a if a == b else None for a, b in zip(one, two, strict=True))
            for name, one, two in zip(names, few, more, strict=True)
            if len(one) == len(two)
        }


def _put_values(nodes: Any, captured: dict[str, Any]) -> None:
    """Put constants in the place of captured variables and tensors."""
    import tensorflow as tf

    handles = {name: name for name, held in captured.items() if held.dtype == tf.resource}
    copies = [
        node
        for node in nodes.node
        if node.op == "Identity" and node.attr["T"].type == tf.resource.as_datatype_enum
    ]
    for _ in copies:  # a copy may be of a copy
        handles |= {node.name: handles[node.input[0]] for node in copies if node.input[0] in handles}
    types: dict[str, int] = {}
    for node in nodes.node:
        read = [part for part in node.input if part in handles]
        if read and node.op == "ReadVariableOp":
            types[handles[read[0]]] = node.attr["dtype"].type
            node.op = "Identity"
            node.attr["T"].CopyFrom(node.attr.pop("dtype"))
        elif read and node not in copies:
            raise ModelError(
                f"the operation {node.name!r} ({node.op}) does more with a variable than read it, as a loop "
                "does: a model with an LSTM or GRU cannot be exported"
            )
    for node in copies:
        node.attr["T"].type = types[handles[node.name]]
    for name, held in captured.items():
        with tf.init_scope():
            whole = tf.raw_ops.ReadVariableOp(resource=held, dtype=types[name]) if name in types else held
            value = tf.make_tensor_proto(whole.numpy())
        constant = nodes.node.add(name=name, op="Const")
        constant.attr["dtype"].type = value.dtype
        constant.attr["value"].tensor.CopyFrom(value)


def _put_shapes(nodes: Any, shapes: dict[str, Shape]) -> None:
    """Write the measured shapes into reshapes, where one axis at most grows with the batch."""
    import tensorflow as tf

    for node in [one for one in nodes.node if one.op == "Reshape"]:
        shape = shapes.get(f"{node.name}:0", (None, None))
        if shape.count(None) <= 1:
            value = tf.make_tensor_proto([-1 if n is None else n for n in shape], tf.int32, [len(shape)])
            constant = nodes.node.add(name=f"{node.name}/measured", op="Const")
            constant.attr["dtype"].type = value.dtype
            constant.attr["value"].tensor.CopyFrom(value)
            node.input[1] = constant.name
            node.attr["Tshape"].type = value.dtype
