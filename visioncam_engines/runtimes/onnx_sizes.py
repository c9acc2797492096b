"""How large the arrays of an ONNX file grow, followed from one picture to the output without running it."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

import attrs
import numpy as np

from visioncam_core.text import error_text
from visioncam_engines.runtimes.ports import TENSOR

OPEN = 224  # pixels along an axis that the file leaves open
SMALL = 1024  # numbers: larger arrays are no sizes of others
COMPUTED = (
    "Abs", "Add", "And", "Cast", "Ceil", "Concat", "Constant", "ConstantOfShape", "Div", "Equal",
    "Expand", "Flatten", "Floor", "Gather", "Greater", "GreaterOrEqual", "Identity", "Less",
    "LessOrEqual", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Range", "ReduceMax", "ReduceMin",
    "ReduceProd", "ReduceSum", "Reshape", "Round", "ScatterND", "Shape", "Size", "Slice", "Sqrt",
    "Squeeze", "Sub", "Tile", "Transpose", "Unsqueeze", "Where",
)  # fmt: skip
"""Operations that sizes are made with."""
_BRANCHES = ("then_branch", "else_branch")


def too_large(onnx: Any, model: Any) -> list[str]:
    """Return which array would fill the memory, or is of a size that cannot be told, when one picture is run.

    Args:
        onnx: the package.
        model: whose functions do not call themselves.
    """
    try:
        types_of(onnx, inlined(model))
    except _FoundError as found:
        return [str(found)]
    except Exception as error:  # of the C++ library
        return [f"the sizes of its arrays cannot be followed ({error_text(error, 80)})"]
    return []


def inlined(model: Any) -> Any:
    """Return a model with its own functions written out."""
    if not model.functions:
        return model
    from onnx.inliner import inline_local_functions

    return inline_local_functions(model)


def types_of(onnx: Any, model: Any) -> dict[str, Any]:
    """Return the type of every array of a model without functions, for one picture."""
    sizes = _Sizes(onnx, model)
    sizes.graph(model.graph)
    return sizes.types


class _FoundError(Exception):
    """What speaks against the file."""


@attrs.define
class _Sizes:
    """Types of all arrays so far, and the numbers of small ones that do not depend on the picture."""

    onnx: Any
    model: Any
    types: dict[str, Any] = attrs.field(factory=dict)
    numbers: dict[str, Any] = attrs.field(factory=dict)

    def graph(self, graph: Any) -> None:
        for tensor in graph.initializer:
            self.types[tensor.name] = self.onnx.helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
            if prod(tensor.dims) <= SMALL:
                self.numbers[tensor.name] = tensor
        for one in graph.input:
            if one.name not in self.types:
                kind = self.types[one.name] = self.onnx.TypeProto()
                kind.CopyFrom(one.type)
                for place, axis in enumerate(kind.tensor_type.shape.dim):
                    if not axis.HasField("dim_value") or axis.dim_value < 0:
                        axis.dim_value = OPEN if place else 1
        for node in graph.node:
            self.node(node)

    def node(self, node: Any) -> None:
        found = self._branches(node) if node.op_type == "If" else self._inferred(node)
        for output in filter(None, node.output):
            kind: Any = found.get(output)
            told = kind is not None and kind.tensor_type.HasField("shape")
            shape = kind.tensor_type.shape.dim if told else None
            what = f"{node.op_type} {(node.name or output)[:60]!r}"
            if shape is None or not all(n.HasField("dim_value") and n.dim_value >= 0 for n in shape):
                raise _FoundError(f"the size of what {what} makes cannot be told without running it")
            size = self._bytes(kind.tensor_type.elem_type) * prod(n.dim_value for n in shape)
            if size > TENSOR:
                raise _FoundError(f"{what} would make {size:,} bytes, at most {TENSOR:,}")
            self.types[output] = kind
        if node.op_type != "If":
            self._compute(node)

    def _inferred(self, node: Any) -> dict[str, Any]:
        domain = "" if node.domain == "ai.onnx" else node.domain
        versions = {
            "" if one.domain == "ai.onnx" else one.domain: one.version for one in self.model.opset_import
        }
        names = [name for name in node.input if name]
        try:
            found: dict[str, Any] = self.onnx.shape_inference.infer_node_outputs(
                self.onnx.defs.get_schema(node.op_type, versions.get(domain, 1), domain),
                node,
                {name: self.types[name] for name in names},
                {name: self.numbers[name] for name in names if name in self.numbers},
                opset_imports=list(self.model.opset_import),
                ir_version=self.model.ir_version,
            )
        except Exception as error:  # an operator it does not know, attributes that do not fit
            what = f"{node.op_type} {node.name[:60]!r}"
            why = f"what {what} makes cannot be told ({error_text(error, 60)})"
            raise _FoundError(f"the size of {why}") from error
        return found

    def _branches(self, node: Any) -> dict[str, Any]:
        """Return what both branches make where that is the same, or what the one that is taken makes."""
        taken = self.numbers.get(node.input[0])
        names = (
            _BRANCHES if taken is None else _BRANCHES[not self.onnx.numpy_helper.to_array(taken).any() :][:1]
        )
        found: list[list[Any]] = []
        for attribute in node.attribute:
            if attribute.name in names:
                inner = attrs.evolve(self, types=dict(self.types), numbers=dict(self.numbers))
                inner.graph(attribute.g)
                found.append([inner.types.get(one.name) for one in attribute.g.output])
        both = zip(node.output, found[0], found[-1], strict=True)
        return {name: one for name, one, other in both if one is not None and one == other}

    def _compute(self, node: Any) -> None:
        """Remember small numbers that come from small numbers, and from shapes."""
        outputs, given = list(filter(None, node.output)), list(filter(None, node.input))
        if node.op_type not in COMPUTED or len(outputs) != 1 or self._count(outputs[0]) > SMALL:
            return
        if node.op_type in ("Shape", "Size"):
            lengths = [n.dim_value for n in self.types[given[0]].tensor_type.shape.dim]
            ends = {a.name: a.i for a in node.attribute}
            lengths = lengths[ends.get("start", 0) : ends.get("end", len(lengths))]
            found = lengths if node.op_type == "Shape" else prod(lengths)
        elif not all(name in self.numbers for name in given):
            return
        else:
            try:
                with np.errstate(all="ignore"):
                    found = self._run(node, given)
            except Exception:  # numbers that no such operation takes: they stay unknown
                return
        kind = self.onnx.helper.tensor_dtype_to_np_dtype(self.types[outputs[0]].tensor_type.elem_type)
        self.numbers[outputs[0]] = self.onnx.numpy_helper.from_array(np.asarray(found, kind), outputs[0])

    def _run(self, node: Any, given: Iterable[str]) -> Any:
        from onnx.reference import ReferenceEvaluator

        versions = {one.domain: one.version for one in self.model.opset_import}
        arrays = {name: self.onnx.numpy_helper.to_array(self.numbers[name]) for name in given}
        return ReferenceEvaluator(node, opsets=versions).run(None, arrays)[0]

    def _count(self, name: str) -> int:
        return prod(n.dim_value for n in self.types[name].tensor_type.shape.dim)

    def _bytes(self, kind: int) -> int:
        try:
            return int(self.onnx.helper.tensor_dtype_to_np_dtype(kind).itemsize)
        except KeyError:
            return 8
