"""Messages of the library speak Python (`layer=`); here they speak of flags (`--layer`)."""

from __future__ import annotations

import re

FLAGS = {
    "class_names": "--class-names",
    "evidence": "--evidence",
    "frame": "--frame",
    "fuse": "--fuse",
    "geometry": "--geometry",
    "layer": "--layer",
    "max_pixels": "--max-pixels",
    "method": "--method",
    "output": "--output",
    "preprocess": "--preprocess",
    "renderer": "--renderer",
    "score": "--score",
    "target": "--class",
}
_KEYWORD = re.compile(
    rf"(?<![\w'\"/.(-])\(?\b({'|'.join(FLAGS)})=(?:'([\w:.-]+)'|(\d+(?:,\d{{3}})*)|(?=[\s,;)'\"]|$))"
)
_BOTH = re.compile(r"\b\w+ \((--[a-z-]+)\)")  # where a message names the keyword and the flag
_SETTING = re.compile(r"option '(\w+)' of Settings\b")


def in_flags(message: str) -> str:
    """Return a message with Python's keywords as flags.

    >>> in_flags("pass class_names=, or explain the logit (score='logit', the default)")
    'pass --class-names, or explain the logit (--score logit, the default)'
    """

    def flag(match: re.Match[str]) -> str:
        opening = "(" if match.group().startswith("(") else ""
        value = match.group(2) or (match.group(3) or "").replace(",", "")
        return f"{opening}{FLAGS[match.group(1)]}{f' {value}' if value else ''}"

    message = _BOTH.sub(r"\1", message)
    named = _SETTING.sub(lambda match: f"--{match.group(1).replace('_', '-')}", message)
    return _KEYWORD.sub(flag, named).replace("visioncam.layers(model)", "`visioncam layers`")
