"""Networks that move the picture about: each with a layer, its grid, and how mixed its positions are."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  -- as everybody writes it

from helpers.torch_steps import (
    Attended,
    Moved,
    Placed,
    Recurrent,
    Residual,
    by_blocks,
    chain,
    conv,
    f,
    grid_cells,
    half_written,
    inner_written,
    patches,
    sliced_writes,
    turned_off,
    windowed,
    with_tokens,
)

C1 = lambda: conv(3)  # noqa: E731
C2 = lambda: conv()  # noqa: E731
PLAIN: dict[str, Placed] = {
    "pixel_shuffle": Placed(
        chain(c1=lambda: conv(3, 5, 4, 16), up=lambda: nn.PixelShuffle(2)), "up", (8, 12)
    ),
    "shuffled by hand": Placed(
        chain(c1=lambda: conv(3, 5, 4, 16), up=f(by_blocks), c2=lambda: conv(4, 3, 1)), "c2", (8, 12)
    ),
    "pixel_unshuffle": Placed(
        chain(down=lambda: nn.PixelUnshuffle(2), c1=lambda: conv(12, 3, 1)), "c1", (8, 12)
    ),
    "flipped": Placed(chain(c1=C1, turn=f(lambda x: x.flip(-1)), c2=C2), "c2", (4, 6)),
    "turned": Placed(chain(c1=C1, turn=f(lambda x: torch.rot90(x, 1, (2, 3))), c2=C2), "c2", (4, 6)),
    "turned three times": Placed(chain(c1=C1, turn=f(lambda x: x.rot90(3, (2, 3))), c2=C2), "c2", (4, 6)),
    "transposed": Placed(chain(c1=C1, turn=f(lambda x: x.mT), c2=C2), "c2", (4, 6)),
    "swapped": Placed(chain(c1=C1, turn=f(lambda x: x.swapaxes(-1, -2)), c2=C2), "c2", (4, 6)),
    "channels last": Placed(
        chain(c1=C1, last=f(lambda x: x.movedim(1, -1)), d=lambda: nn.Linear(8, 5)), "d", (8, 12)
    ),
    "strided slices": Placed(
        chain(
            c1=f(lambda x: torch.cat([x[..., a::2, b::2] for a in (0, 1) for b in (0, 1)], 1)),
            c2=lambda: conv(12, 3, 1),
        ),
        "c2",
        (8, 12),
    ),
    "cropped": Placed(chain(c1=f(lambda x: x[:, :, 2:-1, 3:]), c2=lambda: conv(3, padding=0)), "c2", (6, 10)),
    "narrowed": Placed(chain(cut=f(lambda x: x.narrow(2, 3, 12)), c=C1), "c", (6, 12)),
    "padded": Placed(
        chain(pad=f(lambda x: F.pad(x, (6, 0, 0, 5))), c=lambda: conv(3, 5, padding=0)), "c", (9, 13)
    ),
    "cropped by a padding": Placed(chain(pad=f(lambda x: F.pad(x, (-2, -2, 1, 1))), c=C1), "c", (9, 10)),
    "reflected": Placed(chain(pad=lambda: nn.ReflectionPad2d((2, 0, 0, 2)), c=C1), "c", (9, 13)),
    "transposed convolution": Placed(
        chain(c1=C1, c2=C2, up=lambda: nn.ConvTranspose2d(8, 4, 4, 2, 1)), "up", (8, 12)
    ),
    "transposed convolution, odd": Placed(
        chain(c1=C1, c2=C2, up=lambda: nn.ConvTranspose2d(8, 4, 3, 2, 1, output_padding=1)), "up", (8, 12)
    ),
    "dilated": Placed(chain(c1=C1, c2=lambda: conv(8, 3, 1, padding="same", dilation=2)), "c2", (8, 12)),
    "depthwise": Placed(chain(c1=C1, d=lambda: conv(8, 5, 2, groups=8)), "d", (4, 6)),
    "average pooled": Placed(chain(c1=C1, p=lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True)), "p", (5, 7)),
    "pooled to a size": Placed(chain(c1=C1, p=lambda: nn.AdaptiveAvgPool2d((4, 3))), "p", (4, 3)),
    "LP pooled": Placed(chain(c1=C1, p=lambda: nn.LPPool2d(1, 2)), "p", (4, 6)),
    "upsampled": Placed(
        chain(c1=C1, c2=C2, up=lambda: nn.Upsample(scale_factor=2, mode="bilinear")), "up", (8, 12)
    ),
    "upsampled, nearest": Placed(
        chain(c1=C1, c2=C2, up=f(lambda x: F.interpolate(x, size=(8, 12)))), "up", (8, 12)
    ),
    "downsampled, nearest": Placed(
        chain(c1=C1, d=f(lambda x: F.interpolate(x, scale_factor=0.5))), "d", (4, 6)
    ),
    "downsampled, nearest-exact": Placed(
        chain(d=f(lambda x: F.interpolate(x, size=(4, 6), mode="nearest-exact"))), "d", (4, 6)
    ),
    "upsampled by corners": Placed(
        chain(c1=C1, up=f(lambda x: F.interpolate(x, (15, 23), mode="bilinear", align_corners=True))),
        "up",
        (15, 23),
    ),
    "repeated": Placed(
        chain(c1=C1, up=f(lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3))), "up", (16, 24)
    ),
    "expanded": Placed(
        chain(
            c1=C1,
            up=f(lambda x: x[:, :, :, None, :, None].expand(-1, -1, -1, 2, -1, 2).reshape(len(x), 8, 16, 24)),
        ),
        "up",
        (16, 24),
    ),
    "unfolded": Placed(
        chain(cut=f(lambda x: F.unfold(x, 4, stride=4).transpose(1, 2)), d=lambda: nn.Linear(48, 8)),
        "d",
        (4, 6),
    ),
    "unfolded, overlapping": Placed(
        chain(cut=f(lambda x: F.unfold(x, 5, padding=2, stride=4).mT), d=lambda: nn.Linear(75, 8)),
        "d",
        (4, 6),
    ),
    "unfolded by axes": Placed(
        chain(
            cut=f(lambda x: x.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5).flatten(3)),
            d=lambda: nn.Linear(48, 8),
        ),
        "d",
        (4, 6),
    ),
    "folded": Placed(
        chain(
            c=lambda: conv(3, 5, 4, 12),
            b=f(lambda x: F.fold(x.flatten(2).repeat(1, 4, 1), (8, 12), 2, stride=2)),
            d=lambda: conv(12, 3, 1),
        ),
        "d",
        (8, 12),
    ),
    "patches by a view": Placed(
        chain(
            cut=f(lambda x: x.view(len(x), 3, 4, 4, 6, 4).permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)),
            d=lambda: nn.Linear(48, 8),
        ),
        "d",
        (4, 6),
    ),
    "written by slices": Placed(chain(c1=C1, w=f(sliced_writes), c2=C2), "c2", (4, 6)),
    "written by halves": Placed(chain(c1=C1, w=f(half_written), c2=lambda: conv(16)), "c2", (4, 6)),
    "written inside": Placed(chain(c1=C1, w=f(inner_written), c2=lambda: conv(8, padding=0)), "c2", (5, 6)),
    "written over": Placed(chain(c1=C1, w=f(turned_off), c2=C2), "c2", (4, 6)),
    "in place": Placed(
        chain(c1=C1, a=f(lambda x: x.add_(1).mul_(2)), w=lambda: nn.ReLU(True), c2=C2), "c2", (4, 6)
    ),
    "stacked and summed": Placed(
        chain(c1=C1, s=f(lambda x: torch.stack([x, x * x, x], 1).sum(1)), c2=C2), "c2", (4, 6)
    ),
    "chunks": Placed(chain(c1=C1, s=f(lambda x: torch.cat(x.chunk(4, 1)[::-1], 1)), c2=C2), "c2", (4, 6)),
    "halves of the picture": Placed(
        chain(c1=C1, s=f(lambda x: torch.cat([y * 2 for y in x.split(4, 2)], 2)), c2=C2), "c2", (4, 6)
    ),
    "rolled and back": Placed(
        chain(c1=C1, s=f(lambda x: x.roll((1, -2), (2, 3)).relu().roll((-1, 2), (2, 3))), c2=C2), "c2", (4, 6)
    ),
    "einsum": Placed(chain(c1=C1, e=f(grid_cells), c2=lambda: conv(4)), "c2", (4, 6)),
    "1x1 as a linear layer": Placed(
        chain(
            c1=C1, d=lambda: nn.Sequential(nn.Flatten(2), Moved(lambda x: x.transpose(1, 2)), nn.Linear(8, 4))
        ),
        "d",
        (8, 12),
    ),
    "index_select": Placed(
        chain(c1=C1, s=f(lambda x: x.index_select(2, torch.arange(1, 8, 2))), c2=lambda: conv(8, 3, 1)),
        "c2",
        (4, 12),
    ),
    "gated": Placed(chain(c1=C1, g=f(lambda x: x * x.mean((2, 3), keepdim=True)), c2=C2), "c2", (4, 6)),
    "pyramid": Placed(
        chain(c1=C1, up=f(lambda x: x + F.interpolate(F.avg_pool2d(x, 2), scale_factor=2))), "up", (8, 12)
    ),
    "columns": Placed(
        chain(
            c1=C1,
            p=lambda: nn.AdaptiveAvgPool2d((1, None)),
            s=f(lambda x: x.squeeze(2)),
            r=lambda: nn.Conv1d(8, 4, 1),
        ),
        "r",
        (1, 12),
    ),
    "signal": Placed(
        chain(c1=lambda: nn.Conv1d(2, 4, 5, 2, 2), c2=lambda: nn.Conv1d(4, 4, 3, 2, 1)), "c2", (8,), (2, 32)
    ),
    "volume": Placed(
        chain(c1=lambda: nn.Conv3d(1, 4, 3, (1, 2, 2), 1), c2=lambda: nn.AvgPool3d(2)),
        "c2",
        (4, 4, 4),
        (1, 8, 16, 16),
    ),
    "batch norm and prelu": Placed(
        chain(c1=C1, n=lambda: nn.BatchNorm2d(8), a=lambda: nn.PReLU(), c2=C2), "c2", (4, 6)
    ),
}
MIXED: dict[str, Placed] = {
    "class token": Placed(
        chain(
            p=patches,
            t=f(lambda x: x.mT),
            c=lambda: with_tokens(1, 0),
            a=lambda: Attended(True),
            ln=lambda: nn.LayerNorm(8),
        ),
        "ln",
        (4, 6),
        mixed=True,
    ),
    "tokens at both ends": Placed(
        chain(
            p=patches,
            t=f(lambda x: x.mT),
            c=lambda: with_tokens(2, 3),
            a=lambda: Attended(False),
            ln=lambda: nn.LayerNorm(8),
        ),
        "ln",
        (4, 6),
        mixed=True,
    ),
    "windows": Placed(
        chain(
            c1=C1,
            last=f(lambda x: x.permute(0, 2, 3, 1)),
            w=lambda: windowed(4, 0),
            s=lambda: windowed(4, 2),
            ln=lambda: nn.LayerNorm(8),
        ),
        "ln",
        (8, 12),
        mixed=True,
    ),
    "mixer": Placed(
        chain(
            p=patches, m=lambda: Residual(nn.Linear(24, 24)), t=f(lambda x: x.mT), ln=lambda: nn.LayerNorm(8)
        ),
        "ln",
        (4, 6),
        mixed=True,
    ),
    "columns read": Placed(
        chain(c1=C1, s=f(lambda x: x.permute(0, 3, 1, 2).flatten(2)), read=lambda: Recurrent(64)),
        "read",
        (1, 12),
        mixed=True,
    ),
}
