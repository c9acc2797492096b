"""EfficientNet-Lite0 as a module of PyTorch, its layers named as in the file of its weights.

EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946) without squeeze-and-excite and with ReLU6, as in
`visioncam_engines.keras.demo.network`; both answer the same, to rounding.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import pad

_BLOCKS = (  # kernel, repeats, filters, expansion, stride
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)


class EfficientNetLite0(nn.Module):  # type: ignore[misc]
    """The network; its weights are not set."""

    def __init__(self) -> None:
        super().__init__()
        self.image_size = 224  # that it was trained for; it takes others, too
        self._conv_stem = SameConv2d(3, 32, 3, 2)
        self._bn0 = _norm(32)
        self._act0 = nn.ReLU6()
        width, blocks = 32, []
        for kernel, repeats, filters, expansion, stride in _BLOCKS:
            for i in range(repeats):
                blocks.append(Block(width, filters, kernel, expansion, stride if i == 0 else 1))
                width = filters
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = SameConv2d(width, 1280, 1)
        self._bn1 = _norm(1280)
        self._act1 = nn.ReLU6()
        self._avg_pooling = nn.AdaptiveAvgPool2d(1)
        self._fc = nn.Linear(1280, 1000)
        self._softmax = nn.Softmax(dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        x = self._act0(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = self._act1(self._bn1(self._conv_head(x)))
        return self._softmax(self._fc(self._avg_pooling(x).flatten(1)))


class Block(nn.Module):  # type: ignore[misc]
    """Inverted residual block: expand, depthwise, project, and add where the shapes agree."""

    def __init__(self, width: int, filters: int, kernel: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = width * expansion
        self.expands, self.adds = expansion != 1, stride == 1 and width == filters
        if self.expands:
            self._expand_conv = SameConv2d(width, inner, 1)
            self._bn0 = _norm(inner)
            self._act0 = nn.ReLU6()
        self._depthwise_conv = SameConv2d(inner, inner, kernel, stride, inner)
        self._bn1 = _norm(inner)
        self._act1 = nn.ReLU6()
        self._project_conv = SameConv2d(inner, filters, 1)
        self._bn2 = _norm(filters)

    def forward(self, x: Tensor) -> Tensor:
        start = x
        if self.expands:
            x = self._act0(self._bn0(self._expand_conv(x)))
        x = self._act1(self._bn1(self._depthwise_conv(x)))
        x = self._bn2(self._project_conv(x))
        return x + start if self.adds else x


class SameConv2d(nn.Conv2d):  # type: ignore[misc]
    """A convolution without bias, padded as TensorFlow pads: where the two sides differ, more at the end."""

    def __init__(self, width: int, filters: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        padding = (kernel - 1) // 2 if stride == 1 else 0
        super().__init__(width, filters, kernel, stride, padding, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] > 1:
            pads: list[int] = []
            for axis in (-1, -2):
                size, kernel, stride = x.shape[axis], self.kernel_size[axis], self.stride[axis]
                total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
                pads += [total // 2, total - total // 2]
            x = pad(x, pads)
        return super().forward(x)


def _norm(width: int) -> Any:
    return nn.BatchNorm2d(width, eps=1e-3)
