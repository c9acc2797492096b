"""Several explanations side by side: of methods, classes, layers and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from visioncam_core.errors import NameNotFoundError, OptionTypeError, OutputError
from visioncam_core.files import as_path, write_bytes
from visioncam_core.results.agreement import STRONGEST, Correlations
from visioncam_core.results.agreement import agreement as agreement_of
from visioncam_core.results.agreement import correlations as correlations_of
from visioncam_core.results.describe import words_of_a_sheet
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.formats.figure import is_figure, plot_maps, sheet_file
from visioncam_core.results.formats.tables import latex, markdown
from visioncam_core.results.image_files import encode_image, write_image
from visioncam_core.results.notebook import WIDE, comparison_html, picture, show
from visioncam_core.results.render import render, sheet_options
from visioncam_core.text import brief, normalise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEADER = ("Method", "Class", "Score", "Layer", "More passes", "Seconds")


class _Sheet:
    """What is drawn as a contact sheet."""

    __slots__ = ()

    def _maps(self) -> Sequence[Explanation]:
        raise NotImplementedError

    def _rows(self) -> Sequence[Comparison]:
        raise NotImplementedError

    def render(self, renderer: str | object = "sheet", **options: Any) -> np.ndarray:
        """Return what a renderer of comparisons makes of it, (H, W, 3) uint8 RGB; see `sheet`."""
        return render(self, renderer, options)

    def sheet(self, **options: Any) -> np.ndarray:
        """Return the contact sheet, one page with a row for each comparison, (H, W, 3) uint8 RGB.

        Args:
            options: those of the renderer "sheet" (`columns`, `tile`, `renderer`, ...), and those of the
                renderer of each map (`colormap`, ...), "overlay" by default.
        """
        return render(self, "sheet", sheet_options(options))

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write the contact sheet and return the file's path; never half a file.

        Args:
            path: `.png`, `.jpg`, `.webp`; or `.pdf`, `.svg`: a figure for a paper, its words as text.
            options: as in `sheet`.  `width_cm` and `dpi` make a figure of any of them; a figure has
                `columns`, `renderer`, `title`, `colorbar` and the options of each map's renderer.
        """
        target, words = as_path(path, OutputError, OptionTypeError), words_of_a_sheet(self._maps())
        suffix = target.suffix.lower()
        if not is_figure(suffix, options):
            return write_image(path, self.sheet(**options), words)
        write_bytes(target, sheet_file(self._rows(), suffix, options, words))
        return target

    def records(self) -> list[dict[str, Any]]:
        """Return one plain record per map, and one per failed method, with the reason."""
        found: list[dict[str, Any]] = []
        for row in self._rows():
            for e in row.explanations:
                found.append(
                    {
                        "image": str(e.provenance.get("source", "")),
                        "method": e.method,
                        "title": e.method_title,
                        "class_index": e.target.index,
                        "class_name": e.target.name or e.target.label,
                        "probability": e.target.probability,
                        "score": e.score,
                        "score_kind": e.score_kind,
                        "layer": e.layer.path,
                        "passes": row.passes.get(e.method),
                        "seconds": row.seconds.get(e.method),
                        "account": str(e.account or ""),
                        "notes": ", ".join(dict.fromkeys(note.code for note in e.diagnostics)),
                        "failure": "",
                    }
                )
            found += [{"method": name, "failure": why} for name, why in row.failures.items()]
        return found

    def to_dataframe(self) -> Any:
        """Return the records as a pandas DataFrame with plain columns, one row per map.

        Raises:
            ModuleNotFoundError: pandas is not installed; `records()` needs nothing.
        """
        import pandas

        return pandas.DataFrame(self.records())

    def to_markdown(self) -> str:
        """Return a Markdown table: method, class, score, layer, passes and seconds."""
        return markdown(HEADER, self._cells())

    def to_latex(self) -> str:
        """Return the same as a LaTeX tabular, which needs `booktabs`."""
        return latex(HEADER, self._cells())

    def _cells(self) -> list[list[str]]:
        return [
            [one["title"], one["class_name"], f"{one['score_kind']} {one['score']:.4g}", one["layer"],
             "" if one["passes"] is None else f"{one['passes']:,}",
             "" if one["seconds"] is None else f"{one['seconds']:.3f}"]
            if "title" in one else [one["method"], "failed", "", "", "", ""]
            for one in self.records()
        ]  # fmt: skip

    def show(self, **options: Any) -> None:
        """Show the contact sheet: in a notebook in place, elsewhere in the system's viewer."""
        show(self.sheet(**options))

    def _repr_png_(self) -> bytes:
        return encode_image(self.sheet(), ".png")


@attrs.frozen(eq=False)
class Comparison(_Sheet):
    """Several methods on one picture, target and layer; evidence computed once.

    Attributes:
        explanations: one for each method that worked, in the order requested.
        seconds: method name -> seconds spent in the method itself.
        passes: method name -> passes (pictures) through the model or parts of it, beyond the shared ones.
        failures: method name -> why it could not be applied.
    """

    explanations: tuple[Explanation, ...] = attrs.field(repr=lambda a: f"<{len(a)}>")
    seconds: dict[str, float]
    passes: dict[str, int]
    failures: dict[str, str]

    def __str__(self) -> str:
        """Return a line for each method, and why one gave no map."""
        return "\n".join([*map(str, self), *(f"no {name}: {why}" for name, why in self.failures.items())])

    def __len__(self) -> int:
        """Return the number of explanations."""
        return len(self.explanations)

    def __iter__(self) -> Iterator[Explanation]:
        """Iterate over the explanations."""
        return iter(self.explanations)

    def __getitem__(self, method: str | int) -> Explanation:
        """Return the explanation of a method, by canonical name or position."""
        if isinstance(method, int):
            return self.explanations[method]
        if not isinstance(method, str):
            raise NameNotFoundError(f"a method is found by name or position, received {brief(method, 60)}")
        for explanation in self.explanations:
            if normalise(explanation.method) == normalise(method):
                return explanation
        known = ", ".join(explanation.method for explanation in self.explanations)
        raise NameNotFoundError(f"this comparison has no method {brief(method, 60)}; it has {known}")

    def agreement(self, threshold: float | str = STRONGEST) -> np.ndarray:
        """Return for each pixel the share of the methods whose evidence is strong there, float32 in [0, 1].

        Args:
            threshold: what counts as strong, as in `Explanation.mask`; by default each method's strongest
                tenth of the pixels.
        """
        return agreement_of(self.explanations, threshold)

    def correlations(self) -> Correlations:
        """Return Spearman's rank correlation between the maps of each pair of methods."""
        return correlations_of(self.explanations)

    def plot(
        self,
        axes: Any = None,
        renderer: str | object = "overlay",
        *,
        title: bool = True,
        colorbar: bool = True,
        **options: Any,
    ) -> list[Axes]:
        """Draw photo and maps on Matplotlib axes and return them.

        Args:
            axes: your own, one for the photo and one for each map, or for the maps alone; by default a row
                of a new pyplot figure.
            renderer: of the maps, as in `Explanation.render`.
            title: write class and probability above the photo, the method above each map.
            colorbar: draw one scale on the right.
            options: the renderer's options.

        Raises:
            OptionError: too few axes or too many, or no method gave a map.
        """
        return plot_maps(self, axes, renderer, title, colorbar, options)

    def _maps(self) -> tuple[Explanation, ...]:
        return self.explanations

    def _rows(self) -> list[Comparison]:
        return [self]

    def _repr_html_(self) -> str:
        sheet = self.sheet() if self.explanations else None
        return comparison_html(self.explanations, self.seconds, self.passes, self.failures, sheet)


def at_layer(found: Comparison) -> Explanation:
    """Return the first explanation whose map lies at a layer; where all are of the picture, the first."""
    return max(found.explanations, key=lambda one: not one.layer.row.is_input)


class Comparisons(list[Comparison], _Sheet):
    """Comparisons, picture by picture; of each picture class by class, of each class layer by layer.

    Args:
        rows: the comparisons in that order.
        each: how many of them belong to one picture.
    """

    def __init__(self, rows: Iterable[Comparison], each: int = 1) -> None:
        super().__init__(rows)
        self.each = each

    @property
    def pictures(self) -> list[list[Comparison]]:
        """The comparisons of each picture."""
        return [list(self[i : i + self.each]) for i in range(0, len(self), self.each)]

    def _maps(self) -> list[Explanation]:
        return [one for row in self for one in row]

    def _rows(self) -> list[Comparison]:
        return self

    def _repr_html_(self) -> str:
        return picture(self.sheet(), WIDE, "Contact sheet") if self else "[]"
