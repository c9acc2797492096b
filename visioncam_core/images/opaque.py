"""A picture made ready by a function that can only be called: where its parts come to lie is not known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.images.arrays import as_input, check_shape
from visioncam_core.images.decode import match_channels
from visioncam_core.images.geometry import Resize
from visioncam_core.images.sample import Sample, base_name
from visioncam_core.images.values import Picture

_NOTE = (
    "preprocess= was called as it is; which part of the picture it shows the model is unknown, so the map "
    "is spread over the whole picture"
)


def as_called(function: Callable[[np.ndarray], np.ndarray], picture: Picture, inputs: ModelInputs) -> Sample:
    """Return the sample of a picture that `function` makes ready, see `Reader.whole`."""
    model_input = inputs.inputs[inputs.image]
    values = function(match_channels(picture.pixels, 3))
    fitted = Resize()((picture.pixels.shape[0], picture.pixels.shape[1]), (values.shape[0], values.shape[1]))
    values = np.moveaxis(values, -1, 0) if inputs.channels_first else values
    check_shape(values, model_input, inputs.channels_first)
    flat = as_input(values, model_input.dtype, f"the preprocessed picture {base_name(picture.source)!r}")[
        None
    ]
    rounded = () if picture.values is None else ("rounded to 8 bits, which is what preprocess= takes",)
    return Sample.of(picture, (flat,), fitted, notes=(*picture.notes, *rounded, _NOTE))
