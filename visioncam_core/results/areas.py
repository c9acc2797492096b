"""From a heat map to areas: where the evidence exceeds a threshold, and a box around each such place.

    e.mask("otsu")          # (H, W) bool
    e.boxes(0.2)            # boxes around the connected places, most evidence first

In a signed map evidence for and against make areas of their own.
"""

from __future__ import annotations

import math
import re
from numbers import Real

import attrs
import numpy as np

from visioncam_core.errors import ImageError, OptionError, OptionTypeError
from visioncam_core.images.box import Box
from visioncam_core.images.opencv import load_opencv
from visioncam_core.options.fields import in_range, option
from visioncam_core.text import brief

SHARE = 0.2  # of the maximum: the threshold that the first paper on class activation maps boxes objects by
LEVELS = 256  # of Otsu's histogram
_PERCENTILE = re.compile(r"[pP](\d+(?:\.\d+)?|\.\d+)")
_HELP = (
    "Use a share of the maximum between 0 and 1 (0.2), 'otsu', or a percentile from 'p0' to 'p100' "
    "('p95' keeps the strongest 5 % of the pixels)"
)


@attrs.frozen(kw_only=True)
class AreaBox(Box):
    """A `Box` around one connected area.

    Attributes:
        area: pixels above the threshold in it that are connected; not the box's own area.
        score: the share of all the map's evidence that lies in the area, 0 to 1; below 0 for evidence
            against in a signed map.
    """

    area: int
    score: float


@attrs.frozen(eq=False)
class Part:
    """One connected area in a labelled map.

    Attributes:
        box: around it.
        label: its number in `labels`.
        labels: (H, W) int32 ndarray, shared by all parts of one sign.
    """

    box: AreaBox
    label: int
    labels: np.ndarray


def level(heat: np.ndarray, threshold: float | str = SHARE) -> float:
    """Return the strength from which on a pixel counts.

    Args:
        heat: ndarray of any shape; strength is the absolute value.  What is not finite counts as zero.
        threshold: a share of the maximum, 0 to 1; `"otsu"` (parts the strengths into two groups that
            differ most); or `"p0"` to `"p100"`: a percentile of all pixels.

    Returns:
        A strength above 0, so that what has no evidence never counts; infinity where the map is blank.

    Raises:
        OptionError: a threshold out of its range, or an unknown one.
        OptionTypeError: neither number nor text.
    """
    rule = check_threshold(threshold)
    strength = np.abs(_numbers(heat))
    top = float(strength.max(initial=0.0))
    if top == 0.0:
        return math.inf
    if isinstance(rule, float):
        found = rule * top
    else:
        found = _otsu(strength, top) if rule == "otsu" else _percentile(strength, float(rule[1:]))
    least = np.nextafter(np.float32(0), np.float32(1))
    return max(float(np.float32(found)), float(least))


def check_threshold(threshold: object) -> float | str:
    """Return a threshold as a share, "otsu", or "p" and a number; raises as `level`."""
    if isinstance(threshold, str):
        word = threshold.strip().lower()
        percentile = _PERCENTILE.fullmatch(word)
        if word == "otsu" or (percentile and float(percentile[1]) <= 100):
            return word
        raise OptionError(f"threshold {brief(threshold)} is not understood. {_HELP}.")
    if isinstance(threshold, bool | np.bool_) or not isinstance(threshold, Real):
        raise OptionTypeError(f"threshold must be a number or text, received {brief(threshold)}. {_HELP}.")
    if not 0 <= float(threshold) <= 1:
        raise OptionError(f"threshold {threshold!r} is not a share of the maximum. {_HELP}.")
    return float(threshold)


def mask(heat: np.ndarray, threshold: float | str = SHARE) -> np.ndarray:
    """Return where a map's strength reaches the threshold, as in `level`; bool ndarray of the map's shape."""
    return np.abs(_numbers(heat)) >= np.float32(level(heat, threshold))


def boxes(heat: np.ndarray, threshold: float | str = SHARE, *, min_area: int = 1) -> tuple[AreaBox, ...]:
    """Return a box around each connected area above the threshold, most evidence first.

    Pixels that touch at a corner are connected.

    Args:
        heat: (H, W) ndarray, in [0, 1] or signed.
        threshold: as in `level`.
        min_area: areas of fewer pixels are left out; at least 1.

    Raises:
        ImageError: the map does not have two axes.
        OptionError: a threshold or `min_area` out of its range.
    """
    return tuple(part.box for part in parts(heat, threshold, min_area))


def parts(heat: np.ndarray, threshold: float | str, min_area: int) -> list[Part]:
    """Return the connected areas with their labels; else as `boxes`."""
    if isinstance(min_area, bool) or not isinstance(min_area, int | np.integer) or min_area < 1:
        raise OptionError(
            f"min_area must be a whole number of pixels, at least 1; received {brief(min_area, 60)}"
        )
    return parts_above(heat, level(heat, threshold), int(min_area))


def parts_above(heat: np.ndarray, cut: float, min_area: int = 1) -> list[Part]:
    """Return the connected areas of at least the strength `cut`, most evidence first; else as `boxes`."""
    values = _numbers(heat)
    if values.ndim != 2:
        raise ImageError(
            f"Boxes and contours need a map with two axes; this one has shape {values.shape}. Use mask(), "
            "which serves maps of any shape, or one slice of a volume."
        )
    total = float(np.abs(values).sum(dtype=np.float64))
    found: list[Part] = []
    for signed in (values, -values):
        chosen = signed >= np.float32(cut)
        if total and chosen.any():
            found += _components(chosen, values, total, min_area)
    return sorted(found, key=lambda part: (-abs(part.box.score), part.box.top, part.box.left))


def _components(chosen: np.ndarray, values: np.ndarray, total: float, min_area: int) -> list[Part]:
    """Return the connected areas of a mask, each with its share of the total as score."""
    cv2 = load_opencv()
    count, labels, stats, _ = cv2.connectedComponentsWithStats(chosen.astype(np.uint8), connectivity=8)
    shares = np.clip(np.bincount(labels.ravel(), values.ravel(), count) / total, -1, 1)
    found = []
    for label, (left, top, width, height, area) in enumerate(stats.tolist()):
        if label > 0 and area >= min_area:  # 0 is what lies outside all areas
            score = float(shares[label])
            right, bottom = left + width, top + height
            box = AreaBox(left=left, top=top, right=right, bottom=bottom, area=area, score=score)
            found.append(Part(box, label, labels))
    return found


def _numbers(heat: np.ndarray) -> np.ndarray:
    return np.nan_to_num(np.asarray(heat, np.float32), nan=0.0, posinf=0.0, neginf=0.0)


def _otsu(strength: np.ndarray, top: float) -> float:
    """Return the bin edge that maximises the variance between the groups (Otsu 1979); of ties the middle."""
    counts = np.bincount(
        np.minimum((strength.ravel() / top * LEVELS).astype(np.int64), LEVELS - 1), minlength=LEVELS
    )
    shares = counts / counts.sum()
    middles = (np.arange(LEVELS) + 0.5) / LEVELS
    below = np.cumsum(shares)[:-1]
    moment = np.cumsum(shares * middles)
    mean, above = moment[-1], 1 - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mean * below - moment[:-1]) ** 2 / (below * above)
    between = np.where((below > 1e-12) & (above > 1e-12), between, 0.0)
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    if between.max() == 0.0:
        return 0.0  # one group: all of it counts
    return float(top * (best[len(best) // 2] + 1) / LEVELS)


def _percentile(strength: np.ndarray, percent: float) -> float:
    """Return the weakest of the strongest `100 - percent` percent of all pixels, at least one of them."""
    flat = strength.ravel()
    keep = max(round((1 - percent / 100) * flat.size), 1)
    return float(np.partition(flat, flat.size - keep)[flat.size - keep])


THRESHOLD = option(
    SHARE,
    help="threshold above which evidence counts: share of the maximum, otsu, or a percentile such as p95",
    validator=lambda instance, attribute, value: check_threshold(value),
)
MIN_AREA = option(1, help="smallest area to keep", unit="pixels", validator=in_range(1, None))
SIMPLIFY = option(
    0.0,
    help="how far a simplified outline may deviate from the true one",
    unit="pixels",
    validator=in_range(0, 1000),
)
