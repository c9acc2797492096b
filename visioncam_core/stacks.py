"""A stack of explanations: the model's best classes for each picture, best first (`target="top5"`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from visioncam_core.errors import TargetError
from visioncam_core.inputs import Read
from visioncam_core.names import shown
from visioncam_core.targets import Ranked

if TYPE_CHECKING:
    from visioncam_core.explanation import Explanation

MOST = 5


def stack_size(target: Any, names: tuple[str, ...] | None) -> int:
    """Return how many classes a target such as `"top5"` asks for; 0 for every other target.

    Args:
        target: any target.
        names: class names; one that is called "top5" is that class.

    Raises:
        TargetError: none, or more than five.
    """
    if not isinstance(target, str) or target in (names or ()) or not re.fullmatch(r"top\d+", target):
        return 0
    size = int(target[3:5])
    if len(target) > 5 or not 1 <= size <= MOST:
        raise TargetError(
            f"target={shown(target, 40)} is out of range: a stack holds the best 1 to {MOST} classes, 'top1' "
            f"to 'top{MOST}'; targets.Ranked(n) is a single class further down"
        )
    return size


def stacked(explainer: Any, image: Any, size: int) -> list[Explanation] | list[list[Explanation]]:
    """Return explanations of the best classes, best first; pictures are read once.

    Args:
        explainer: an `Explainer`, which asks the model.
        image: as in `visioncam.explain`.
        size: how many; a model with fewer classes gives as many as it has.

    Returns:
        A list of explanations for one image; a list of such lists for a batch or list.

    Raises:
        TargetError: the output is no list of classes.
    """
    if len(explainer.inputs.inputs) == 1:  # of several inputs the layer decides which is the picture
        image = Read(*explainer.reader.read(image))
    first = explainer(image, Ranked(0))
    single = not isinstance(first, list)
    count = min(size, len((first if single else first[0]).predictions))
    columns = [first, *(explainer(image, Ranked(rank)) for rank in range(1, count))]
    return columns if single else [list(stack) for stack in zip(*columns, strict=True)]
