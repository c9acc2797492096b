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
    """All of a report.

    Attributes:
        title: its heading.
        photos: what is shown.
        failures: name of a picture -> why it is not there.
        facts: where it comes from.
        sections: further parts.
        colormap: name of the maps' colours.
    """

    title: str
    photos: Sequence[Photo]
    failures: Mapping[str, str]
    facts: Sequence[Fact]
    sections: Sequence[Section] = ()
    colormap: str = "auto"

    def html(self) -> str:
        """Return the page as text that UTF-8 can hold."""
        style, script = _asset("report.css"), _asset("report.js")
        ours = f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
        return _template().render(
            page=self,
            style=style,
            script=script,
            policy=f"default-src 'none'; img-src data:; {ours}; base-uri 'none'; form-action 'none'",
            colours=_colours(self.colormap, signed=False),
            signed_colours=_colours(self.colormap, signed=True),
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
    return f"{value:.1%}".replace("%", " %") if value < 0.1 else f"{value:.0%}".replace("%", " %")


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value >= 0.005 else "< 0.01"


@lru_cache(maxsize=8)
def _asset(name: str) -> str:
    return files("visioncam.html_report").joinpath("templates", name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _colours(name: str, *, signed: bool) -> str:
    """Return 256 RGB colours in base64."""
    return base64.b64encode(colour_table(name, signed=signed).tobytes()).decode("ascii")
