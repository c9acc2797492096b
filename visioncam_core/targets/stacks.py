"""A stack of explanations: the model's best classes for each picture, best first (`target="top5"`)."""

from __future__ import annotations

import re
from typing import Any

from visioncam_core.errors import TargetError
from visioncam_core.targets.classes import Ranked
from visioncam_core.targets.resolve import Head, Wish, wishes
from visioncam_core.text import shown

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


def questions(target: Any, size: int, count: int, head: Head) -> list[list[Wish]]:
    """Return what is asked of each of `count` pictures: once, or once for each of the best classes.

    Args:
        target: any target; not looked at where `size` is not 0.
        size: how many classes, best first; a model with fewer gives as many as it has.
        count: number of pictures.
        head: the explained output.

    Raises:
        TargetError: of a stack, an output that is no list of classes; else as `picks.wishes`.
    """
    if not size:
        return [wishes(target, count, head)]
    return [wishes(Ranked(rank), count, head) for rank in range(max(1, min(size, head.classes)))]
