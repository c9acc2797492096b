"""Small PyTorch models, one for each way in which a model can be awkward, and autograd's own gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 -- torch's own abbreviation
from torch import nn

SIZE = 16


def lively(model: Any, seed: int = 1) -> Any:
    """Return a model at rest whose weights let signals through to the end."""
    torch.manual_seed(seed)
    for module in model.modules():
        weight = getattr(module, "weight", None)
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear) and isinstance(
            weight, nn.Parameter
        ):
            module.weight.data.normal_(0, (2 / weight[0].numel()) ** 0.5)
            if module.bias is not None:
                module.bias.data.normal_(0, 0.1)
        elif isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    return model.eval()


def pictures(count: int = 3, size: int = SIZE, channels: int = 3) -> Any:
    return torch.from_numpy(
        np.random.default_rng(0).standard_normal((count, channels, size, size), np.float32)
    )


def plain(softmax: bool = False) -> Any:
    """An in-place ReLU and a pooling behind a convolution: the classic wrong Grad-CAM."""
    parts = [
        nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True)),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, 5),
    ]
    return lively(nn.Sequential(*parts, *[nn.Softmax(1)] * softmax))


class Base(nn.Module):
    """Two convolutions and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.fc = nn.Linear(8, 5)

    def head(self, y: Any) -> Any:
        return self.fc(y.mean((2, 3)))

    def forward(self, x: Any) -> Any:
        return self.head(self.conv2(self.conv(x).relu()).relu())


class Twice(Base):
    """A module that is called twice."""

    def forward(self, x: Any) -> Any:
        y = F.max_pool2d(F.relu(self.conv(x)), 2)
        return F.softmax(self.head(F.relu(self.conv2(F.relu(self.conv2(y))), inplace=True)), dim=1)


class Listed(Base):
    """Modules in a plain list, Python that branches on sizes, a dictionary as answer."""

    def __init__(self) -> None:
        super().__init__()
        self.more = [nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3)]

    def forward(self, x: Any) -> Any:
        y = self.conv(x).relu_()
        for one in self.more:
            y = one(y).relu_()
        y = F.avg_pool2d(y, 2) if y.shape[2] > 4 else y
        return {"extra": y.mean((1, 2, 3)), "logits": self.head(y)}


class Writes(Base):
    """Writes into slices and views of what was recorded."""

    def forward(self, x: Any) -> Any:
        y = self.conv(x)
        z = y[:, :4]
        z += 1.0
        y[:, 4:] = y[:, 4:] * 2
        y.clamp_(min=0)
        return self.head(self.conv2(y).relu_())


class Reads(Base):
    """Decides by values."""

    def forward(self, x: Any) -> Any:
        y = self.conv(x)
        y = self.conv2(y.relu() if y.mean() > -10 else F.elu(y))
        return self.head(y.relu())


class Rounded(torch.autograd.Function):
    """A rounding whose gradient somebody wrote: it passes straight through."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.round()

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        return gradient


class ByHand(Base):
    """A gradient written by hand."""

    def forward(self, x: Any) -> Any:
        return self.head(self.conv2(Rounded.apply(self.conv(x) * 4)).relu())


class Autocast(Base):
    """Turns autocast on by itself."""

    def forward(self, x: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            return self.head(self.conv2(self.conv(x).relu()).relu()).float()


class Stopped(Base):
    """Turns gradients off inside."""

    def forward(self, x: Any) -> Any:
        y = self.conv(x).relu()
        with torch.no_grad():
            gate = y.mean((2, 3), keepdim=True).sigmoid()
        return self.head(self.conv2(y * gate).relu())


class Checkpointed(Base):
    """Forgets activations and computes them again."""

    def forward(self, x: Any) -> Any:
        from torch.utils.checkpoint import checkpoint

        return self.head(checkpoint(self.conv2, self.conv(x).relu(), use_reentrant=False).relu())


class Recurrent(Base):
    """Rows of patches through an LSTM, which answers in several parts."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(8, 8, batch_first=True)

    def forward(self, x: Any) -> Any:
        y = self.conv(x).relu().flatten(2).transpose(1, 2)
        return self.fc(self.rnn(y)[0][:, -1])


class Mapped(Base):
    """Uses functorch, whose tensors have no storage."""

    def forward(self, x: Any) -> Any:
        y = self.conv2(self.conv(x).relu()).relu()
        return self.fc(torch.vmap(lambda one: one.mean((1, 2)))(y))


class Loops(Base):
    """Loops over the pictures of its batch."""

    def forward(self, x: Any) -> Any:
        return torch.cat([super(Loops, self).forward(one[None]) for one in x.unbind(0)])


class Counts(Base):
    """Writes into a buffer and a plain list whenever it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.seen: list[Any] = []

    def forward(self, x: Any) -> Any:
        self.calls += 1
        self.seen.append(x.shape)
        return super().forward(x)


class Kept(Base):
    """Keeps what it computed as an attribute, and a method of its own as a hook's target."""

    def __init__(self) -> None:
        super().__init__()
        self.features: Any = None
        self.act = nn.functional.relu
        self.run = self.inner
        self.last = lambda y: self.conv2(y)

    def inner(self, x: Any) -> Any:
        return self.conv(x)

    def forward(self, x: Any) -> Any:
        self.features = self.act(self.run(x))
        return self.head(self.act(self.last(self.features)))


class Renormed(Base):
    """Bounds its own weights before it uses them, as networks for EEG do."""

    def forward(self, x: Any) -> Any:
        self.conv2.weight.data = torch.renorm(self.conv2.weight.data, 2, 0, 0.5)
        return super().forward(x)


class Scaled(Base):
    """Writes into its own weights, in place."""

    def forward(self, x: Any) -> Any:
        with torch.no_grad():
            self.conv2.weight.clamp_(-0.2, 0.2)
        return super().forward(x)


class Numpy(Base):
    """Leaves torch in between."""

    def forward(self, x: Any) -> Any:
        y = self.conv(x).relu()
        scale = torch.from_numpy(y.detach().numpy().mean((1, 2, 3), keepdims=True) + 1.0)
        return self.head(self.conv2(y * scale).relu())


class Masked(Base):
    """Picks values by a mask: another number of them for each picture."""

    def forward(self, x: Any) -> Any:
        y = self.conv2(self.conv(x).relu()).relu()
        positive = torch.where(y > 0.5, y, torch.zeros_like(y))
        count = positive[positive > 0].sum() / (y > 0.5).sum().clamp(min=1)
        return self.head(y) + 0 * count


class Drops(Base):
    """Draws random numbers also at rest, but too few of them to see."""

    def forward(self, x: Any) -> Any:
        return super().forward(x) + 1e-9 * torch.rand(len(x), 1)


class Wrapper(nn.Module):
    """A model inside a plain object."""

    def __init__(self) -> None:
        super().__init__()
        self.holder = Holder(Base())
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Any) -> Any:
        return self.holder(x) * self.scale


class Holder:
    """No module, but holds one."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __call__(self, x: Any) -> Any:
        return self.model(x)
