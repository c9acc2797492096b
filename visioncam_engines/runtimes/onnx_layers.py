"""The feature maps in an ONNX file: which of its values are one, and the file cut in two there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from visioncam_core.engine.layer_table import LayerRow, Layout
from visioncam_engines.runtimes.onnx_sizes import inlined, types_of
from visioncam_engines.runtimes.ports import needed

PASSING = ("Identity", "Dropout")
_LOOKS = (
    "Conv",
    "ConvTranspose",
    "MaxPool",
    "AveragePool",
    "Resize",
    "Upsample",
    "LRN",
    "InstanceNormalization",
)
"""Operations that leave each position at its place in (N, K, *space)."""
_POINTWISE = (
    "Add", "BatchNormalization", "Celu", "Clip", "Concat", "Div", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid",
    "HardSwish", "LeakyRelu", "Mish", "Mul", "PRelu", "Pad", "Pow", "Relu", "Selu", "Sigmoid", "Softplus",
    "Sqrt", "Sub", "Tanh", "InstanceNormalization", *PASSING,
)  # fmt: skip
"""The same, also in (N, *space, K), where all that they take and that has positions is such an array."""
_NAMES = {"AveragePool": "AvgPool"}  # as other engines call it


@attrs.frozen(eq=False)
class Parts:
    """A file whose feature maps are known.

    Attributes:
        rows: one for each, in order.
        values: path of a row -> the name of its value in the file.
        types: of all values, for one picture.
        open_batch: whether it takes any number of pictures.
        output: what is explained: the logits, where the file's output is a softmax or sigmoid of them.
        activation: "softmax", "sigmoid" or "".
        why: why there are no rows.
    """

    onnx: Any
    model: Any
    rows: tuple[LayerRow, ...] = ()
    values: dict[str, str] = attrs.field(factory=dict)
    types: dict[str, Any] = attrs.field(factory=dict)
    open_batch: bool = False
    output: str = ""
    activation: str = ""
    why: str = ""

    def up_to(self, name: str) -> bytes:
        """Return the file up to a value."""
        return self._made(self.model.graph.input, name, set())

    def cut(self, path: str) -> tuple[bytes, bytes]:
        """Return the file up to a layer, and from there to what is explained."""
        name = self.values[path]
        between = self._told(name)
        between.type.CopyFrom(self.types[name])
        if self.open_batch:
            between.type.tensor_type.shape.dim[0].dim_param = "pictures"
        return self.up_to(name), self._made([between], self.output, {name})

    def _told(self, name: str) -> Any:
        return self.onnx.helper.make_tensor_value_info(name, self.onnx.TensorProto.FLOAT, None)

    def _made(self, inputs: Iterable[Any], output: str, known: set[str]) -> bytes:
        graph, wanted, nodes = self.model.graph, {output}, []
        for node in reversed(graph.node):
            if wanted.intersection(node.output) - known:
                nodes.append(node)
                wanted |= set(_read(node)) - known
        made = self.onnx.ModelProto()
        made.ir_version = self.model.ir_version
        made.opset_import.extend(self.model.opset_import)
        made.graph.name = "part"
        made.graph.node.extend(nodes[::-1])
        made.graph.initializer.extend(one for one in graph.initializer if one.name in wanted)
        weights = {one.name for one in graph.initializer}
        made.graph.input.extend(one for one in inputs if one.name not in weights)
        made.graph.output.append(self._told(output))
        content: bytes = made.SerializeToString()
        return content


def parts_of(content: bytes, name: str, output: str, channels_first: bool) -> Parts:
    """Return the feature maps of a file that was checked: every later value comes from them alone.

    Args:
        content: the file.
        name: what messages call it.
        output: the one that is explained.
        channels_first: whether its picture is (N, K, *space).
    """
    onnx = needed("onnx", name)
    model = inlined(onnx.ModelProto.FromString(content))
    try:
        types = types_of(onnx, model)
    except Exception:  # a file that was opened unchecked
        return Parts(onnx, None, why="the sizes of its values cannot be told")
    shapes = {key: tuple(n.dim_value for n in kind.tensor_type.shape.dim) for key, kind in types.items()}
    output, activation = _logits(onnx, model, types, output)
    weights = {one.name for one in model.graph.initializer}
    given = next(one for one in model.graph.input if one.name not in weights)
    picture, axes = given.name, [n.HasField("dim_value") for n in given.type.tensor_type.shape.dim]
    if not all(axes[1:]):
        why = "it leaves the size of its picture open; export it with a fixed one"
        return Parts(onnx, model, output=output, activation=activation, why=why)
    space = shapes[picture][2:] if channels_first else shapes[picture][1:-1]
    first = {picture: channels_first}  # value -> whether it is (N, K, *space), or (N, *space, K)
    alone, product = _alone(model.graph, picture, output)
    rows: list[LayerRow] = []
    values: dict[str, str] = {}
    behind = 0
    for place, node in enumerate(model.graph.node):
        form = _form(node, first, shapes)
        if form is None:
            continue
        value = node.output[0]
        shape = first.setdefault(value, form) and shapes[value]
        seen = value in alone and types[value].tensor_type.elem_type == onnx.TensorProto.FLOAT
        if not shape or not seen or node.op_type in PASSING or max(shape[2:]) < 2 or shape[1] < 2:
            continue
        path = node.name if node.name and node.name not in values else value
        values[path] = value
        steps = tuple(n / m for n, m in zip(space, shape[2:], strict=True))
        layout, kind = Layout("channels_first", shape[2:], shape[1]), _NAMES.get(node.op_type, node.op_type)
        rows.append(LayerRow(path, path, kind, shape[1:], layout, steps, (0,), True, index=len(rows)))
        behind = place
    why = "" if rows else "no feature map that all evidence flows through was found in it"
    if rows and behind < product:
        rows, why = [], "attention lies behind its last feature map, and its tokens are not read"
    return Parts(onnx, model, tuple(rows), values, types, not axes[0], output, activation, why)


def _logits(onnx: Any, model: Any, types: dict[str, Any], output: str) -> tuple[str, str]:
    """Return the logits of an output (N, K), and their activation; the output itself and "" without one."""
    made = {node.output[0]: node for node in model.graph.node if node.output}
    name = output
    while name in made and made[name].op_type in PASSING:
        name = made[name].input[0]
    node = made.get(name)
    version = max(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
    rank = len(types[name].tensor_type.shape.dim) if node is not None else 0
    if node is None or node.op_type not in ("Softmax", "Sigmoid") or rank != 2:
        return output, ""
    axis = next((a.i for a in node.attribute if a.name == "axis"), -1 if version > 12 else 1)
    kind = types[node.input[0]].tensor_type.elem_type if node.input[0] in types else 0
    if kind != onnx.TensorProto.FLOAT or (node.op_type == "Softmax" and axis not in (-1, 1)):
        return output, ""
    return node.input[0], node.op_type.lower()


def _form(node: Any, first: dict[str, bool], shapes: dict[str, tuple[int, ...]]) -> bool | None:
    """Return how space lies in what a node makes, as in `first`; None where that is not known."""
    given = list(filter(None, node.input))
    form = next((first[one] for one in given if one in first), None)
    if form is None:
        return None
    rank = len(shapes[next(iter(first))])
    told = {a.name: list(a.ints) or a.i for a in node.attribute}
    if node.op_type == "Transpose":
        turns = {False: [0, rank - 1, *range(1, rank - 1)], True: [0, *range(2, rank), 1]}
        return not form if told.get("perm") == turns[form] else None
    if node.op_type in _LOOKS:
        return True if form and given[0] in first else None
    if node.op_type == "Concat" and told["axis"] not in ((1, 1 - rank) if form else (-1, rank - 1)):
        return None
    placed = [one for one in given if sum(n > 1 for n in shapes.get(one, ())[1:]) > 1]
    return form if node.op_type in _POINTWISE and all(first.get(one) is form for one in placed) else None


def _alone(graph: Any, picture: str, output: str) -> tuple[set[str], int]:
    """Return the values through which flows all that the output takes from the picture.

    And the place of the last product of two values that depend on the picture, as in attention; or -1.
    """
    depends, places = {picture}, {picture: -1}
    for i, node in enumerate(graph.node):
        if depends.intersection(_read(node)):
            depends |= set(filter(None, node.output))
        places |= dict.fromkeys(node.output, i)
    product, wanted, until = -1, {output}, {output: len(graph.node)}  # value -> the last node that reads it
    for i in reversed(range(len(graph.node))):
        node = graph.node[i]
        if wanted.intersection(node.output):
            if node.op_type in ("MatMul", "Einsum") and all(one in depends for one in node.input):
                product = max(product, i)
            for one in _read(node):
                wanted.add(one)
                until.setdefault(one, i)
    alone, latest = set(), -1
    for one in sorted(wanted & depends, key=places.__getitem__):
        if latest <= places[one]:
            alone.add(one)
        latest = max(latest, until[one])
    return alone, product


def _read(node: Any) -> Iterable[str]:
    """Yield the values that a node reads, those of the graphs in it included."""
    yield from filter(None, node.input)
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            for inner in graph.node:
                yield from _read(inner)
            yield from (one.name for one in graph.output)
