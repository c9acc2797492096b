"""A class over a part of a dense output: segmentation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.output import Head
from visioncam_core.errors import TargetError, TargetTypeError
from visioncam_core.options.fields import option
from visioncam_core.targets.class_names import check_index, find_class
from visioncam_core.text import brief

WORDS = ("predicted", "all")


@attrs.frozen(eq=False)
class Region:
    """A class over a part of a dense output (segmentation): its mean logit there.

    Attributes:
        class_: class index or name; 0 for an output with a single value at every position.
        where: "predicted" (the positions where the model predicts the class, frozen on the clean picture),
            "all", a mask of the output's positions, a box (top, left, bottom, right) or a point
            (row, column), both in the output's positions.
        middle: what a single value must exceed to be a prediction; found by `resolve`.
    """

    class_: int | str = option(attrs.NOTHING, help="class index or name")
    where: Any = option("predicted", help="'predicted', 'all', a mask, a box or a point")
    middle: float = option(0.0, help="what a single value must exceed to be a prediction")

    def __attrs_post_init__(self) -> None:
        """Raise an error where `where` is none of its kinds."""
        if isinstance(self.where, str) and self.where not in WORDS:
            raise TargetError(
                f"where={brief(self.where, 60)} is not understood; pass 'predicted', 'all', a mask, a box or "
                "a point"
            )

    @classmethod
    def of_top(cls, values: np.ndarray, head: Head) -> Region:
        """Return the most frequent class where it is predicted; everywhere if one value finds nothing."""
        values = np.asarray(values)
        index = int(np.bincount(values[0].argmax(-1).reshape(-1)).argmax())
        nothing = values.shape[-1] == 1 and not (values > head.middle).any()
        return cls(index, "all" if nothing else "predicted", head.middle)

    def resolve(self, head: Head) -> Region:
        """Return the target with its class as an index, checked against the explained output."""
        if not head.dense:
            raise TargetError(
                "Region() needs an output with a value for every position (segmentation), and the explained "
                f"output has {head.classes} in all; pass a class index"
            )
        head.check_classes()
        index = find_class(self.class_, head.known) if isinstance(self.class_, str) else self.class_
        check_index(index, head.classes)
        return Region(index, self.where, head.middle)

    def bind(self, values: Any) -> Callable[[Any], Any]:
        """Return the target with its mask fixed on one clean picture's (1, *space, C) values."""
        mask = self._mask(np.asarray(values)[0])

        def mean_there(changed: Any) -> Any:
            chosen = changed[..., self.class_] * ops.like(mask[None], changed)
            total = ops.backend(chosen).sum(chosen, axis=tuple(range(1, len(chosen.shape))))
            return total / float(mask.sum())

        return mean_there

    def _mask(self, values: np.ndarray) -> np.ndarray:
        """Return the float32 mask of the positions, (*space)."""
        space = values.shape[:-1]
        if isinstance(self.where, str):
            if self.where == "all":
                return np.ones(space, np.float32)
            single = values.shape[-1] == 1
            predicted = values[..., 0] > self.middle if single else values.argmax(-1) == self.class_
            if not predicted.any():
                raise TargetError(
                    f"the model predicts class {self.class_} nowhere in this picture; pass where='all', a "
                    "mask or a box"
                )
            return predicted.astype(np.float32)
        area = _numbers(self.where)
        if area.shape == space:
            mask = (area != 0).astype(np.float32)
        elif area.shape in ((len(space),), (2 * len(space),)):
            mask = _box(area, space)
        else:
            raise TargetError(
                f"where has shape {area.shape}; pass a mask of the output's shape {space}, a box of "
                f"{2 * len(space)} numbers or a point of {len(space)}"
            )
        if not mask.any():
            raise TargetError(f"where={brief(self.where, 60)} covers no position of the output's {space}")
        return mask

    def label(self) -> str:
        """Return how the target reads in a title."""
        return f"class {self.class_} in a region"


def _numbers(where: Any) -> np.ndarray:
    """Return a mask, box or point as an array of real numbers."""
    try:
        area = ops.to_numpy(where)
    except (TypeError, ValueError) as error:
        raise TargetTypeError(
            f"where={brief(where, 60)} is not a mask, box or point: its rows differ"
        ) from error
    if area.dtype.kind not in "biuf" or (area.dtype.kind == "f" and not np.all(np.isfinite(area))):
        raise TargetTypeError(
            f"where={brief(where, 60)} is not a mask, box or point; pass finite numbers, or 'predicted' or "
            "'all'"
        )
    return area


def _box(area: np.ndarray, space: tuple[int, ...]) -> np.ndarray:
    """Return the mask of a box (top, left, bottom, right), the last two beyond it, or of a point."""
    rank = len(space)
    whole = area.astype(np.int64)
    if area.dtype.kind == "b" or (whole != area).any():
        raise TargetTypeError(f"a box or point must be whole numbers, received where={area.tolist()}")
    start, stop = (whole, whole + 1) if len(whole) == rank else (whole[:rank], whole[rank:])
    if (start < 0).any() or (stop > space).any() or (start >= stop).any():
        form = "(row, column)" if len(whole) == rank else "(top, left, bottom, right)"
        raise TargetError(
            f"where={whole.tolist()} does not lie in the output's positions {space}; it is {form}, counted "
            "from 0"
        )
    mask = np.zeros(space, np.float32)
    mask[tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))] = 1.0
    return mask
