"""Layers as data: the table of what a model computes, and the choice of one row to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import attrs

from visioncam_core.resize import STRETCHED, Placement

MAX_STRIDE_RATIO = 1.6


def even(stride: tuple[float, ...]) -> bool:
    """Whether the strides are at least 1 and alike over the axes; for selectors of one's own.

    The first axis of three may differ: time and depth are often pooled less than the plane.
    """
    plane = stride[-2:] if len(stride) > 2 else stride
    return min(stride) >= 0.99 and max(plane) / min(plane) < MAX_STRIDE_RATIO


@attrs.frozen
class Layout:
    """How a layer's output becomes `(N, *grid, K)`.

    Attributes:
        kind: "grid" (it is already), "channels_first", "tokens" (`(N, T, K)` with tokens before or behind
            that are no part of the picture), "columns" (one or more axes of the picture are gone: positions
            are rows, columns, slices or frames), "heads" (channels lie in several axes), "moved" (the axes
            are in another order), or "custom" (the user's `reshape=`).
        grid: lengths of the spatial axes, one to three of them; 1 for an axis of the picture that is gone.
        channels: K.
        prefix: number of leading tokens left out (class token, registers).
        suffix: number of tokens left out behind.
        split: lengths that the axes behind the batch are first cut into; () where nothing is moved.
        order: places in `split` of the spatial axes, then of the channels.
        axis: of the output, the batch included, that has the tokens left out.
    """

    kind: str
    grid: tuple[int, ...]
    channels: int
    prefix: int = 0
    suffix: int = 0
    split: tuple[int, ...] = ()
    order: tuple[int, ...] = ()
    axis: int = 1

    @property
    def positions(self) -> int:
        """Number of positions Z."""
        return prod(self.grid)


@attrs.frozen
class LayerRow:
    """One output of one unit of the model.

    Attributes:
        path: unique name, such as `backbone/stage4/conv`, `conv#1` (second call), `lstm:0` (first output).
        bare: the path without call number and output key.
        kind: class name of the unit.
        shape: output shape without the batch axis.
        layout: how it becomes a grid, or None where there is no space in it.
        stride: input pixels per position, one an axis; () without a layout.
        inputs: positions of the model's inputs it depends on.
        reaches_score: whether the explained score depends on it.
        is_score: it is the logits, or computed from them.
        refused: why it cannot be explained, or "".
        index: position among the candidates, or None where it is none.
        projects: it cuts the picture into patches, as before tokens.
        copy_of: path of the row it merely hands on (a model around its last layer, a dropout), or "".
        guessed: the layout is what the shape suggests, as the graph does not tell where positions lie; the
            table's `refusal` asks the model.
        raw: it is the input, or what another row holds, in another shape or order.
        ends: the output is dense, and positions of this row are none of the output's, as attention's keys.
        feeds: it is made by weights for a product of activations: attention's queries, keys and values, alone
            or side by side, which are a layer before them in other words.
        stops: the score depends on it by whole numbers or stopped gradients alone, as on where a detector
            looks.
        is_input: it is the picture itself, as the model receives it; see `input_row`.
    """

    path: str
    bare: str
    kind: str
    shape: tuple[int, ...]
    layout: Layout | None
    stride: tuple[float, ...]
    inputs: tuple[int, ...]
    reaches_score: bool
    is_score: bool = False
    refused: str = ""
    index: int | None = None
    projects: bool = False
    copy_of: str = ""
    guessed: bool = False
    raw: bool = False
    ends: bool = False
    feeds: bool = False
    stops: bool = False
    is_input: bool = False

    @property
    def grid(self) -> tuple[int, ...]:
        """Lengths of the spatial axes; () where there are none."""
        return self.layout.grid if self.layout else ()


def input_row(shape: tuple[int, ...], image: int, channels_first: bool) -> LayerRow:
    """Return the row that the picture itself is; it is in no table.

    Args:
        shape: of the image input, without the batch.
        image: its position among the model's inputs.
        channels_first: whether it is (K, *space).
    """
    *space, channels = (*shape[1:], shape[0]) if channels_first else shape
    kind = "channels_first" if channels_first else "grid"
    return LayerRow(
        "input", "input", "Input", shape, Layout(kind, tuple(space), channels), (1.0,) * len(space), (image,),
        reaches_score=True, is_input=True,
    )  # fmt: skip


@attrs.frozen(eq=False)
class LayerTable:
    """Everything a layer selector may look at.

    Attributes:
        rows: every recorded output in call order.
        image_shape: lengths of the image input's spatial axes.
        image: position of the image input among the model's inputs.
        dense: whether the explained output has a value for every position (segmentation).
        output: name of the explained output.
        units: path -> the unit itself, for queries by layer object; empty in a saved table.
        token_support: given token rows, the share of patch tokens that receive a gradient, for each.
        around: of a row, the share of the evidence that reaches the score by ways around it, on noise.
        refusal: of a row whose layout is guessed, why it is wrong, or "": whether each position depends on
            its own part of the picture.
        placement: where the positions of a row lie on the input: by the name of a placement.
        model_name: the model's name, for messages.
        none: why there is no layer, where more is known than that; or "".
    """

    rows: tuple[LayerRow, ...]
    image_shape: tuple[int, ...]
    image: int = 0
    dense: bool = False
    output: str = ""
    units: Callable[[], dict[str, Any]] = attrs.field(default=dict, repr=False)
    token_support: Callable[[Sequence[LayerRow]], list[float]] = attrs.field(
        default=lambda rows: [1.0] * len(rows), repr=False
    )
    around: Callable[[LayerRow], float] = attrs.field(default=lambda row: 0.0, repr=False)
    refusal: Callable[[LayerRow], str] = attrs.field(default=lambda row: "", repr=False)
    placement: Callable[[LayerRow, str], Placement] = attrs.field(
        default=lambda row, name: STRETCHED, repr=False
    )
    model_name: str = "model"
    none: str = ""

    @property
    def candidates(self) -> tuple[LayerRow, ...]:
        """The rows that can be explained, in call order; layer indices count these."""
        return tuple(row for row in self.rows if row.index is not None)

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.candidates)

    def __iter__(self) -> Iterator[LayerRow]:
        """Iterate over the candidates."""
        return iter(self.candidates)


@attrs.frozen
class LayerChoice:
    """The layer that is looked at, and why.

    Attributes:
        row: the chosen row of the table.
        why: one sentence for the reader of the map.
        placement: where its positions lie on the model's input.
    """

    row: LayerRow
    why: str
    placement: Placement = STRETCHED

    @property
    def path(self) -> str:
        """Unique path of the layer."""
        return self.row.path

    @property
    def grid(self) -> tuple[int, ...]:
        """Lengths of the layer's spatial axes."""
        return self.row.grid

    @property
    def shape(self) -> tuple[int, ...]:
        """Output shape without the batch axis."""
        return self.row.shape

    def __str__(self) -> str:
        """Return the path."""
        return self.path


def input_space(layer: LayerChoice) -> tuple[int, ...]:
    """Return the lengths of the input's axes along which a layer's positions lie."""
    return tuple(round(n * step) for n, step in zip(layer.grid, layer.row.stride, strict=True))
