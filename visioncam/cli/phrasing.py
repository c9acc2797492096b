"""Messages of the library speak Python (`layer=`); here they speak of flags (`--layer`)."""

from __future__ import annotations

import re

NAMES = (
    "class_names", "evidence", "frame", "fuse", "geometry", "layer", "max_pixels", "method",
    "new_class_names", "output", "preprocess", "renderer", "score", "target", "window",
)  # fmt: skip
"""Python's keywords that are flags; the others stay as they are."""
_KEYWORD = re.compile(
    rf"(?<![\w'\"/.(-])\(?\b({'|'.join(NAMES)})=(?:'([\w:.-]+)'|(\d+(?:,\d{{3}})*)|(?=[\s,;)'\"]|$))"
)
_BOTH = re.compile(r"\b\w+ \((--[a-z-]+)\)")  # where a message names the keyword and the flag
_SETTING = re.compile(r"option '(\w+)' of Settings\b")


def flag_of(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def in_flags(message: str) -> str:
    """Return a message with Python's keywords as flags.

    >>> in_flags("pass class_names=, or explain the logit (score='logit', the default)")
    'pass --class-names, or explain the logit (--score logit, the default)'
    """

    def flag(match: re.Match[str]) -> str:
        opening = "(" if match.group().startswith("(") else ""
        value = match.group(2) or (match.group(3) or "").replace(",", "")
        return f"{opening}{flag_of(match.group(1))}{f' {value}' if value else ''}"

    message = _BOTH.sub(r"\1", message)
    named = _SETTING.sub(lambda match: flag_of(match.group(1)), message)
    named = named.replace("window=(low, high)", "--window LOW,HIGH")
    return _KEYWORD.sub(flag, named).replace("visioncam.layers(model)", "`visioncam layers`")
