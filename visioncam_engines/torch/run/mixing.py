"""Where the channels of a layer first meet, so that leaving one out is exact and cheap.

Behind a layer there is often a step or two that treats every channel for itself (pooling, a mean over space,
an activation), and then a linear step that mixes channels: a convolution or a linear layer.  Setting channel
k to zero changes what that step receives in channel k only, and hence its output by one term:
`y_k = y - (x_k - x0_k) W_k`, where `x0` is what zeros become on the way.  Only what lies behind it is run
for every channel.  It is found by walking the tape, never by the name of a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import torch
from torch.nn import functional

from visioncam_core.engine.layer_table import Layout
from visioncam_engines.torch.placing import from_grid, to_grid
from visioncam_engines.torch.tape.model_trace import Trace
from visioncam_engines.torch.tape.records import Node, Ref

_EACH_VALUE = frozenset(
    {
        *(
            "relu",
            "relu_",
            "relu6",
            "hardtanh",
            "hardtanh_",
            "silu",
            "silu_",
            "hardswish",
            "hardsigmoid",
            "gelu",
        ),
        *("sigmoid", "tanh", "elu", "elu_", "selu", "celu", "leaky_relu", "leaky_relu_", "softplus"),
        *("mish",),
        *(
            "clone",
            "contiguous",
            "dropout",
            "alias",
            "neg",
            "abs",
            "square",
            "sqrt",
            "exp",
            "clamp",
            "clamp_",
        ),
        *("logsigmoid", "relu6_", "sigmoid_", "tanh_", "threshold", "softsign", "tanhshrink", "clamp_min"),
    }
)
_CHANNEL_IS_ONE = frozenset(
    {
        *("batch_norm", "instance_norm", "adaptive_avg_pool1d", "adaptive_avg_pool2d"),
        *("adaptive_avg_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool2d"),
        *("max_pool3d", "interpolate", "adaptive_max_pool1d", "adaptive_max_pool2d"),
        *("adaptive_max_pool3d", "_max_pool2d", "dropout2d", "boolean_dispatch", "upsample"),
    }
)
_WITH_WEIGHTS = frozenset(
    {"add", "sub", "mul", "div", "__add__", "__mul__", "__rmul__", "__radd__", "__truediv__"}
)
_CONVOLUTIONS = {"conv1d": functional.conv1d, "conv2d": functional.conv2d, "conv3d": functional.conv3d}


@attrs.frozen(eq=False)
class Mixing:
    """The first step behind a layer that mixes its channels.

    Attributes:
        layer: the layer's value.
        node: the step.
        source: the value it receives, computed channel by channel from the layer.
        result: the value it gives, linear in `source`.
        each: features a channel has in `source`: more than one where positions were flattened.
    """

    layer: int
    node: Node
    source: int
    result: int
    each: int

    def begin(self, trace: Trace, at: Any, layout: Layout) -> tuple[Any, Any, Any]:
        """Return what each channel's absence takes away, the result with all of them, and the weights."""
        start = trace.cut([self.layer], [self.source])
        nothing = from_grid(torch.zeros_like(to_grid(at, layout)), layout, at)
        source = start(1, at.clone())[0]
        change = source - start(1, nothing)[0]
        result = trace.cut([self.source], [self.result])(1, source)[0]
        weights = _argument(self.node, 1, "weight")
        if isinstance(weights, Ref):
            weights = trace.cut([], [weights.index])(1)[0]
        weights = trace.replaced.get(id(weights), weights).detach()
        return change, result, weights.T if self.node.name in _PRODUCTS else weights

    def terms(self, change: Any, weights: Any, which: Any) -> Any:
        """Return what the step's output loses without each of some channels, (b, ...)."""
        if self.node.name not in _CONVOLUTIONS:
            rows = weights.reshape(len(weights), -1, self.each)[:, which]  # (M, b, each)
            if self.each > 1:
                return torch.einsum("be,mbe->bm", change.reshape(-1, self.each)[which], rows)
            part = change[0][..., which].movedim(-1, 0)[..., None]  # (b, ..., 1)
            return part * rows[..., 0].T.reshape(len(which), *[1] * (change.dim() - 2), -1)
        run, space = _CONVOLUTIONS[self.node.name], weights.shape[2:]
        kernel = weights[:, which].transpose(0, 1).reshape(-1, 1, *space)  # (b * M, 1, *space)
        stride, padding, dilation = (_argument(self.node, i, name, d) for i, name, d in _HOW)
        found = run(change[:, which], kernel, None, stride, padding, dilation, len(which))
        return found.reshape(len(which), -1, *found.shape[2:])


_PRODUCTS = ("matmul", "mm", "__matmul__")
_HOW = ((3, "stride", 1), (4, "padding", 0), (5, "dilation", 1))


def mixing(trace: Trace, layer: int, layout: Layout, fetches: Sequence[int]) -> Mixing | None:
    """Return where the channels of a layer first meet on the way to the fetches.

    None where no single linear step does it.
    """
    if layout.split or layout.kind not in ("channels_first", "grid", "tokens"):
        return None
    within = trace.ancestors(fetches)
    value, each = layer, 1
    axis = 1 if layout.kind == "channels_first" else len(trace.shapes[layer]) - 1
    while True:
        readers = trace.consumers(value, within)
        if len(readers) != 1 or value in fetches:
            return None
        node, shape = trace.nodes[readers[0]], trace.shapes[value]
        if [ref for ref in node.refs if ref in trace.moving] != [value] or not node.made or node.still:
            return None
        result, first = node.made[0], _argument(node, 0, "input")
        if first == Ref(value) and trace.shapes[layer][0] == 1:
            linear = node.name == "linear" or (node.name in _PRODUCTS and _by_a_matrix(trace, node))
            if linear and axis == len(shape) - 1 and (each == 1 or len(shape) == 2):
                return Mixing(layer, node, value, result, each)
            if node.name in _CONVOLUTIONS and axis == 1 and each == 1 and len(shape) > 2:
                return Mixing(layer, node, value, result, 1) if _argument(node, 6, "groups", 1) == 1 else None
        step = _kept_apart(trace, node, value, axis, each)
        if step is None or (len(node.made) > 1 and trace.consumers(node.made[1], within)):
            return None
        value, axis, each = result, *step


def _by_a_matrix(trace: Trace, node: Node) -> bool:
    """Return whether a product's second factor is a matrix of weights."""
    other = _argument(node, 1, "other")
    shape = trace.shapes[other.index] if isinstance(other, Ref) else getattr(other, "shape", ())
    return len(shape) == 2


def _kept_apart(trace: Trace, node: Node, value: int, axis: int, each: int) -> tuple[int, int] | None:
    """Return the axis of channels and the features a channel has behind a step; None where channels meet."""
    before, after = trace.shapes[value], trace.shapes[node.made[0]]
    rank, same = len(before), len(before) == len(after) and before[axis] == after[axis]
    if node.name in _EACH_VALUE:
        return (axis, each) if before == after else None
    if node.name in _CHANNEL_IS_ONE:
        normalises = node.name == "batch_norm" and _argument(node, 5, "training", False)
        return (axis, each) if same and axis == 1 and each == 1 and not normalises else None
    if node.name in _WITH_WEIGHTS:
        return (axis, each) if before == after else None
    if node.name in ("mean", "sum", "amax") and each == 1:
        dims = _argument(node, 1, "dim", None)
        if dims is None:
            return None
        gone = {int(dim) % rank for dim in ((dims,) if isinstance(dims, int) else dims)}
        if gone & {0, axis}:
            return None
        return (axis if len(after) == rank else axis - sum(dim < axis for dim in gone)), 1
    if node.name in ("permute", "movedim", "transpose") and each == 1:
        return _moved(node, rank, axis)
    if node.name in ("flatten", "view", "reshape", "squeeze") and axis == 1 and before[1] * each:
        if len(after) == 2 and after[1] % before[1] == 0:  # (N, K, *space) to (N, K * positions)
            return 1, each * after[1] // before[1]
        return (1, each) if same and each == 1 else None
    if node.name == "pad" and each == 1:
        widths = _argument(node, 1, "pad", ())
        return (axis, 1) if same and after[0] == before[0] and len(widths) < 2 * rank - 2 else None
    return None


def _moved(node: Node, rank: int, axis: int) -> tuple[int, int] | None:
    order = list(range(rank))
    if node.name == "permute":
        dims = node.args[1] if len(node.args) == 2 and not isinstance(node.args[1], int) else node.args[1:]
        dims = node.kwargs.get("dims", dims)
        order = [int(dim) % rank for dim in dims]
    elif node.name == "transpose":
        a, b = (int(_argument(node, i + 1, f"dim{i}", 0)) % rank for i in (0, 1))
        order[a], order[b] = b, a
    else:
        return None
    return (order.index(axis), 1) if order[0] == 0 else None


def _argument(node: Node, place: int, name: str, default: Any = None) -> Any:
    return node.args[place] if len(node.args) > place else node.kwargs.get(name, default)
