"""Reports made from explanations by hand, and their HTML read as data."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import attrs
import numpy as np

from helpers.viz import comparison, explanation, gaussian
from visioncam.html_report.content import Photo, photo_of
from visioncam.html_report.page import Fact, Page
from visioncam_core.results.comparison import Comparison

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "</script><svg onload=alert(3)>",
    "{{7*7}}",
    "javascript:alert(4)",
    "' onmouseover='alert(5)",
    "https://example.org/x.png",
)


class Seen(HTMLParser):
    """What a browser would see: elements with their attributes, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, *tags: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of these names."""
        return [attributes for tag, attributes in self.elements if tag in tags]


def photo_row(
    picture: np.ndarray,
    label: str,
    methods: tuple[str, ...],
    places: tuple[tuple[float, float], ...],
    **fields: object,
) -> Comparison:
    """Return a comparison whose methods each have their evidence at a place of their own, in shares."""
    height, width = picture.shape[:2]
    base = explanation(picture, np.zeros((height, width), np.float32), label, **fields)  # type: ignore[arg-type]
    found = [
        attrs.evolve(
            base,
            method=name.lower(),
            method_title=name,
            heatmap=gaussian((height, width), (y * height, x * width), 0.15 * height),
        )
        for name, (y, x) in zip(methods, places, strict=True)
    ]
    found = [attrs.evolve(one, raw=one.heatmap[::20, ::20]) for one in found]
    names = [one.method for one in found]
    return comparison(*found, seconds=dict.fromkeys(names, 0.25), passes=dict.fromkeys(names, 3))


def page(photos: list[Photo], **fields: object) -> Page:
    """Return a page of these photos."""
    settings = {"title": "A report", "failures": {}, "facts": [Fact("Seed", "0")], **fields}
    return Page(photos=photos, **settings)  # type: ignore[arg-type]


def two_photos(folder: Path) -> Path:
    """Write a report of a black and a white photo, two classes and two methods whose maps differ plainly."""
    photos = []
    for name, shade, score in (("black.png", 0, 1.0), ("white.png", 255, 10.0)):
        picture = np.full((120, 200, 3), shade, np.uint8)
        rows = [
            photo_row(picture, label, ("Left", "Right"), places, provenance={"source": name}, score=score)
            for label, places in (
                ("first", ((0.5, 0.25), (0.5, 0.75))),
                ("second", ((0.2, 0.25), (0.2, 0.75))),
            )
        ]
        made = photo_of(rows)
        assert made is not None
        photos.append(made)
    path = folder / "report.html"
    path.write_text(page(photos).html(), "utf-8")
    return path
