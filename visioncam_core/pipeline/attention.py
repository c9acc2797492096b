"""Attention as a method sees it: the weights of every block, and which tokens are the picture's positions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.layer_table import LayerTable
from visioncam_core.engine.records import AttentionResult
from visioncam_core.errors import LayerError, PluginError
from visioncam_core.text import listing


def _read(one: Attention) -> np.ndarray:
    """Return what the score reads where nobody says so: the class token, all alike without one."""
    count = len(one.weights[0]) if len(one.weights) else 0
    tokens = one.prefix + prod(one.grid) + one.suffix
    read = np.zeros((count, tokens), np.float32)
    read[:, : 1 if one.prefix else tokens] = 1 if one.prefix else 1 / tokens
    return read


@attrs.frozen(eq=False)
class Attention:
    """The attention of N pictures between T = prefix + positions of the grid + suffix tokens.

    Attributes:
        weights: of each block, in call order, A_l (N, heads, T, T) after softmax: NumPy, float32 or float64.
        grid: the positions, one number an axis of the picture.
        prefix: tokens in front that are no part of the picture: class token, distillation token, registers.
        suffix: tokens behind.
        gradients: the same shapes, or () if none were requested.
        read: (N, T) share of each token in what the score reads, rows of sum 1; the class token by default.
    """

    weights: Sequence[np.ndarray]
    grid: tuple[int, ...]
    prefix: int = 0
    suffix: int = 0
    gradients: Sequence[np.ndarray] = ()
    read: np.ndarray = attrs.field(default=attrs.Factory(_read, takes_self=True))

    def __attrs_post_init__(self) -> None:
        """Refuse weights of other shapes."""
        tokens = self.prefix + prod(self.grid) + self.suffix
        shapes = [tuple(one.shape) for one in self.weights]
        if not shapes or any(len(shape) != 4 or shape[-2:] != (tokens, tokens) for shape in shapes):
            raise LayerError(
                f"attention of {self.prefix} + {'×'.join(map(str, self.grid))} + {self.suffix} tokens is one "
                f"array (N, heads, {tokens}, {tokens}) a block; received {listing(shapes) or 'none'}"
            )

    def __getitem__(self, part: slice) -> Attention:
        """Return that of some of the pictures."""
        return attrs.evolve(
            self,
            weights=[one[part] for one in self.weights],
            gradients=[one[part] for one in self.gradients],
            read=self.read[part],
        )

    def need_gradients(self) -> Sequence[np.ndarray]:
        """Return the gradients.

        Raises:
            PluginError: none were asked for.
        """
        if len(self.gradients) != len(self.weights):
            raise PluginError(
                f"this attention has {len(self.weights)} blocks and gradients of {len(self.gradients)}; ask "
                "for evidence.attention('score'), or pass one for each block to Attention(gradients=)"
            )
        return self.gradients

    def placed(self, tokens: Any) -> np.ndarray:
        """Return (N, *grid) from one number a token, (N, T): those of the picture."""
        end = self.prefix + prod(self.grid)
        return np.asarray(tokens)[:, self.prefix : end].reshape(-1, *self.grid)


def attention_on(result: AttentionResult, table: LayerTable, grid: tuple[int, ...]) -> Attention:
    """Return attention whose tokens are the positions of a grid, as a layer of tokens has them.

    Raises:
        LayerError: no layer of tokens says which are its positions.
    """
    tokens, positions = int(result.weights[0].shape[-1]), prod(grid)
    rows = [row for row in table.rows if row.layout is not None and row.layout.kind == "tokens"]
    fits = [
        row.layout
        for row in rows
        if row.layout and row.layout.prefix + row.layout.positions + row.layout.suffix == tokens
    ]
    found = next((one for one in reversed(fits) if one.grid == grid), None)
    if found is None and not (fits == [] and tokens == positions):
        other = " or ".join(dict.fromkeys("×".join(map(str, one.grid)) for one in fits))
        paths = [row.path for row in rows if row.layout in fits]
        raise LayerError(
            f"attention here is between {tokens} tokens, and the layer has {'×'.join(map(str, grid))} "
            + (
                f"positions; choose a layer of {other} positions, such as layer={paths[-1]!r}"
                if paths
                else "positions: no layer of this model shows which of them the tokens are; choose a "
                "gradient method, such as GradCAM"
            )
        )
    lead, trail = (0, 0) if found is None else (found.prefix, found.suffix)
    weights, gradients = ([_fixed(one) for one in many] for many in (result.weights, result.gradients))
    return Attention(weights, grid, lead, trail, gradients, _fixed(result.read))


def _fixed(values: Any) -> np.ndarray:
    """Return an array that no method can write to, as all methods see the same one."""
    found = ops.to_numpy(values).view()
    found.flags.writeable = False
    return found
