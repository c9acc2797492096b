"""Many in one: what the user passes for several inputs, parted; the rows beside the picture; data sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from visioncam_core.engine.model_inputs import ModelInput, ModelInputs
from visioncam_core.errors import ImageError, ImageTypeError
from visioncam_core.images.arrays import as_array, as_input, check_shape, input_name
from visioncam_core.text import brief, listing


def parts_of(images: Any, inputs: ModelInputs) -> list[Any]:
    """Return what was passed for each input, in flat order, from a list in that order or a mapping by name.

    Raises:
        ImageError: other names, or another number of them.
        ImageTypeError: not a list, tuple or mapping.
    """
    names = [one.name for one in inputs.inputs]
    structure = inputs.structure
    if isinstance(images, Mapping):
        keys = [str(key) for key in structure] if isinstance(structure, Mapping) else names
        given = {str(key): value for key, value in images.items()}
        if len(keys) == len(given) == 1 and not isinstance(structure, Mapping):
            return list(given.values())
        if set(given) != set(keys):
            takes = "one input" if len(keys) == 1 else f"the inputs {listing(keys)}"
            raise ImageError(
                f"the model takes {takes}, received {listing(sorted(given))}; pass each by its name"
            )
        if isinstance(structure, Mapping):
            order = {str(key): structure[key] for key in structure}
            return [given[key] for key in sorted(keys, key=lambda key: order[key])]
        return [given[key] for key in keys]
    takes = f"the model takes {len(names)} inputs, {listing(names)}"
    if not isinstance(images, list | tuple):
        kind = type(images).__name__
        raise ImageTypeError(
            f"{takes}; pass a list or dict of them, received {brief(images, 40)} of type {kind}"
        )
    if len(images) != len(names):
        raise ImageError(f"{takes}, but received {len(images)}; pass one for each, in this order")
    return list(images)


def rows_of(part: Any, model_input: ModelInput, count: int, single: bool, channels_first: bool) -> np.ndarray:
    """Return the (count, ...) rows of an input that is not the picture.

    Args:
        part: an array with a row for each picture, or with a single picture the one row itself.
        model_input: the input.
        count: number of pictures.
        single: whether one picture was passed without a batch axis.
        channels_first: whether the model's images are (K, *space).

    Raises:
        ImageError: another number of rows, another shape, or NaN and infinite values.
        ImageTypeError: no array of real numbers.
    """
    name = input_name(model_input)
    kinds = f"{name} takes an array or a tensor"
    array = np.asarray(part) if isinstance(part, int | float) and single else as_array(part, kinds)
    rank = len(model_input.shape) if model_input.shape is not None else None
    if rank is not None and single and array.ndim in (rank, rank - 1) and (array.ndim or rank == 1):
        array = array.reshape(1, 1) if array.ndim == 0 else array[None]
    if rank is None and single and (array.ndim == 0 or len(array) != count):
        array = array[None]
    if array.ndim == 0 or len(array) != count:
        rows = f"{len(array)} row{_s(len(array))}" if array.ndim else "a single number"
        raise ImageError(f"{name} has {rows} for {count} picture{_s(count)}; pass one row for each")
    check_shape(array[0], model_input, channels_first)
    return as_input(array, model_input.dtype, name)


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def images_of(dataset: Any, rank: int) -> list[np.ndarray]:
    """Return all images of a dataset of images or batches, or of tuples that begin with them, one by one.

    Raises:
        ImageError: it is infinite or empty, or its elements do not have `rank` spatial axes.
        ImageTypeError: its elements are something else.
    """
    spec = dataset.element_spec
    first = isinstance(spec, tuple)
    spec = spec[0] if first and spec else spec
    shape = getattr(spec, "shape", None)
    if shape is None or isinstance(spec, dict | list | tuple):
        raise ImageTypeError(
            "the elements of a dataset must be images, or tuples that begin with them; received "
            f"{brief(spec, 90)}"
        )
    if int(dataset.cardinality()) == -1:
        raise ImageError("the dataset is infinite; end it, for example with dataset.take(1)")
    if shape.rank is not None and shape.rank not in (rank + 1, rank + 2):
        raise ImageError(
            f"the dataset's elements have shape {tuple(shape)}; images here have {rank + 1} axes, batches "
            f"{rank + 2}"
        )
    images: list[np.ndarray] = []
    for element in dataset:
        array = as_array(element[0] if first else element)
        images.extend(list(array) if array.ndim == rank + 2 else [array])
    if not images:
        raise ImageError("the dataset is empty; pass at least one image")
    return images
