"""A detection: a class and a box, of a head that gives both for many places (YOLO, RetinaNet, SSD)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.output import Head
from visioncam_core.errors import OptionTypeError, TargetError
from visioncam_core.images.box import Box as Edges
from visioncam_core.options.fields import option
from visioncam_core.text import brief, error_text


def _one_order(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse a bare tuple: nothing in it says which order its numbers have (an attrs validator)."""
    if value is None or isinstance(value, Edges):
        return
    example = ""
    if isinstance(value, tuple | list | np.ndarray) and len(value) == 4:
        a, b, c, d = value
        example = (
            f": {edges(a, b, c, d)} where it is (left, top, right, bottom), or {edges(b, a, d, c)} where it "
            "is (top, left, bottom, right), as it was read before"
        )
    raise OptionTypeError(
        f"option 'box' of Box takes visioncam.geometry.Box(left=, top=, right=, bottom=), received "
        f"{brief(value)} ({type(value).__name__}){example}"
    )


def edges(left: Any, top: Any, right: Any, bottom: Any) -> str:
    """Return how a box is written."""
    return f"Box(left={left}, top={top}, right={right}, bottom={bottom})"


@attrs.frozen(eq=False)
class Box:
    """A detected object: the probability of its class times the overlap with a box.

    For an output (N, ..., V) with V values at each place: a box, perhaps an objectness, and a value for each
    class.  The place is the best one on the clean picture and stays fixed.  The score there is
    `p(class) * p(object) * IoU(predicted box, box)`, as in D-RISE, whose maximum over places it is on the
    clean picture.

    Attributes:
        class_: class index, counted from `start`.
        box: a `visioncam.geometry.Box` in the units of the predicted boxes; None for the box that the model
            itself predicts where it is surest of the class (its overlap then takes no part in gradients).
        decode: (b, P, 4) tensor of the first four values at P places -> corners in the order of
            `box_format`; None where they are the corners themselves.
        start: position of the first class among the values.
        objectness: position of the objectness among the values, or None.
        box_format: the order of the model's corners: "yxyx" (top, left, bottom, right) or "xyxy" (left, top,
            right, bottom).
        activation: "sigmoid" for class values that are logits, "none" for probabilities.

    References:
        Petsiuk et al. 2021, arXiv:2006.03204.
    """

    binds_tensors: ClassVar[bool] = True  # `decode` takes the framework's own

    class_: int = option(attrs.NOTHING, help="class index")
    box: Any = option(None, help="a geometry.Box, or None for the most confident one", validator=_one_order)
    decode: Callable[[Any], Any] | None = option(None, help="turns the four box values into corners")
    start: int = option(4, help="position of the first class")
    objectness: int | None = option(None, help="position of the objectness, or None")
    activation: Literal["sigmoid", "none"] = option("sigmoid", help="what turns values into probabilities")
    box_format: Literal["xyxy", "yxyx"] = option("yxyx", help="order of the model's corners")

    def __attrs_post_init__(self) -> None:
        """Raise an error where `box` is empty."""
        box = self.box
        if box is not None and not (np.isfinite(self._corners).all() and box.width > 0 and box.height > 0):
            raise TargetError(f"box={box} is empty; left < right and top < bottom must hold")

    @property
    def _corners(self) -> np.ndarray:
        """The box, (4,) float32 in the order of the model's own."""
        one = self.box
        x, y = (one.left, one.right), (one.top, one.bottom)
        first, second = (x, y) if self.box_format == "xyxy" else (y, x)
        return np.asarray((first[0], second[0], first[1], second[1]), np.float32)

    def resolve(self, head: Head) -> Box:
        """Return the target, checked against the explained output."""
        count = head.classes - self.start
        if not head.dense or count < 1:
            raise TargetError(
                f"Box() needs an output with a box and classes at many positions, (N, ..., {self.start} + "
                "classes); join them with keras.layers.Concatenate if the model outputs them separately"
            )
        if not 0 <= self.class_ < count:
            raise TargetError(
                f"class index {brief(self.class_)} is out of range: the output has {count} after its first "
                f"{self.start} values, 0 to {count - 1}"
            )
        return self

    def bind(self, values: Any) -> Callable[[Any], Any]:
        """Return the target with its place fixed on one clean picture's (1, ..., V) values."""
        sure, corners = (ops.to_numpy(one)[0] for one in self._read(values))
        own = self.box is None
        overlaps = np.ones(len(sure)) if own else ops.to_numpy(_iou(corners, self._corners))
        place = int(np.argmax(sure * overlaps))
        if not overlaps[place] > 0:
            raise TargetError(
                f"no box that the model predicts overlaps box={self.box}; check its units, the order of the "
                f"model's corners (box_format={self.box_format!r}), or pass decode="
            )
        goal = corners[place] if own else self._corners

        def similarity(changed: Any) -> Any:
            sure, corners = self._read(changed)
            overlap = _iou(corners[:, place], ops.like(goal, corners))
            return sure[:, place] * (ops.stop_gradient(overlap) if own else overlap)

        return similarity

    def _read(self, values: Any) -> tuple[Any, Any]:
        """Return (b, P) probabilities and (b, P, 4) corners of (b, ..., V) values."""
        values = ops.backend(values).reshape(values, (int(values.shape[0]), -1, int(values.shape[-1])))
        squash = ops.sigmoid if self.activation == "sigmoid" else (lambda x: x)
        sure = squash(values[..., self.start + self.class_])
        if self.objectness is not None:
            sure = sure * squash(values[..., self.objectness])
        corners = values[..., :4]
        if self.decode is None:
            return sure, corners
        try:
            decoded = ops.as_array(self.decode(corners))
        except Exception as error:
            raise TargetError(f"decode failed on {tuple(corners.shape)}: {error_text(error)}") from error
        if tuple(decoded.shape) != tuple(corners.shape):
            raise TargetError(
                f"decode turned {tuple(corners.shape)} into {tuple(decoded.shape)}; it must return the "
                "corners of as many boxes"
            )
        return sure, decoded

    def label(self) -> str:
        """Return how the target reads in a title."""
        return f"class {self.class_} in a box"


def _iou(corners: Any, box: Any) -> Any:
    """Return the intersection over union of (..., 4) corners with one box of the same order."""
    xp = ops.backend(corners)
    maximum, minimum = xp.maximum, xp.minimum
    low_0, low_1 = maximum(corners[..., 0], box[0]), maximum(corners[..., 1], box[1])
    high_0, high_1 = minimum(corners[..., 2], box[2]), minimum(corners[..., 3], box[3])
    both = maximum(high_0 - low_0, 0.0) * maximum(high_1 - low_1, 0.0)
    area = maximum(corners[..., 2] - corners[..., 0], 0.0) * maximum(corners[..., 3] - corners[..., 1], 0.0)
    return both / (area + (box[2] - box[0]) * (box[3] - box[1]) - both + 1e-9)
