"""Operations that sum over axes, run over time, or hold a graph of their own: products, loops, branches."""

from __future__ import annotations

from typing import Any

from visioncam_core.engine import space as spaces_of
from visioncam_core.engine.graph import placing
from visioncam_core.engine.graph.windows import einsum_terms, matmul_terms, multiplied
from visioncam_core.engine.space import Axis, Space
from visioncam_engines.tensorflow.graph.graph import OF_SHAPE
from visioncam_engines.tensorflow.space.shapes import body, closed_shapes, numbers
from visioncam_engines.tensorflow.space.walk import Walk, follow, rule, walked


def _product(walk: Walk, op: Any, terms: tuple[list[list[str]], list[str]]) -> Space:
    spaces = [walk.of(tensor) for tensor in op.inputs]
    return multiplied(spaces, *terms, walk.shape(op.outputs[0]) or ())


@rule("Einsum")
def _einsum(walk: Walk, op: Any) -> Space:
    ranks = [tensor.shape.rank for tensor in op.inputs]
    equation = op.get_attr("equation").decode()
    return _product(walk, op, einsum_terms(equation, ranks, op.outputs[0].shape.rank))


@rule("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
def _matmul(walk: Walk, op: Any) -> Space:
    one, other = (tensor.shape.rank for tensor in op.inputs[:2])
    name = ("transpose_a", "transpose_b") if op.type == "MatMul" else ("adj_x", "adj_y")
    return _product(walk, op, matmul_terms(one, other, (op.get_attr(name[0]), op.get_attr(name[1]))))


SUMMED = (
    *("Einsum", "MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"),
    *("Mean", "Sum", "Max", "Min", "Prod"),
)


def going_on(goal: Any, spaces: dict[int, Space]) -> set[int]:
    """Return the ids of tensors whose positions go on to those of `goal`: not attention's keys and values."""
    tensors = {id(goal): goal}

    def inputs_of(key: int) -> list[int]:
        op = tensors[key].op
        taken = op.inputs if op.type not in OF_SHAPE else ()
        tensors.update((id(one), one) for one in taken)
        return [id(one) for one in taken]

    return placing.going_on(id(goal), spaces, inputs_of, lambda key: tensors[key].op.type in SUMMED)


# ---- loops over time: a list of steps is a tensor with the steps first


@rule("TensorListFromTensor")
def _to_list(walk: Walk, op: Any) -> Space | None:
    return walk.of(op.inputs[0])


@rule("TensorListStack")
def _from_list(walk: Walk, op: Any) -> Space | None:
    space, shape = walk.of(op.inputs[0]), walk.shape(op.outputs[0]) or ()
    return None if space is None else _fitted(space, (None if n is None else n for n in shape))


@rule("TensorListGetItem")
def _from_step(walk: Walk, op: Any) -> Space | None:
    space, shape = walk.of(op.inputs[0]), walk.shape(op.outputs[0]) or ()
    return None if space is None else _fitted(spaces_of.without(space, [0]), shape)


@rule("While", "StatelessWhile")
def _loop(walk: Walk, op: Any) -> list[Space | None]:
    """What runs over time keeps the steps: of one list of steps, and what is as large as one of them."""
    lists = [
        space
        for tensor in op.inputs
        if tensor.dtype.name == "variant" and (space := walk.of(tensor)) is not None and space.axes[0].placed
    ]
    if not lists or any(one.axes[0] != lists[0].axes[0] for one in lists[1:]):
        return walk.unknown(op)
    steps, one = lists[0], spaces_of.without(lists[0], [0])
    found: list[Space | None] = []
    for tensor in op.outputs:
        if tensor.dtype.name == "variant":
            found.append(steps)
        else:
            found.append(_fitted(one, walk.shape(tensor) or ()))
    return found


def _fitted(space: Space, shape: Any) -> Space:
    """Return a space for a tensor whose axes were run over in a loop: those as long as before stay.

    A vector of features, one a step, is mixed; of a map the last axis is channels unless it is as long.
    """
    sizes = list(shape)
    held = list(space.axes) if len(space.axes) == len(sizes) else [Axis()] * len(sizes)
    timed = held[1].batch if len(held) > 1 else False
    vector = len(sizes) - timed <= 2
    axes = []
    for i, (axis, size) in enumerate(zip(held, sizes, strict=True)):
        last = i == len(sizes) - 1 > 0
        if last and (vector or not axis.placed or size != axis.size):
            axes.append(spaces_of.own(size or 1))
        elif size in (None, axis.size):
            axes.append(axis)
        else:
            axes.append(spaces_of.unknown_axis(size))
    return Space(tuple(axes), space.start, space.apart)


# ---- graphs inside an operation


@rule("If", "StatelessIf", "Case", "StatelessCase")
def _branches(walk: Walk, op: Any) -> list[Space | None]:
    """What a branch makes of positions: of the one that is always taken, or where all agree."""
    if op.type.endswith("If"):
        names = [op.get_attr("else_branch").name, op.get_attr("then_branch").name]
    else:
        names = [branch.name for branch in op.get_attr("branches")]
    try:
        number = numbers(walk, op.inputs[0])[0]
        names = [names[min(number, len(names) - 1)]]
    except (ValueError, TypeError):  # the pictures decide
        pass
    first, *others = [_inside(walk, op, name, op.inputs[1:]) for name in names]
    return first if all(other == first for other in others) else walk.unknown(op)


@rule("PartitionedCall", "StatefulPartitionedCall")
def _called(walk: Walk, op: Any) -> list[Space | None]:
    """What XLA compiles stays a call, such as a grouped convolution on a CPU."""
    inner = body(op)
    if inner is None:
        return _inside(walk, op, op.get_attr("f").name, op.inputs)
    given = [(one, walk.of(tensor)) for one, tensor in zip(inner.inputs, op.inputs, strict=True)]
    pictures = [(one, space) for one, space in given if space is not None]

    def closed() -> dict[str, tuple[int, ...]]:
        return closed_shapes(inner, [one for one, _ in pictures], [space.sizes[1:] for _, space in pictures])

    found = follow(
        list(inner.outputs), pictures, closed, walk.always, lambda name: walk.centres(f"{op.name}/{name}")
    )
    return [found.get(id(tensor)) for tensor in inner.outputs]


def _inside(walk: Walk, op: Any, name: str, given: Any) -> list[Space | None]:
    """Return the spaces of the outputs of a function that an operation calls."""
    function = op.graph._get_function(name)
    graph = getattr(function, "graph", None) or _imported(function.cached_definition)
    walk.held.append(graph)  # what is known by its id must live on
    for one in (tensor for inner in graph.get_operations() for tensor in inner.outputs):
        walk.spaces.pop(id(one), None)  # of another call
        walk.values.pop(id(one), None)
    for inside, outside in zip(graph.inputs, given, strict=True):
        walk.outer[id(inside)] = outside
        if (space := walk.of(outside)) is not None:
            walk.spaces[id(inside)] = space
    walked(walk, list(graph.outputs))
    return [walk.of(tensor) for tensor in graph.outputs[: len(op.outputs)]]


def _imported(definition: Any) -> Any:
    from tensorflow.python.framework.function_def_to_graph import function_def_to_graph

    return function_def_to_graph(definition)
