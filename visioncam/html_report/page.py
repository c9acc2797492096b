"""The page: the template filled in, with a policy that lets nothing in and nothing out.

Autoescape is on, whatever the template is called; every attribute is quoted; style and script are our own,
and the page's policy names their hashes, so that no other script runs and nothing is fetched.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import attrs

from visioncam.html_report.content import Photo
from visioncam.html_report.sections import Section
from visioncam_viz.drawing.colour import colour_table

if TYPE_CHECKING:
    from jinja2 import Template

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@attrs.frozen
class Fact:
    """One line of where a report comes from."""

    name: str
    value: str


@attrs.frozen(eq=False)
class Page:
    """All of a report."""

    title: str
    photos: Sequence[Photo]
    failures: Mapping[str, str]  # name of a picture -> why it is not there
    facts: Sequence[Fact]  # where the report comes from
    sections: Sequence[Section] = ()  # further parts
    colormap: str = "auto"  # of the maps

    def html(self) -> str:
        """Return the page as text that UTF-8 can hold."""
        style, script = _asset("report.css"), _asset("report.js")
        ours = f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
        return _template().render(
            page=self,
            style=style,
            script=script,
            policy=f"default-src 'none'; img-src data:; {ours}; base-uri 'none'; form-action 'none'",
            colours=_base64(colour_table(self.colormap).tobytes()),
            signed_colours=_base64(colour_table(self.colormap, signed=True).tobytes()),
        )


def clean(value: Any) -> Any:
    """Return a value for the page: text without control characters, direction marks and lone surrogates."""
    return _CONTROL.sub("\ufffd", value) if type(value) is str else value


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import DictLoader, Environment, StrictUndefined

    environment = Environment(
        loader=DictLoader({name: _asset(name) for name in ("report.html", "parts.html")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=clean,
    )
    environment.filters["percent"] = _percent
    environment.filters["seconds"] = _seconds
    return environment.get_template("report.html")


def _percent(value: float) -> str:
    """Return a share as a percentage of three digits at most: 0.4 %, 4.2 %, 42 %."""
    return f"{100 * value:.{1 if value < 0.1 else 0}f} %"


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value >= 0.005 else "< 0.01"


@lru_cache(maxsize=8)
def _asset(name: str) -> str:
    return files("visioncam.html_report").joinpath("templates", name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + _base64(hashlib.sha256(text.encode()).digest())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
