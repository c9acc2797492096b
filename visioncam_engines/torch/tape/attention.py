"""Attention on a tape: fused steps replaced by their formula, so that the weights are values of the tape."""

from __future__ import annotations

import threading
import types
from collections.abc import Callable, Collection
from typing import Any

import attrs
import torch
from torch.nn import functional

from visioncam_core.engine.graph.blocks import Step, check_sizes, streams
from visioncam_engines.torch.tape.model_trace import Trace
from visioncam_engines.torch.tape.records import Node, Ref

_THROUGH = frozenset(
    {
        *("dropout", "to", "type_as", "float", "half", "bfloat16", "clone", "contiguous", "nan_to_num"),
        *("mul", "__mul__", "permute", "transpose", "reshape", "view", "linear", "masked_fill", "expand"),
    }
)
_PRODUCTS = frozenset(("matmul", "__matmul__", "bmm", "einsum", "baddbmm"))
_SUMS = frozenset(("add", "__add__", "__radd__", "__iadd__", "add_"))


@attrs.frozen(eq=False)
class Opened:
    """A tape on which every attention's weights are a value.

    Attributes:
        trace: the tape; what was on the other has the same numbers.
        weights: each block's (N, heads, T, T), in call order.
        tokens: T.
        folded: heads lie in the batch axis of some.
    """

    trace: Trace
    weights: tuple[int, ...]
    tokens: int
    folded: bool

    @property
    def steps(self) -> list[Step]:
        """The steps, as `streams` reads them."""
        trace = self.trace
        return [
            Step(tuple(trace.inputs_of(number)), tuple(node.results), node.name in _SUMS)
            for number, node in enumerate(trace.nodes)
        ]

    def streams(self, fetches: Collection[int]) -> list[int]:
        """Return each block's output, see `engine.graph.blocks.streams`."""
        key = ("streams", tuple(fetches))
        found: list[Any] = self.trace.once(
            key, lambda: streams(self.steps, self.weights, fetches, self._holds_tokens)
        )
        return found

    def _holds_tokens(self, value: Any) -> bool:
        shape = self.trace.shapes[value]
        return len(shape) > 2 and self.tokens in (shape[0], shape[1], _product(shape[1:-1]))


def opened(trace: Trace) -> Opened:
    """Return a tape with its attention opened, made once.

    Raises:
        LayerError: there is none between all tokens.
    """
    found: Opened = trace.once("attention", lambda: _Opening(trace).opened())
    return found


class _Opening:
    """The opening of one tape."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.nodes: list[Node] = []
        self.shapes, self.dtypes = list(trace.shapes), list(trace.dtypes)
        self.grown = None if trace.grown is None else list(trace.grown)
        self.weights: list[int] = []

    def opened(self) -> Opened:
        for node in self.trace.nodes:
            self.nodes += self._replaced(node)
        every = [self.shapes[value] for value in self.weights]
        windows = [shape[-1] for shape in every if len(shape) > 4 or (len(shape) == 4 and shape[0] != 1)]
        check_sizes([(shape[-2], shape[-1]) for shape in every], windows)
        square = [value for value in self.weights if self.shapes[value][-1] == self.shapes[value][-2]]
        shapes = [self.shapes[value] for value in square]
        trace = attrs.evolve(
            self.trace,
            nodes=self.nodes,
            shapes=self.shapes,
            dtypes=self.dtypes,
            grown=self.grown,
            moving=self.trace.moving | set(self.weights),
            producer={},
            lock=threading.RLock(),
            kept={},
        )
        for number, node in enumerate(trace.nodes):
            for value in node.results:
                trace.producer.setdefault(value, number)
        return Opened(trace, tuple(square), shapes[0][-1], any(len(shape) == 3 for shape in shapes))

    def _replaced(self, node: Node) -> list[Node]:
        if not any(value in self.trace.moving for value in node.results):
            return [node]
        if node.name == "scaled_dot_product_attention":
            return self._fused(node)
        if node.name == "multi_head_attention_forward":
            query, heads = node.args[0], node.args[4] if len(node.args) > 4 else node.kwargs["num_heads"]
            count, batch = self.trace.shapes[query.index][0], self.trace.shapes[query.index][1:-1] or (1,)
            new = self._new(node.made[0], (*batch, heads, count, self._keys(node)))
            return [attrs.evolve(node, func=_multi_head(heads), made=[*node.made, new])]
        if node.name in ("softmax", "_softmax") and self._weighs(node):
            self.weights.append(node.made[0])
            return [attrs.evolve(node, func=_marked(node.func))]
        return [node]

    def _keys(self, node: Node) -> int:
        key = node.args[1] if len(node.args) > 1 else node.kwargs["key"]
        extra = node.args[7] is not None if len(node.args) > 7 else False
        return self.trace.shapes[key.index][0] + extra + bool(len(node.args) > 9 and node.args[9])

    def _fused(self, node: Node) -> list[Node]:
        names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
        given = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
        query, key, value = (given.pop(name) for name in names[:3])
        shapes = self.trace.shapes
        new = self._new(query.index, (*shapes[query.index][:-1], shapes[key.index][-2]))
        return [
            attrs.evolve(node, func=_weights, args=(query, key), kwargs=given, made=[new]),
            attrs.evolve(node, func=_weighed, name="matmul", args=(Ref(new), value), kwargs={}),
        ]

    def _new(self, like: int, shape: tuple[int, ...]) -> int:
        self.shapes.append(tuple(shape))
        self.dtypes.append(self.trace.dtypes[like])
        if self.grown is not None:
            self.grown.append(True)
        self.weights.append(len(self.shapes) - 1)
        return self.weights[-1]

    def _weighs(self, node: Node) -> bool:
        """Whether a softmax is over the last of three or more axes, and weighs a product."""
        rank = len(self.trace.shapes[node.made[0]])
        axis = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else None)
        return rank > 2 and axis in (-1, rank - 1) and self._multiplied(node.made[0], 6)

    def _multiplied(self, value: int, depth: int) -> bool:
        for number in self.trace.consumers(value) if depth else ():
            node = self.trace.nodes[number]
            if node.name in _PRODUCTS and sum(one in self.trace.moving for one in node.refs) > 1:
                return True
            if node.name in _THROUGH and any(self._multiplied(one, depth - 1) for one in node.made):
                return True
        return False


def mark(weights: Any) -> Any:
    """Return weights in which a gradient can be computed: where none comes from before, it begins here."""
    if torch.is_grad_enabled() and not weights.requires_grad:
        return weights.detach().requires_grad_()
    return weights


def _marked(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: mark(function(*args, **kwargs))


def _weights(
    query: Any,
    key: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """Return softmax(Q Kᵀ · scale + mask), as PyTorch defines `scaled_dot_product_attention`."""
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
    scores = query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, -torch.inf)
    elif attn_mask is not None:
        scores = scores + attn_mask
    return mark(scores.softmax(-1))


def _weighed(weights: Any, value: Any) -> Any:
    if value.dim() > 2 and value.shape[-3] not in (1, weights.shape[-3]):  # groups of queries share a value
        value = value.repeat_interleave(weights.shape[-3] // value.shape[-3], -3)
    return weights @ value


def _multi_head(heads: int) -> Callable[..., Any]:
    """Return torch's own `multi_head_attention_forward` that returns the weights it used as well."""
    theirs = functional.multi_head_attention_forward

    def run(*args: Any, **kwargs: Any) -> Any:
        used: list[Any] = []

        def fused(query: Any, key: Any, value: Any, *rest: Any, **named: Any) -> Any:
            used.append(_weights(query, key, *rest, **named))
            return used[0] @ value

        def softmax(scores: Any, dim: int) -> Any:
            plain = scores.softmax(dim)
            used.append(mark(plain.view(-1, heads, *plain.shape[1:])))
            return used[0].view(plain.shape)

        inside = {
            **theirs.__globals__,
            "has_torch_function": lambda tensors: False,
            "scaled_dot_product_attention": fused,
            "softmax": softmax,
        }
        own = types.FunctionType(theirs.__code__, inside, theirs.__name__, theirs.__defaults__)
        own.__kwdefaults__ = theirs.__kwdefaults__
        return (*own(*args, **kwargs), *used)

    return run


def _product(lengths: tuple[int, ...]) -> int:
    found = 1
    for length in lengths:
        found *= length
    return found
