"""Slices of an explained volume or video, each an explanation of a picture, and its projections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import attrs
import numpy as np

from visioncam_core.errors import ImageError, OptionError
from visioncam_core.images.display import bands_last, eight_bit
from visioncam_core.results.data import ExplanationData

D = TypeVar("D", bound=ExplanationData)
AXES = ("depth", "height", "width")


def slices(explanation: D, axis: int = 0, positions: Sequence[int] | None = None) -> Iterator[D]:
    """Yield explanations of single slices, on the contrast and the scale of the whole.

    Args:
        explanation: of a volume (D, H, W[, C]), or a video with time first.
        axis: 0, 1 or 2: across which axis to cut.
        positions: which slices; all by default.

    Raises:
        ImageError: the explanation is of something else.
        OptionError: an axis or position that the volume does not have.
    """
    heat, picture = _at_axis(explanation, axis)
    length = heat.shape[axis]
    wanted = range(length) if positions is None else positions
    for position in wanted:
        if not 0 <= position < length:
            raise OptionError(f"slice {position} does not exist: axis {axis} has slices 0 to {length - 1}")
    for position in wanted:
        yield attrs.evolve(
            explanation,
            picture=picture.take(position, axis),
            heatmap=heat.take(position, axis),
            whole=explanation,
        )


def projection(explanation: D, axis: int = 0) -> D:
    """Return the maximum projection along an axis: the brightest value, and the strongest evidence.

    Raises as `slices`.
    """
    heat, picture = _at_axis(explanation, axis)
    strongest = np.expand_dims(np.abs(heat).argmax(axis), axis)
    return attrs.evolve(
        explanation,
        picture=picture.max(axis),
        heatmap=np.take_along_axis(heat, strongest, axis).squeeze(axis),
        whole=explanation,
    )


def _at_axis(explanation: ExplanationData, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the heat map and the picture of a volume that has the axis."""
    heat = volume_heat(explanation)
    if axis not in (0, 1, 2):
        raise OptionError(f"axis must be 0, 1 or 2 ({', '.join(AXES)}); received {axis!r}")
    return heat, eight_bit(bands_last(np.asarray(explanation.picture), heat.shape))


def volume_heat(explanation: ExplanationData) -> np.ndarray:
    """Return a volume's heat map, (D, H, W) float32, what is not finite as zero; refuse any other."""
    heat = np.nan_to_num(np.asarray(explanation.heatmap, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    if heat.ndim != 3 or heat.size == 0:
        raise ImageError(
            f"Slices and animations need a volume or a video, with a heat map of three axes; this one has "
            f"shape {heat.shape}. Show it with 'overlay' or save a .png."
        )
    return heat


def strongest(heat: np.ndarray) -> tuple[int, ...]:
    """Return where a map is strongest; of several such places the one nearest to the middle."""
    strength = np.abs(heat)
    places = np.argwhere(strength == strength.max(initial=0.0))
    far = ((places - (np.asarray(heat.shape) - 1) / 2) ** 2).sum(axis=1)
    return tuple(int(position) for position in places[far.argmin()])


def evenly(length: int, count: int) -> list[int]:
    """Return at most `count` positions spread evenly over an axis, first and last among them."""
    if count == 1:
        return [length // 2]
    return np.unique(np.linspace(0, length - 1, min(count, length)).round().astype(int)).tolist()
