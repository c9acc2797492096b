"""Make a report: explain each picture, keep what the page shows, write the page."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from visioncam.html_report.content import MANY, SIDE, SMALL_SIDE, Photo, photo_of
from visioncam.html_report.page import Fact, Page
from visioncam.html_report.sections import Section
from visioncam_core.engine.model_card import card_of
from visioncam_core.errors import ImageError, OptionTypeError, OutputError
from visioncam_core.files import without_folders, write_bytes
from visioncam_core.pipeline.compare import compare_all
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request, one_pass, several_layers, several_methods, side_by_side
from visioncam_core.results.comparison import Comparison, Comparisons
from visioncam_core.results.describe import method_in_text
from visioncam_core.results.provenance import entries, versions, weights_digest
from visioncam_core.text import brief
from visioncam_viz.drawing.colour import colour_table

SUFFIXES = (".html", ".htm")


def report(
    model: Any,
    images: Any,
    path: str | os.PathLike[str],
    methods: str | Sequence[str | object] | None = None,
    *,
    method: str | object | None = None,
    target: Any = None,
    targets: Any = None,
    layers: Sequence[Any] | None = None,
    title: str = "",
    sections: Sequence[Section] = (),
    colormap: str = "auto",
    **keywords: Any,
) -> Path:
    """Write a report: one HTML file with photos, maps, numbers and provenance; opens offline.

    Args:
        model: a PyTorch module or a built Keras model.
        images: one or several, as in `explain`.
        path: the file, `.html`.
        methods: as in `compare`; by default those of "all" that share one forward and one backward pass; the
            others may take minutes: pass "all" for all of them.
        method: as in `compare`.
        target: as in `explain`.
        targets: several classes to switch between, as in `compare`: a list, or "top2" to "top5".
        layers: several layers to switch between, as in `compare`.
        title: the heading.
        sections: further parts, of `visioncam.html_report.sections`.
        colormap: matplotlib colour map of the maps, or "auto".
        **keywords: the other keywords of `explain`, and options of the methods that have them.

    Returns:
        The path that was written.

    Raises:
        OutputError: the suffix is another, or the folder or file cannot be written.
        VisionCamError: as `compare`.
    """
    if isinstance(model, str | os.PathLike):
        raise OptionTypeError(
            f"the order is report(model, images, path, ...), as in every function; received "
            f"{brief(model, 60)} as the model"
        )
    file = check_path(path)
    every = side_by_side("target", target, targets, [None])
    request = Request.of(several_methods(method, methods, one_pass()), keywords)
    found = Report(
        Explainer.of(model, request),
        targets=every,
        layers=several_layers(layers, keywords),
        title=title,
        sections=tuple(sections),
        colormap=colormap,
    )
    files = isinstance(images, list | tuple) and all(isinstance(one, str | os.PathLike) for one in images)
    if files and images and target is None:
        found.expect(len(images))
        for image in images:
            found.add(image)
    else:
        found.add(images)
    return found.write(file)


@attrs.define(eq=False)
class Report:
    """A report that is built picture by picture; it keeps what the page shows, and no array."""

    explainer: Explainer  # of the model, with all methods
    targets: Any = (None,)  # what is explained of each picture, as `compare_all` takes it
    layers: Sequence[Any] | None = None
    title: str = ""
    sections: Sequence[Section] = ()  # further parts
    colormap: str = "auto"  # of the maps
    side: int = SIDE  # pixels that the longer side of a shown photo may have
    mark: str = ""  # the model file's, see `visioncam_core.results.provenance`
    _photos: list[Photo] = attrs.field(factory=list, init=False)
    _failures: dict[str, str] = attrs.field(factory=dict, init=False)
    _example: Comparison | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        colour_table(self.colormap)  # an unknown name is an error before anything is computed
        for one in self.sections:
            if not isinstance(one, Section):
                raise OptionTypeError(
                    f"sections holds visioncam.html_report.sections.Section; received {type(one).__name__}"
                )

    def expect(self, count: int) -> None:
        """Announce how many pictures will come: photos of many are shown smaller."""
        self.side = SMALL_SIDE if count > MANY else SIDE

    def add(self, images: Any) -> Comparisons:
        """Explain one or several pictures and put them on the page."""
        found = compare_all(self.explainer, images, self.targets, self.layers)
        for rows in found.pictures:
            self.put(rows)
        return found

    def put(self, rows: Sequence[Comparison]) -> None:
        """Put one picture on the page that was explained before: a comparison for each class and layer."""
        photo = photo_of(rows, self.side)
        if photo is None:
            why = "; ".join(f"{name}: {reason}" for name, reason in rows[0].failures.items())
            raise ImageError(f"no method gave a map: {without_folders(why)}")
        self._photos.append(photo)
        self._example = self._example or rows[0]

    @property
    def photos(self) -> int:
        return len(self._photos)

    def failed(self, name: str, why: str) -> None:
        """Record a picture that could not be explained; the page lists it."""
        self._failures[without_folders(name)] = without_folders(why)

    def write(self, path: Path) -> Path:
        """Write the page, whole or not at all, and return its path."""
        page = Page(
            title=self.title or f"What {self._name()} looked at",
            photos=self._photos,
            failures=self._failures,
            facts=self._facts(),
            sections=self.sections,
            colormap=self.colormap,
        )
        write_bytes(path, page.html().encode("utf-8"))
        return path

    def _name(self) -> str:
        card = card_of(self.explainer.model)
        return card.title if card is not None and card.title else self.explainer.hints.title

    def _facts(self) -> list[Fact]:
        settings = self.explainer.settings
        made = self._example.explanations[0].provenance if self._example is not None else {}
        methods = [method_in_text(one.title, one.options) for one in self.explainer.methods]
        layers = ", ".join(_layer_in_text(one) for one in (self.layers or [settings.layer]))
        made_by = [
            f"{name} {made[name]}" for name in versions(self.explainer.engine.versions()) if name in made
        ]
        facts = {
            "Made": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "Model": f"{self._name()}, {self.explainer.hints.weights:,} weights",
            "SHA-256 of its weights": weights_digest(self.explainer.engine, self.explainer.model),
            "SHA-256 of its file": entries(self.mark).get("model_sha256", ""),
            "Methods": ", ".join(methods),
            "Layer": layers,
            "Score": settings.score,
            "Evidence": settings.evidence,
            "Preprocessing": str(made.get("preprocess", "")),
            "Fitting": str(made.get("geometry", "")),
            "Seed": str(settings.seed),
            "Batch size": str(made.get("batch_size", "")),
            "Versions": ", ".join([*made_by, f"Python {platform.python_version()}"]),
        }
        return [Fact(name, without_folders(value)) for name, value in facts.items() if value]


def check_path(path: str | os.PathLike[str]) -> Path:
    """Return the report's path, which ends in `.html`."""
    file = Path(path)
    if file.suffix.lower() not in SUFFIXES:
        got = repr(file.suffix) if file.suffix else "no suffix"
        raise OutputError(f"a report is an .html file, received {file.name!r} ({got}); end it with .html")
    return file


def _layer_in_text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " + ".join(map(_layer_in_text, value))
    if isinstance(value, str | int | np.integer):
        return str(value)
    return str(getattr(value, "name", type(value).__name__))
