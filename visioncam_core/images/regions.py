"""Regions of a picture: a grid of cells, superpixels, or the user's own labels, on the model's input."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import OptionError, OptionTypeError
from visioncam_core.options.validators import subject_of
from visioncam_core.text import brief

MOST = 4096
_NAMED = re.compile(r"(grid|slic):(\d{1,4})")


@attrs.frozen(eq=False)
class Regions:
    """Parts of a picture, none of which overlap.

    Attributes:
        labels: (*space) int32, the region of each pixel, from 0; -1 where none is, which is always kept.
        names: one a region.
        key: what they were made from, in words.
    """

    labels: np.ndarray
    names: tuple[str, ...]
    key: str

    @property
    def count(self) -> int:
        """Number of regions R."""
        return len(self.names)

    def spread(self, contributions: np.ndarray) -> np.ndarray:
        """Return (*space) values of each pixel's region, (R,); 0 where there is none."""
        return np.append(contributions, 0.0).astype(np.float32)[self.labels]


def regions_of(spec: Any, picture: np.ndarray, fitted: Callable[[np.ndarray], np.ndarray]) -> Regions:
    """Return the regions that `regions=` means.

    Args:
        spec: "grid:7" (7 cells along each axis), "slic:50" (about 50 superpixels), an integer array of labels
            on the user's own picture, or a mapping of names to masks there.
        picture: (*space, C) model input, channels last.
        fitted: brings labels from the user's picture to the input's pixels, -1 where there is no picture.

    Raises:
        OptionError: no such regions, fewer than two, or too many.
    """
    check_regions(spec, "regions=")
    space = picture.shape[:-1]
    if isinstance(spec, str):
        kind, _, count = spec.partition(":")
        regions = Regions(*(_grid if kind == "grid" else _superpixels)(int(count), picture), spec)
    else:
        labels, names = _labels(spec)
        labels = labels if labels.shape == space else fitted(labels)
        present = np.unique(labels[labels >= 0])
        number = np.full(int(labels.max(initial=0)) + 2, -1, np.int32)
        number[present] = np.arange(len(present))
        named_by = [names.get(int(one), f"region {int(one)}") for one in present]
        regions = Regions(number[labels], tuple(named_by), "own")
    if not 2 <= regions.count <= MOST:
        raise OptionError(
            f"regions={brief(spec)} makes {regions.count} region{'s' * (regions.count != 1)} of this picture "
            f"of {space}; pass 2 to {MOST}"
        )
    return regions


def _grid(count: int, picture: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    space = picture.shape[:-1]
    cells = [min(count, n) for n in space]
    labels = np.zeros(space, np.int32)
    for axis, (n, k) in enumerate(zip(space, cells, strict=True)):
        shape = [-1 if i == axis else 1 for i in range(len(space))]
        labels = labels * k + ((np.arange(n) * k) // n).astype(np.int32).reshape(shape)
    words = {1: ["part"], 2: ["row", "column"], 3: ["slice", "row", "column"]}[len(space)]
    names = [
        ", ".join(f"{word} {i + 1}" for word, i in zip(words, cell, strict=True))
        for cell in product(*map(range, cells))
    ]
    return labels, tuple(names)


def _superpixels(count: int, picture: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    try:
        from skimage.segmentation import slic
    except ImportError:
        raise OptionError(
            f"regions='slic:{count}' needs scikit-image, which is not installed: pip install scikit-image; "
            "regions='grid:7' needs nothing"
        ) from None
    low, high = float(picture.min()), float(picture.max())
    unit = (picture.astype(np.float32) - low) / max(high - low, 1e-12)
    labels = np.asarray(slic(unit, n_segments=count, start_label=0, channel_axis=-1), np.int32)
    return labels, tuple(f"superpixel {i + 1}" for i in range(int(labels.max()) + 1))


def _labels(spec: Any) -> tuple[np.ndarray, dict[int, str]]:
    """Return the labels that a user's array or masks are, and their names by label."""
    if isinstance(spec, Mapping) and spec:
        masks = [np.asarray(one, bool) for one in spec.values()]
        if len({one.shape for one in masks}) > 1 or np.sum(masks, axis=0).max(initial=0) > 1:
            raise OptionError("the masks in regions= must have one shape and must not overlap")
        labels = np.full(masks[0].shape, -1, np.int64)
        for number, mask in enumerate(masks):
            labels[mask] = number
        return labels, {i: str(name) for i, name in enumerate(spec)}
    return np.asarray(spec).astype(np.int64), {}


def check_regions(spec: Any, subject: str) -> None:
    """Raise an error that names `subject` unless `spec` is what `regions=` takes."""
    known = (
        f"{subject} must be 'grid:7', 'slic:50', an integer array of labels on your picture, or a dict of "
        f"names and masks; received {brief(spec)}"
    )
    if isinstance(spec, str):
        named = _NAMED.fullmatch(spec)
        if named is None or not 1 <= int(named[2]) <= MOST:
            raise OptionError(known)
    elif isinstance(spec, Mapping):
        if not spec or not all(hasattr(one, "shape") for one in spec.values()):
            raise OptionTypeError(known)
    else:
        kind = getattr(getattr(spec, "dtype", None), "kind", "")
        if kind not in ("i", "u", "b") or not spec.size or int(spec.max()) > 2**24:
            raise OptionTypeError(known)


def region_spec(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check, as a validator of an option, that it says what regions are."""
    check_regions(value, subject_of(instance, attribute))
