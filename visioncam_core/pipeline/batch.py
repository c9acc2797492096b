"""Pictures that go through the model together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.interface import Engine, View
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.output import Head
from visioncam_core.engine.records import Note
from visioncam_core.images.arrays import input_dtype
from visioncam_core.images.preprocessing import Preprocessing
from visioncam_core.images.sample import Sample
from visioncam_core.pipeline.request import Request


@attrs.frozen(eq=False)
class Batch:
    """Items of one input shape, with the model traced for them.

    Attributes:
        engine: runs the model.
        request: methods and settings.
        samples: the pictures, or windows of pictures.
        pictures: for each sample the position of its picture in the call.
        flat: their inputs, in the model's flat order.
        view: the traced model.
        layers: the layer, or the several that are fused.
        image: the input that is the picture these layers depend on.
        head: the explained output.
        preprocessing: what was done to pictures.
        expected: what the model itself seems to want, for the range check.
        versions: of what makes the maps.
        notes: what comparing the trace with the model has found.
    """

    engine: Engine
    request: Request
    samples: list[Sample]
    pictures: list[int]
    flat: list[Any]
    view: View
    layers: list[LayerChoice]
    image: int
    head: Head
    preprocessing: Preprocessing
    expected: Preprocessing
    versions: dict[str, Any]
    notes: Sequence[Note] = ()


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


def joined_inputs(samples: Iterable[Sample]) -> list[np.ndarray]:
    columns = zip(*(sample.flat for sample in samples), strict=True)
    return [column[0] if len(column) == 1 else np.concatenate(column) for column in columns]


def blank_inputs(inputs: ModelInputs) -> list[np.ndarray]:
    """Return blank inputs of batch 1; open axes are 224 long."""
    shapes = [one.shape if one.shape is not None else (224, 224, 3) for one in inputs.inputs]
    return [
        np.zeros([1, *(224 if n is None else n for n in shape)], input_dtype(one.dtype))
        for shape, one in zip(shapes, inputs.inputs, strict=True)
    ]
