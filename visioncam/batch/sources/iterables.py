"""Images from Python: any iterable, or a `tf.data.Dataset`.  No picture stays longer than needed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sized
from typing import Any

import numpy as np

from visioncam.batch.entry import Entry, Source, bytes_mark, file_mark, unique_key
from visioncam_core.errors import ImageError
from visioncam_core.images.arrays import as_array, is_dataset


def read_iterable(images: Iterable[Any]) -> Source:
    """Return the images of an iterable; each is a path, an image, or a pair (name, image).

    Of a dataset's elements that are tuples, the first is the image; batches are split.
    Without a name the picture's number is its key, so a later run must bring the same order.
    """
    if is_dataset(images):
        size = int(images.cardinality())  # type: ignore[attr-defined]
        if size == -1:
            raise ImageError("the dataset is infinite; end it, for example with dataset.take(1000)")
        return Source(_number(_of_dataset(images)))
    total = len(images) if isinstance(images, Sized) else None
    return Source(_number(images), total)


def _of_dataset(dataset: Any) -> Iterator[Any]:
    for element in dataset:
        array = as_array(element[0] if isinstance(element, tuple | list) else element)
        if array.ndim == 4:
            yield from array
        else:
            yield array


def _number(images: Iterable[Any]) -> Iterator[Entry]:
    taken: set[str] = set()
    for number, image in enumerate(images):
        key = f"{number:09d}"
        if isinstance(image, tuple) and len(image) == 2 and isinstance(image[0], str):
            key, image = image
        elif isinstance(image, str | os.PathLike):
            key = os.path.basename(os.fspath(image))
        yield Entry(unique_key(key, taken), image, _mark(image))


def _mark(image: Any) -> str:
    if isinstance(image, str | os.PathLike):
        return file_mark(os.fspath(image))
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes_mark(bytes(image))
    try:
        array = np.asarray(image)
        head = f"{array.dtype} {array.shape}".encode()
        return bytes_mark(head + np.ascontiguousarray(array).tobytes())
    except Exception:  # the error comes when its turn comes
        return f"unreadable {type(image).__name__}"
