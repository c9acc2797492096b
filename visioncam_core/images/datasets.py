"""A `tf.data.Dataset` as images: batches or single ones, alone or with labels behind them."""

from __future__ import annotations

from typing import Any

import numpy as np

from visioncam_core.errors import ImageError, ImageTypeError
from visioncam_core.images.arrays import as_array
from visioncam_core.text import shown


def is_dataset(value: Any) -> bool:
    """Return whether a value is a `tf.data.Dataset`, without importing TensorFlow."""
    return hasattr(value, "element_spec") and hasattr(value, "cardinality") and hasattr(value, "batch")


def images_of(dataset: Any, rank: int) -> list[np.ndarray]:
    """Return all images of a dataset, one by one.

    Args:
        dataset: its elements are images or batches, or tuples that begin with them (labels are left out).
        rank: number of spatial axes of the model's image input.

    Raises:
        ImageError: it is infinite or empty, or its elements are of another rank.
        ImageTypeError: its elements are something else.
    """
    spec = dataset.element_spec
    first = isinstance(spec, tuple)
    spec = spec[0] if first and spec else spec
    shape = getattr(spec, "shape", None)
    if shape is None or isinstance(spec, dict | list | tuple):
        raise ImageTypeError(
            "the elements of a dataset must be images, or tuples that begin with them; received "
            f"{shown(spec, 90)}"
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
