"""A graph with the bodies of the functions it calls put in their place.

A loaded SavedModel, and a layer that is one inside, is a call of a function of calls.  TensorFlow's own
graph optimiser puts the bodies in; afterwards there is one flat graph, from which everything can be cut.
Variables stay variables: what is written to them later is seen.  A gradient of the user's own
(`tf.custom_gradient`) does not come along; the automatic one takes its place.
"""

from __future__ import annotations

import re
from typing import Any

import attrs

CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_COMPILED = "_XlaMustCompile"
_STEP = re.compile(r"(Stateful)?PartitionedCall(_\d+)?")


def calls(tensors: list[Any]) -> bool:
    """Return whether `tensors` are computed through a call of a function that could be put in its place.

    Keras 2's recurrent layers are calls as well, with one body for each device, and stay what they are.
    So do functions that XLA compiles (a grouped convolution on a CPU): put in their place they could run,
    but a call that is copied without its Python has no gradient.
    """
    from visioncam_engines.tensorflow.graph.graph import ancestors

    found = [op for op in ancestors(tensors).values() if op.type in CALLS and not _compiled(op)]
    if not found:
        return False
    library = found[0].graph.as_graph_def().library
    chosen = {f.signature.name for f in library.function if "api_implements" in f.attr}
    return any(op.get_attr("f").name not in chosen for op in found)


def _compiled(op: Any) -> bool:
    try:
        return bool(op.get_attr(_COMPILED))
    except ValueError:  # it has no such attribute
        return False


_STEPS = {"Round", "Rint", "Floor", "Ceil", "Sign"}


@attrs.frozen(eq=False)
class Flat:
    """The flat copy of a graph.

    Attributes:
        wrapped: the wrapped function.
        tensors: the counterparts of the tensors that were looked for.
        new: names of the operations that came out of a call.
        rounds: a rounding whose gradient was the user's own is among them: the automatic one is zero.
    """

    wrapped: Any
    tensors: list[Any]
    new: frozenset[str]
    rounds: bool


def inlined(
    graph: Any,
    feeds: list[Any],
    captures: dict[str, Any],
    fetches: list[Any],
    specs: list[Any],
    compiled: bool = False,
) -> Flat:
    """Return `graph`, which has calls in it, with their bodies instead.

    Args:
        graph: a `FuncGraph`.
        feeds: its symbolic arguments.
        captures: name of a placeholder -> the tensor or resource it stands for.
        fetches: symbolic tensors whose counterparts are wanted.
        specs: a `tf.TensorSpec` for each feed.
        compiled: whether functions that XLA compiles are put in their place, too.
    """
    import tensorflow as tf

    nodes = _optimised(graph, [*feeds, *fetches], compiled)
    rounds = _forget_own_gradients(nodes)
    before = {op.name for op in graph.get_operations()}
    fed = [tensor.name for tensor in feeds]
    names = [tensor.name for tensor in fetches]
    sources = {*(name.split(":")[0] for name in fed), *(name.split(":")[0] for name in captures)}
    new = frozenset(f"in/{node.name}" for node in nodes.node if node.name not in before)
    kept = [node for node in nodes.node if node.name not in sources]
    read = {part.split(":")[0] for node in kept for part in node.input}
    del nodes.node[:]
    nodes.node.extend(kept)
    found: list[Any] = []

    def body(*arguments: Any) -> list[Any]:
        here = tf.compat.v1.get_default_graph()
        given = dict(zip(fed, arguments, strict=True))
        used = {name: value for name, value in given.items() if name.split(":")[0] in read}
        for name, held in captures.items():
            if name.split(":")[0] in read:
                used[name] = here.capture(held)
        inside = [name for name in names if name not in given]
        imported = tf.graph_util.import_graph_def(nodes, used, inside, name="in")
        tensors = dict(zip(inside, imported, strict=True))
        found.extend(tensors.get(name, given.get(name)) for name in names)
        return [tf.identity(tensor) for tensor in found]

    wrapped = tf.compat.v1.wrap_function(body, specs)
    return Flat(wrapped, found, new, rounds)


def plain_name(name: str) -> str:
    """Return an operation's name without the steps that only say that a function was called."""
    steps = [step for step in name.removeprefix("in/").split("/") if not _STEP.fullmatch(step)]
    return "/".join(steps) or name


def _optimised(graph: Any, keep: list[Any], compiled: bool) -> Any:
    """Return the graph's definition with every call replaced by its body, and no other change."""
    import tensorflow as tf
    from tensorflow.python.grappler import tf_optimizer

    whole = graph.as_graph_def()
    for nodes in (whole.node, *(function.node_def for function in whole.library.function)):
        for node in nodes:
            node.device = ""  # of the machine it was exported on
            if "_lower_using_switch_merge" in node.attr:
                node.attr["_lower_using_switch_merge"].b = False
            if compiled:
                node.attr.pop(_COMPILED, None)
    for function in whole.library.function:
        if compiled:
            function.attr.pop(_COMPILED, None)
        function.attr.pop("api_implements", None)  # one body for each device, which would stay a call
    meta = tf.compat.v1.MetaGraphDef(graph_def=whole)
    meta.collection_def["train_op"].node_list.value.extend(tensor.name for tensor in keep)
    config = tf.compat.v1.ConfigProto()
    options = config.graph_options.rewrite_options
    options.min_graph_nodes = -1
    options.optimizers.append("function")
    options.function_optimization = options.AGGRESSIVE
    flat = tf_optimizer.OptimizeGraph(config, meta)
    for node in flat.node:
        node.attr.pop("_class", None)  # colocation with an operation that may not be copied
        waits = [part for part in node.input if part.startswith("^") and "put_control_node" in part]
        for part in waits:  # for the whole of a call's inputs or outputs
            node.input.remove(part)
    return flat


def _forget_own_gradients(nodes: Any) -> bool:
    """Drop gradients of the user's own, which read tensors left behind; return whether one rounds."""
    by_name = {node.name: node for node in nodes.node}
    rounds = False
    for node in nodes.node:
        if "_gradient_op_type" not in node.attr:
            continue
        del node.attr["_gradient_op_type"]
        first, *others = [_source(part) for part in node.input]
        seen, waiting = set(others), [first]
        while waiting and not rounds:
            name = waiting.pop()
            inner = by_name.get(name)
            if name in seen or inner is None:
                continue
            seen.add(name)
            rounds = inner.op in _STEPS
            waiting.extend(map(_source, inner.input))
    return rounds


def _source(part: str) -> str:
    return part.removeprefix("^").split(":")[0]
