"""Options of whatever draws or writes areas: the same words and rules everywhere."""

from __future__ import annotations

from typing import Any

import attrs

from visioncam_core.options.fields import in_range, option
from visioncam_core.results.areas import SHARE, check_threshold


def validate_threshold(instance: object, attribute: attrs.Attribute[Any], value: float | str) -> None:
    """Refuse a threshold before anything is computed (an attrs validator).

    Raises:
        OptionError: as `areas.level`.
    """
    check_threshold(value)


THRESHOLD = option(
    SHARE,
    help="from where on evidence counts: share of the maximum, otsu, or a percentile such as p95",
    validator=validate_threshold,
)
MIN_AREA = option(1, help="leave out areas of fewer pixels", unit="pixels", validator=in_range(1, None))
SIMPLIFY = option(
    0.0,
    help="how far outlines may leave the true one, for fewer points",
    unit="pixels",
    validator=in_range(0, 1000),
)
