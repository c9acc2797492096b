"""Pictures that go through the model together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.interface import Engine, Traced, View
from visioncam_core.engine.layer_table import LayerChoice, input_row
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.output import Head
from visioncam_core.engine.records import Note
from visioncam_core.errors import LayerError
from visioncam_core.images.arrays import input_dtype
from visioncam_core.images.preprocessing import Preprocessing
from visioncam_core.images.sample import Sample
from visioncam_core.pipeline.apply import Method
from visioncam_core.pipeline.request import Request

THE_PICTURE = "the picture as the model receives it"


@attrs.frozen(eq=False)
class Batch:
    """Items of one input shape, with the model traced for them.

    Attributes:
        engine: runs the model.
        request: methods and settings.
        samples: the pictures, or windows of pictures.
        pictures: for each sample the position of its picture in the call.
        arrays: their inputs, in the model's flat order.
        flat: the same as the framework's own, on its device.
        view: the traced model.
        layers: the layer, or the several that are fused.
        image: the input that is the picture these layers depend on.
        head: the explained output.
        preprocessing: what was done to pictures.
        expected: what the model itself seems to want, for the range check.
        versions: of what makes the maps.
        mixes: how far the answers for a picture move with another one in the batch, where that matters.
        notes: what was given up to trace the model, and what comparing the trace with it has found.
        on: where the maps of the methods at work lie, "layer" or "input".
    """

    engine: Engine
    request: Request
    samples: list[Sample]
    pictures: list[int]
    arrays: list[np.ndarray]
    flat: list[Any]
    view: View
    layers: list[LayerChoice]
    image: int
    head: Head
    preprocessing: Preprocessing
    expected: Preprocessing
    versions: dict[str, Any]
    mixes: float = 0.0
    notes: Sequence[Note] = ()
    on: str = "layer"

    @property
    def methods(self) -> list[tuple[int, Method]]:
        """The methods at work here, with their positions in the request.

        Where no layer is looked at, those that are refused one have their place at the picture.
        """
        layers = self.request.looks_at_layers()
        return [
            (m, one)
            for m, one in enumerate(self.request.methods)
            if (one.on if layers else "input") == self.on
        ]

    def places(self) -> Iterator[tuple[int, Batch]]:
        """Yield the position of each layer with the batch for it; last, or without methods, the picture."""
        if self.methods:
            yield from ((i, attrs.evolve(self, layers=[one])) for i, one in enumerate(self.layers))
        there = attrs.evolve(self, on="input")
        if there.methods or not self.request.methods:
            shape = tuple(int(n) for n in self.flat[self.image].shape[1:])
            row = input_row(shape, self.image, self.view.channels_first)
            yield 0, attrs.evolve(there, layers=[LayerChoice(row, THE_PICTURE)])

    @property
    def space(self) -> int:
        """Number of spatial axes of what was passed in; a row of a table counts as one."""
        return max(1, len(self.flat[self.image].shape) - 2)


def split(samples: Iterable[Sample], size: int) -> Iterator[tuple[list[int], list[Sample]]]:
    """Yield runs of samples of equal input shapes, at most `size` long, with the numbers of their pictures.

    A picture that is explained in windows gives a sample for each window.
    """
    pictures: list[int] = []
    run: list[Sample] = []
    for picture, sample in ((i, part) for i, one in enumerate(samples) for part in one.parts()):
        shapes = [x.shape for x in sample.flat]
        if run and (len(run) == size or shapes != [x.shape for x in run[0].flat]):
            yield pictures, run
            pictures, run = [], []
        pictures.append(picture)
        run.append(sample)
    if run:
        yield pictures, run


def mixing(engine: Engine, traced: Traced, flat: list[Any]) -> float:
    """Return how far the answers for a picture move when another one is in its batch; 0 but for rounding.

    The difference is a share of the largest value: the first picture and its own mirror image at half the
    brightness go through the model alone and together.
    """
    first = [ops.to_numpy(x[:1]) for x in flat]
    other = [_another(x) for x in first]
    both = [np.concatenate(pair) for pair in zip(first, other, strict=True)]
    errors: tuple[type[BaseException], ...] = (MemoryError, *engine.errors)
    try:
        # The first one twice: what draws at random differs from itself.
        runs = [
            [ops.to_numpy(one) for one in traced.answers(engine.tensors(x))]
            for x in (both, first, other, first)
        ]
    except errors:  # two do not fit into memory, or are no input
        return 0.0
    together, one, two, again = runs
    off = max(_off(one, [x[:1] for x in together]), _off(two, [x[1:2] for x in together]))
    return off if off > traced.tolerance >= _off(one, again) else 0.0


def _another(x: np.ndarray) -> np.ndarray:
    """Return another input: mirrored, at half the size; whole numbers, which may be tokens, one off."""
    if x.dtype.kind in "iu":
        return np.flip(x) ^ 1
    return (np.flip(x) / 2 if x.any() else x + 1).astype(x.dtype) if x.dtype.kind == "f" else x


def _off(alone: list[np.ndarray], together: list[np.ndarray]) -> float:
    if [one.shape for one in alone] != [one.shape for one in together]:
        return 1.0
    sizes = [max(float(np.abs(one).max(initial=0.0)), 1e-30) for one in alone]
    with np.errstate(all="ignore"):
        shares = [
            float(np.abs(a.astype(np.float64) - b).max(initial=0.0)) / size
            for a, b, size in zip(alone, together, sizes, strict=True)
        ]
    return float(np.nan_to_num(max(shares, default=0.0)))


def joined_inputs(samples: Iterable[Sample]) -> list[np.ndarray]:
    columns = zip(*(sample.flat for sample in samples), strict=True)
    return [column[0] if len(column) == 1 else _joined(column) for column in columns]


def _joined(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Return arrays (1, ...) as one; without a copy where they are all rows of an array, in order."""
    base = rows[0].base
    if isinstance(base, np.ndarray) and base.shape == (len(rows), *rows[0].shape[1:]):
        start, step = base.__array_interface__["data"][0], base.strides[0]
        places = [one.__array_interface__["data"][0] for one in rows]
        if base.dtype == rows[0].dtype and places == [start + i * step for i in range(len(rows))]:
            return base
    return np.concatenate(rows)


def blank_inputs(inputs: ModelInputs) -> list[np.ndarray]:
    """Return blank inputs of batch 1; open axes are 224 long."""
    unknown = (3, 224, 224) if inputs.channels_first else (224, 224, 3)
    shapes = [one.shape if one.shape is not None else unknown for one in inputs.inputs]
    return [
        np.zeros([1, *(224 if n is None else n for n in shape)], input_dtype(one.dtype))
        for shape, one in zip(shapes, inputs.inputs, strict=True)
    ]


def picture_of(layers: Sequence[LayerChoice], inputs: ModelInputs) -> int:
    """Return the input that all layers depend on: the image input where they do, else another picture.

    Raises:
        LayerError: they depend on different pictures.
    """
    shared = [i for i in inputs.images if all(i in choice.row.inputs for choice in layers)]
    if not shared:
        paths = ", ".join(choice.path for choice in layers)
        raise LayerError(f"the layers {paths} belong to different pictures; explain them one at a time")
    return inputs.image if inputs.image in shared else shared[0]
