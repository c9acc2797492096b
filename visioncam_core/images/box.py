"""A box in pixel edges: the one class for every box that goes in or out."""

from __future__ import annotations

from numbers import Real

import attrs
import numpy as np

from visioncam_core.errors import OptionTypeError
from visioncam_core.text import brief


def _number(instance: object, attribute: attrs.Attribute[float], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise OptionTypeError(f"{attribute.name} of a Box must be a number, received {brief(value, 40)}")


@attrs.frozen(kw_only=True)
class Box:
    """A box in pixel edges, counted from the upper left corner of the picture.

    It is half open: it ends before `right` and `bottom`, so that a box around the first pixel is
    `Box(left=0, top=0, right=1, bottom=1)`.

    Attributes:
        left: first column in it.
        top: first row in it.
        right: the column after its last.
        bottom: the row after its last.
    """

    left: float = attrs.field(validator=_number)
    top: float = attrs.field(validator=_number)
    right: float = attrs.field(validator=_number)
    bottom: float = attrs.field(validator=_number)

    @classmethod
    def around(cls, mask: np.ndarray) -> Box:
        """Return the box around a mask (H, W) with at least one pixel."""
        rows, columns = np.flatnonzero(mask.any(1)).tolist(), np.flatnonzero(mask.any(0)).tolist()
        return Box(left=columns[0], top=rows[0], right=columns[-1] + 1, bottom=rows[-1] + 1)

    @property
    def width(self) -> float:
        """Pixels across."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    def iou(self, other: Box) -> float:
        """Return the intersection over union with another box, 0 to 1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        both = max(width, 0) * max(height, 0)
        union = self.width * self.height + other.width * other.height - both
        return both / union if union > 0 else 0.0
