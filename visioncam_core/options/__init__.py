"""Typed, described options of methods, metrics and renderers."""

from visioncam_core.options.fields import (
    OptionInfo,
    build,
    describe_options,
    in_range,
    one_of,
    option,
    parse_option,
    parse_options,
)

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
