"""What speaks against opening a TFLite file of a stranger: its tables are read, and nothing in it is run."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from visioncam_core.text import error_text
from visioncam_engines.runtimes.ports import TENSOR, Facts, Port, damaged

MOST = 1_000_000  # tensors and operations
TEXT = 1 << 20  # bytes of a metadata text
_SIZES = {
    "FLOAT64": 8, "INT64": 8, "UINT64": 8, "COMPLEX64": 8, "COMPLEX128": 16, "STRING": 8, "RESOURCE": 8,
    "VARIANT": 8, "INT16": 2, "UINT16": 2, "FLOAT16": 2, "BFLOAT16": 2, "INT8": 1, "UINT8": 1, "BOOL": 1,
    "INT4": 0.5, "UINT4": 0.5, "INT2": 0.25,
}  # fmt: skip
"""Bytes of one number; 4 for all others."""
GROWING = {
    "FILL": 0, "BROADCAST_TO": 1, "TILE": 1, "RESIZE_BILINEAR": 1, "RESIZE_NEAREST_NEIGHBOR": 1,
    "TRANSPOSE_CONV": 0, "PAD": 1, "PADV2": 1, "MIRROR_PAD": 1, "RANDOM_UNIFORM": 0,
    "RANDOM_STANDARD_NORMAL": 0, "RANGE": 1, "ONE_HOT": 1, "CONV_3D_TRANSPOSE": 0, "SCATTER_ND": 2,
    "SPARSE_TO_DENSE": 1,
}  # fmt: skip
"""Operation whose output is as large as numbers of one of its inputs say -> which one."""
_MEASURES = (
    "SHAPE",
    "STRIDED_SLICE",
    "SLICE",
    "PACK",
    "CONCATENATION",
    "GATHER",
    "CAST",
    "RESHAPE",
    "SQUEEZE",
)
"""Operations that only hand sizes on."""
_JUMPS = ("IF", "WHILE", "CALL", "CALL_ONCE", "STABLEHLO_WHILE", "STABLEHLO_COMPOSITE")


def read_checked(content: bytes, name: str, schema: Any) -> Facts:
    """Return what a file holds, and what is wrong with it.

    Args:
        content: the file, which begins as a TFLite file does.
        name: what messages call it.
        schema: the module of the format's tables.

    Raises:
        ModelError: its tables point outside of it.
    """
    try:
        reading = _Reading(content, schema)
        return Facts(reading.problems(), reading.ports(), reading.metadata())
    except Exception as error:  # struct, flatbuffers and NumPy each have their own
        raise damaged(name, error_text(error, 80)) from error


class _Reading:
    """One file; every number of things is held against the bytes that could hold them."""

    def __init__(self, content: bytes, schema: Any) -> None:
        self.content, self.schema = content, schema
        self.model = schema.Model.GetRootAs(content, 0)
        self.names = {code: name for name, code in vars(schema.BuiltinOperator).items() if name[:1] != "_"}
        self.types = {code: name for name, code in vars(schema.TensorType).items() if name[:1] != "_"}
        if self.model.Version() != 3:
            raise ValueError(f"version {self.model.Version()}, not 3")
        self.counted = 0
        self.buffers = self._count(self.model.BuffersLength())

    def _count(self, count: int) -> int:
        self.counted += count
        if not 0 <= count <= len(self.content) // 4:
            raise ValueError(f"a list of {count:,} in {len(self.content):,} bytes")
        if self.counted > MOST:
            raise ValueError(f"more than {MOST:,} tensors and operations")
        return count

    def metadata(self) -> dict[str, str]:
        """Return the metadata that is text."""
        found = {}
        for i in range(self._count(self.model.MetadataLength())):
            told = self.model.Metadata(i)
            if told.Name() and len(data := self._data(told.Buffer())) <= TEXT:
                try:
                    found[told.Name().decode()] = data.decode().rstrip("\0")
                except UnicodeDecodeError:
                    continue
        return found

    def ports(self) -> tuple[tuple[str, Port], ...]:
        """Return inputs and outputs of the first graph."""
        graph = self.model.Subgraphs(0)
        places = [("input", int(i)) for i in (graph.InputsAsNumpy() if graph.InputsLength() else ())]
        places += [("output", int(i)) for i in (graph.OutputsAsNumpy() if graph.OutputsLength() else ())]
        return tuple((side, self._port(graph.Tensors(i))) for side, i in places)

    def _port(self, tensor: Any) -> Port:
        shape = tensor.ShapeSignatureAsNumpy() if tensor.ShapeSignatureLength() else self._shape(tensor)
        name, kind = (tensor.Name() or b"").decode(errors="replace"), self.types.get(tensor.Type(), "")
        return Port(name, tuple(None if n < 0 else int(n) for n in shape), kind.lower())

    def problems(self) -> list[str]:
        """Return what is wrong with it, each kind once."""
        graphs = [self.model.Subgraphs(i) for i in range(self._count(self.model.SubgraphsLength()))]
        if not graphs:
            raise ValueError("it holds no graph")
        codes = [self.model.OperatorCodes(i) for i in range(self._count(self.model.OperatorCodesLength()))]
        problems = [told for code in codes if (told := self._of_code(code))]
        operations = [self._operation(code) for code in codes]
        for graph in graphs:
            problems += self._of_graph(graph, operations)
        return list(dict.fromkeys(problems))

    def _operation(self, code: Any) -> str:
        return self.names.get(max(code.DeprecatedBuiltinCode(), code.BuiltinCode()), "")

    def _of_code(self, code: Any) -> str:
        name = self._operation(code)
        if name == "CUSTOM":
            called = repr((code.CustomCode() or b"").decode(errors="replace")[:60])
            return f"needs the operator {called}, which is not TFLite's own"
        if not name:
            return f"needs operation number {code.BuiltinCode()}, which this interpreter does not know"
        return f"has a branch or a loop ({name}), which may never end" if name in _JUMPS else ""

    def _of_graph(self, graph: Any, operations: list[str]) -> Iterator[str]:
        count = self._count(graph.TensorsLength())
        tensors = [graph.Tensors(i) for i in range(count)]
        shapes = [self._shape(tensor) for tensor in tensors]
        for tensor, shape in zip(tensors, shapes, strict=True):
            if told := self._of_tensor(tensor, shape):
                yield told
        made: dict[int, tuple[str, list[int]]] = {}
        for i in range(self._count(graph.OperatorsLength())):
            operator = graph.Operators(i)
            name = operations[operator.OpcodeIndex()]
            given = self._places(operator.InputsLength(), operator.InputsAsNumpy, count, -1)
            gives = self._places(operator.OutputsLength(), operator.OutputsAsNumpy, count, 0)
            made |= dict.fromkeys(gives, (name, given))
            if name in GROWING and gives:
                yield from self._of_growing(name, given, shapes, gives[0], tensors, made)
        for ends in (
            (graph.InputsLength(), graph.InputsAsNumpy),
            (graph.OutputsLength(), graph.OutputsAsNumpy),
        ):
            self._places(*ends, count, 0)

    def _places(self, length: int, read: Any, count: int, least: int) -> list[int]:
        places = [int(n) for n in read()] if self._count(length) else []
        if not all(least <= n < count for n in places):
            raise ValueError(f"tensor {min(places)}, {max(places)} of {count}")
        return places

    def _shape(self, tensor: Any) -> tuple[int, ...]:
        return tuple(int(n) for n in tensor.ShapeAsNumpy()) if self._count(tensor.ShapeLength()) else ()

    def _of_tensor(self, tensor: Any, shape: tuple[int, ...]) -> str:
        name, kind = (
            repr((tensor.Name() or b"").decode(errors="replace")[:60]),
            self.types.get(tensor.Type(), ""),
        )
        size = _SIZES.get(kind, 4) * prod(shape)
        if any(n < 0 for n in shape) or size > TENSOR:
            return f"the array {name} declares {' x '.join(map(str, shape[:8]))[:80]} numbers"
        stored = len(self._data(tensor.Buffer()))
        plain = kind != "STRING" and tensor.Sparsity() is None
        if stored and plain and stored != int(np.ceil(size)):
            return f"the array {name} declares {int(size):,} bytes and stores {stored:,}"
        return ""

    def _data(self, place: int) -> bytes:
        """Return the bytes of a buffer; those of large files lie behind the tables."""
        if not 0 <= place < self.buffers:
            raise ValueError(f"buffer {place} of {self.buffers}")
        buffer = self.model.Buffers(place)
        start, size = (getattr(buffer, part, lambda: 0)() for part in ("Offset", "Size"))
        if start > 1:
            if start + size > len(self.content):
                raise ValueError(f"buffer {place} ends at {start + size:,} of {len(self.content):,} bytes")
            return self.content[start : start + size]
        length = buffer.DataLength()
        if length > len(self.content):
            raise ValueError(f"buffer {place} has {length:,} of {len(self.content):,} bytes")
        return bytes(buffer.DataAsNumpy()) if length else b""

    def _of_growing(
        self,
        name: str,
        given: list[int],
        shapes: list[tuple[int, ...]],
        output: int,
        tensors: list[Any],
        made: Any,
    ) -> Iterator[str]:
        """Yield why an operation may make more than its output declares."""
        place = given[GROWING[name]]
        says = self._numbers(tensors[place])
        if says is None:
            if not self._handed_on(place, tensors, made):
                yield f"the size of what {name} makes cannot be told without running it"
            return
        most = max(prod(shapes[output]), 1)
        if name in ("PAD", "PADV2", "MIRROR_PAD"):
            size = prod(
                n + a + b for n, (a, b) in zip(shapes[given[0]], says.reshape(-1, 2).tolist(), strict=True)
            )
        elif name == "TILE":
            size = prod(shapes[given[0]]) * prod(says.tolist())
        elif name.startswith("RESIZE"):
            size = prod(says.tolist()) * shapes[given[0]][0] * shapes[given[0]][-1]
        elif name == "ONE_HOT":
            size = prod(shapes[given[0]]) * prod(says.tolist())
        elif name == "RANGE":
            ends = [float(n[0]) for one in given if (n := self._numbers(tensors[one])) is not None]
            if len(ends) != 3 or not ends[2]:
                yield f"the size of what {name} makes cannot be told without running it"
                return
            size = int(abs((ends[1] - ends[0]) / ends[2]))
        else:
            size = prod(says.tolist())
        if size > most:
            yield f"{name} makes {size:,} numbers where {most:,} are declared"

    def _numbers(self, tensor: Any) -> np.ndarray | None:
        """Return the numbers of a constant; None of what is computed."""
        dtype = {"INT32": "<i4", "INT64": "<i8", "FLOAT32": "<f4"}.get(self.types.get(tensor.Type(), ""))
        data = self._data(tensor.Buffer())
        return np.frombuffer(data, dtype) if data and dtype else None

    def _handed_on(self, place: int, tensors: list[Any], made: Any) -> bool:
        """Return whether sizes come from shapes and small constants alone."""
        left, seen, most = [place], set(), 1
        while left:
            one = left.pop()
            if one in seen or one < 0:
                continue
            seen.add(one)
            if one in made:
                name, given = made[one]
                if name not in _MEASURES:
                    return False
                left += [] if name == "SHAPE" else given if name in ("PACK", "CONCATENATION") else given[:1]
            elif (numbers := self._numbers(tensors[one])) is None:
                return False
            else:
                most *= prod(max(abs(int(n)), 1) for n in numbers)
        return most <= TENSOR // 4
