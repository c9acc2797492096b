"""Steps of networks that move the picture about, and what the engine sees of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  -- as everybody writes it

from visioncam_engines.torch.engine import TorchEngine

SHAPE = (3, 16, 24)
ENGINE = TorchEngine()


def view_of(model: Any, *inputs: Any, wanted: str = "logit", output: Any = None) -> Any:
    """Return the view of a model for inputs."""
    told = ENGINE.inputs(model)
    flat = list(inputs)
    return ENGINE.trace(model, told, flat).view(told, flat, output, wanted)


class Moved(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any) -> Any:
        return self.function(*args)


class Chain(nn.Module):
    """Named steps, then a head over all there is."""

    def __init__(self, **steps: Any) -> None:
        super().__init__()
        for name, step in steps.items():
            self.add_module(name, step if isinstance(step, nn.Module) else Moved(step))
        self.head = nn.LazyLinear(3)
        self.names = list(steps)

    def forward(self, x: Any) -> Any:
        for name in self.names:
            x = getattr(self, name)(x)
            x = x[0] if isinstance(x, tuple) else x
        return self.head(x.flatten(1))


@attrs.frozen(eq=False)
class Placed:
    """A network and one of its layers.

    Attributes:
        build: makes the network.
        layer: its name.
        grid: the grid there.
        shape: of the picture.
        mixed: attention or recurrence lies in front, so that each position sees all, its own place most.
    """

    build: Callable[[], Any]
    layer: str
    grid: tuple[int, ...]
    shape: tuple[int, ...] = SHAPE
    mixed: bool = False

    def made(self) -> Any:
        torch.manual_seed(0)
        model = self.build().eval()
        model(torch.zeros(1, *self.shape))
        return model


def conv(into: int = 8, kernel: int = 3, stride: int = 2, out: int = 8, **more: Any) -> Any:
    more.setdefault("padding", (kernel - 1) // 2)
    return nn.Conv2d(into, out, kernel, stride, **more)


def patches() -> Any:
    return nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.Flatten(2))  # (N, 8, 24)


class Attended(nn.Module):
    """A block of attention over tokens (N, T, 8), in front of nothing; the tokens still there."""

    def __init__(self, own: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.qkv, self.own = nn.Linear(8, 24), own
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, t: Any) -> Any:
        y = self.norm(t)
        if not self.own:
            return t + self.attention(y, y, y, need_weights=False)[0]
        q, k, v = self.qkv(y).reshape(len(y), -1, 3, 2, 4).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v)
        return t + a.transpose(1, 2).reshape(t.shape)


def with_tokens(before: int, behind: int) -> Any:
    lead, trail = torch.randn(1, before, 8), torch.randn(1, behind, 8)
    return lambda t: torch.cat([lead.expand(len(t), -1, -1), t, trail.expand(len(t), -1, -1)], 1)


def windowed(side: int, shift: int) -> Any:
    """Return a step that adds attention in windows, which are rolled, to a map with channels last."""
    attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def run(x: Any) -> Any:
        n, h, w, k = x.shape
        y = torch.roll(x, (-shift, -shift), (1, 2))
        y = y.view(n, h // side, side, w // side, side, k).permute(0, 1, 3, 2, 4, 5)
        y = y.reshape(-1, side * side, k)
        y = attention(y, y, y)[0]
        y = y.view(n, h // side, w // side, side, side, k).permute(0, 1, 3, 2, 4, 5)
        return x + torch.roll(y.reshape(n, h, w, k), (shift, shift), (1, 2))

    return run


def sliced_writes(x: Any) -> Any:
    """Put four strided slices back into a blank map."""
    out = torch.zeros_like(x)
    for a in (0, 1):
        for b in (0, 1):
            out[:, :, a::2, b::2] = 2 * x[:, :, a::2, b::2]
    return out


def half_written(x: Any) -> Any:
    out = torch.zeros(len(x), 2 * x.shape[1], *x.shape[2:])
    out[:, : x.shape[1]] = x
    out[:, x.shape[1] :].copy_(x * x)
    return out


def inner_written(x: Any) -> Any:
    out = x.new_zeros(len(x), x.shape[1], x.shape[2] + 3, x.shape[3] + 1)
    out[..., 1:-2, 1:] = x
    return out


def turned_off(x: Any) -> Any:
    x = x.clone()
    x[:, :, 0] = 0
    x[:, 1].mul_(2)
    return x


def by_blocks(x: Any) -> Any:
    """(N, 4K, H, W) -> (N, K, 2H, 2W), as pixel_shuffle does."""
    n, k, h, w = x.shape
    return x.view(n, k // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, k // 4, 2 * h, 2 * w)


def grid_cells(x: Any) -> Any:
    return torch.einsum("nkhw,kc->nchw", x, torch.ones(x.shape[1], 4) / x.shape[1])


class Residual(nn.Module):
    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any) -> Any:
        return x + self.inner(x)


class Recurrent(nn.Module):
    def __init__(self, into: int, **more: Any) -> None:
        super().__init__()
        self.cell = nn.LSTM(into, 6, batch_first=True, bidirectional=True, **more)

    def forward(self, x: Any) -> Any:
        return self.cell(x)[0]


def chain(**steps: Any) -> Callable[[], Any]:
    return lambda: Chain(**{name: step() for name, step in steps.items()})


def f(function: Callable[..., Any]) -> Callable[[], Any]:
    """A plain function as a step."""
    return lambda: Moved(function)
