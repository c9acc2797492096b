"""A picture resized, and its middle cut out: how PyTorch's libraries prepare pictures."""

from __future__ import annotations

import math

import attrs

from visioncam_core.images.geometry import RESAMPLING, Geometry
from visioncam_core.options.fields import in_range, option


@attrs.frozen
class ResizeCrop:
    """The whole picture resized, then the middle cut out, as PyTorch's evaluation transforms do it.

    `ResizeCrop(256, (224, 224))` brings the shorter side to 256 pixels and takes the middle 224.  The input
    has the size of the part; where the resized picture is smaller, it lies between bars.
    """

    resize: int | tuple[int, int] | None = option(
        256, help="length of the shorter side, or (height, width); None does not resize"
    )
    crop: tuple[int, int] | None = option(None, help="(height, width) of the part; None takes all")
    resample: str = option("bilinear", help="filter, antialiased", choices=RESAMPLING)
    fill: int = option(0, help="value of the bars in every channel", validator=in_range(0, 255))

    def __call__(self, shape: tuple[int, int], size: tuple[int, int]) -> Geometry:
        """Return the geometry for a picture of `shape`; it says itself how large the input is."""
        H, W = shape
        if isinstance(self.resize, int):
            short = min(H, W)
            resized = (max(1, int(self.resize * H / short)), max(1, int(self.resize * W / short)))
        else:
            resized = self.resize or shape
        size = self.crop or resized
        corner = (_middle(resized[0], size[0]), _middle(resized[1], size[1]))
        area = tuple(max(0, -at) for at in corner) + tuple(
            min(n, whole - at) for n, whole, at in zip(size, resized, corner, strict=True)
        )
        low, high = [], []
        for n, whole, at, length in zip(shape, resized, corner, size, strict=True):
            low.append(min(n - 1, max(0, math.ceil(at * n / whole - 0.5))))
            high.append(max(low[-1] + 1, min(n, math.ceil((at + length) * n / whole - 0.5))))
        view = (low[0], low[1], high[0], high[1])
        name = "resize" if self.crop is None else "resize_crop"
        return Geometry(
            name, shape, size, view, (area[0], area[1], area[2], area[3]), self.resample, self.fill,
            resized, corner,
        )  # fmt: skip


def _middle(whole: int, part: int) -> int:
    """Return where the middle part of a side begins, below 0 where it is longer than the side."""
    return round((whole - part) / 2) if whole >= part else -((part - whole) // 2)
