"""Which values are queries, keys and values: a layer in other words, and no feature map of their own."""

from __future__ import annotations

from typing import Any

import attrs

from visioncam_engines.torch.space.walk import plain
from visioncam_engines.torch.tape.model_trace import Trace
from visioncam_engines.torch.tape.records import Ref

COPIES = frozenset(
    {"clone", "contiguous", "detach", "to", "type", "float", "half", "double", "bfloat16", "alias", "type_as"}
)
SHAPES = frozenset(
    {
        *(
            "reshape",
            "view",
            "flatten",
            "unflatten",
            "squeeze",
            "unsqueeze",
            "permute",
            "transpose",
            "movedim",
        ),
        *("swapaxes", "swapdims", "get_T", "get_mT", "t", "reshape_as", "view_as", "ravel", "moveaxis"),
    }
)
WEIGHTED = frozenset({"linear", "conv1d", "conv2d", "matmul", "einsum", "addmm", "bmm", "mm"})
PRODUCTS = frozenset(
    {
        *("matmul", "bmm", "einsum", "baddbmm", "scaled_dot_product_attention"),
        *("multi_head_attention_forward", "mm", "tensordot", "inner"),
    }
)
CARRIED = (
    COPIES
    | SHAPES
    | {
        *("__getitem__", "chunk", "split", "unbind", "narrow", "select", "expand", "cat", "stack"),
        *("tensor_split", "mul", "div", "truediv", "add", "sub", "neg", "softmax", "layer_norm"),
        *("rms_norm", "normalize", "relu", "elu", "batch_norm", "roll", "repeat", "repeat_interleave"),
        *("index_select", "view_as_complex", "exp", "view_as_real", "square", "clamp"),
    }
)
"""Steps that hand queries, keys and values on to their products."""


def identities(trace: Trace, value: int, through: frozenset[str]) -> list[int]:
    """Return a value, and those that it is merely a copy of, or an other shape."""
    found = [value]
    while (number := trace.producer.get(value)) is not None:
        node = trace.nodes[number]
        if plain(node.name) not in through or not node.args or not isinstance(node.args[0], Ref):
            break
        value = node.args[0].index
        found.append(value)
    return found


@attrs.frozen(eq=False)
class Feeding:
    """Which values are made by weights and only multiplied with other activations, as in attention.

    Attributes:
        trace: the tape.
        readers: value -> numbers of the steps that read it.
        read: the values of outputs.
    """

    trace: Trace
    readers: dict[int, list[int]]
    read: frozenset[int]

    @classmethod
    def of(cls, trace: Trace) -> Feeding:
        readers: dict[int, list[int]] = {}
        for number in range(len(trace.nodes)):
            for value in dict.fromkeys(trace.inputs_of(number)):
                readers.setdefault(value, []).append(number)
        return cls(trace, readers, frozenset(trace.outputs.values()))

    def __call__(self, value: int) -> bool:
        if not self._weighed(value):
            return False
        waiting, seen, met, same = [value], set(), False, {value}
        while waiting:
            one = waiting.pop()
            if one in self.read:
                return False
            for number in self.readers.get(one, ()) if one not in seen else ():
                node = self.trace.nodes[number]
                if one in same and plain(node.name) in COPIES | SHAPES:
                    same.update(node.results)
                if one in same and self._weighs(node):  # two weights in a row, as an adapter has them
                    if not self(node.results[0]):
                        return False
                    met = True
                elif self._parted(node) or (
                    plain(node.name) in PRODUCTS and sum(ref in self.trace.moving for ref in node.refs) > 1
                ):
                    met = True
                elif plain(node.name) in CARRIED:
                    waiting.extend(node.results)
                else:
                    return False
            seen.add(one)
        return met

    def _weighed(self, value: int) -> bool:
        """Whether a value is made by weights, or is a sum of such ones, as with an adapter beside them."""
        node = self._maker(identities(self.trace, value, COPIES | SHAPES)[-1])
        if node is None or self._weighs(node):
            return node is not None
        moving = {*node.refs} & self.trace.moving
        return plain(node.name) in ("add", "mul") and bool(moving) and all(map(self._weighed, moving))

    def _weighs(self, node: Any) -> bool:
        return node.name in WEIGHTED and len({*node.refs} & self.trace.moving) == 1

    def _parted(self, node: Any) -> bool:
        """Whether a step cuts up a bundle: queries, keys and values, or gates."""
        if node.name in ("unbind", "chunk", "split"):
            return True
        first = node.args[1] if node.name == "__getitem__" else None
        return isinstance(first[0] if isinstance(first, tuple) and first else first, int)

    def _maker(self, value: int) -> Any:
        number = self.trace.producer.get(value)
        return None if number is None else self.trace.nodes[number]
