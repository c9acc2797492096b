"""Typed, described options of methods, metrics and renderers."""

from visioncam_core.options.fields import (
    OptionInfo,
    build,
    describe_options,
    option,
    parse_option,
    parse_options,
)
from visioncam_core.options.validators import in_range, one_of

__all__ = [
    "OptionInfo",
    "build",
    "describe_options",
    "in_range",
    "one_of",
    "option",
    "parse_option",
    "parse_options",
]
