"""Small transformers of PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from helpers.attention import BLOCKS, HEADS, WIDTH, weights


class Heads(nn.Module):
    """Attention as timm writes it; or written by hand, without the fused step."""

    def __init__(self, by_hand: bool) -> None:
        super().__init__()
        self.qkv, self.proj, self.by_hand = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH), by_hand

    def forward(self, x: Any) -> Any:
        split = self.qkv(x).reshape(*x.shape[:2], 3, HEADS, WIDTH // HEADS)
        q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)
        if self.by_hand:
            found = (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(-1) @ v
        else:
            found = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.proj(found.transpose(1, 2).reshape(x.shape))


class Folded(Heads):
    """Heads folded into the batch axis, each head's pictures side by side."""

    def __init__(self) -> None:
        super().__init__(True)

    def forward(self, x: Any) -> Any:
        q, k, v = (
            one.unflatten(-1, (HEADS, -1)).permute(2, 0, 1, 3).flatten(0, 1)
            for one in self.qkv(x).chunk(3, -1)
        )
        found = torch.bmm((torch.bmm(q, k.transpose(1, 2)) * q.shape[-1] ** -0.5).softmax(-1), v)
        return self.proj(found.unflatten(0, (HEADS, -1)).permute(1, 2, 0, 3).flatten(2))


class Several(nn.Module):
    """`nn.MultiheadAttention`, which may return its weights."""

    def __init__(self, need_weights: bool) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.need_weights = need_weights

    def forward(self, x: Any) -> Any:
        return self.inner(x, x, x, need_weights=self.need_weights)[0]


KINDS = {
    "fused": lambda: Heads(False),
    "by hand": lambda: Heads(True),
    "folded": Folded,
    "module": lambda: Several(False),
    "module with weights": lambda: Several(True),
}


class Block(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(WIDTH, eps=1e-6), nn.LayerNorm(WIDTH, eps=1e-6)
        self.heads = KINDS[kind]()
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 32), nn.GELU(), nn.Linear(32, WIDTH))

    def forward(self, x: Any) -> Any:
        x = x + self.heads(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class Transformer(nn.Module):
    """The transformer of the golden file; `pooled` reads the mean of the patches."""

    def __init__(self, kind: str = "module", pooled: bool = False) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, WIDTH, 8, 8)
        self.cls, self.pos = nn.Parameter(torch.zeros(WIDTH)), nn.Parameter(torch.zeros(13, WIDTH))
        self.blocks = nn.Sequential(*(Block(kind) for _ in range(BLOCKS)))
        self.ln, self.head, self.pooled = nn.LayerNorm(WIDTH, eps=1e-6), nn.Linear(WIDTH, 5), pooled

    def forward(self, x: Any) -> Any:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = self.blocks(torch.cat([self.cls.expand(len(x), 1, WIDTH), x], 1) + self.pos)
        x = self.ln(x)
        return self.head(x[:, 1:].mean(1) if self.pooled else x[:, 0])


def transformer(kind: str = "module", pooled: bool = False) -> Any:
    """Return it with the golden file's weights."""
    model, w = Transformer(kind, pooled), weights()
    state = {"cls": w["cls"], "pos": w["pos"]}

    def put(name: str, kernel: np.ndarray, bias: np.ndarray) -> None:
        state.update({f"{name}weight": kernel, f"{name}bias": bias})

    put("patch.", w["patch/kernel"].transpose(3, 2, 0, 1), w["patch/bias"])
    put("ln.", w["ln/gamma"], w["ln/beta"])
    put("head.", w["head/kernel"].T, w["head/bias"])
    for b in range(BLOCKS):
        mine, theirs = f"blocks.{b}.", f"b{b}/"
        for name in ("ln1", "ln2"):
            put(f"{mine}{name}.", w[f"{theirs}{name}/gamma"], w[f"{theirs}{name}/beta"])
        for name, place in (("mlp1", 0), ("mlp2", 2)):
            put(f"{mine}mlp.{place}.", w[f"{theirs}{name}/kernel"].T, w[f"{theirs}{name}/bias"])
        three = [f"{theirs}{name}/" for name in ("query", "key", "value")]
        kernel = np.concatenate([w[f"{name}kernel"].reshape(WIDTH, WIDTH).T for name in three])
        bias = np.concatenate([w[f"{name}bias"].reshape(WIDTH) for name in three])
        module = kind.startswith("module")
        put(f"{mine}heads.{'inner.in_proj_' if module else 'qkv.'}", kernel, bias)
        put(
            f"{mine}heads.{'inner.out_proj.' if module else 'proj.'}",
            w[f"{theirs}out/kernel"].reshape(WIDTH, WIDTH).T,
            w[f"{theirs}out/bias"],
        )
    model.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(one)) for name, one in state.items()})
    return model.eval()
