"""Several explanations side by side: of methods, classes, layers and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import NameNotFoundError
from visioncam_core.results.agreement import STRONGEST, Correlations
from visioncam_core.results.agreement import agreement as agreement_of
from visioncam_core.results.agreement import correlations as correlations_of
from visioncam_core.results.describe import words_of_a_sheet
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.image_files import encode_image, write_image
from visioncam_core.results.notebook import WIDE, comparison_html, picture, show
from visioncam_core.results.render import render, sheet_options
from visioncam_core.text import brief, normalise


class _Sheet:
    """What is drawn as a contact sheet."""

    __slots__ = ()

    def _maps(self) -> Sequence[Explanation]:
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
        """Write the contact sheet to a PNG, JPEG or WebP file and return its path."""
        return write_image(path, self.sheet(**options), words_of_a_sheet(self._maps()))

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
        """Return Spearman's rank correlation between the maps of each two methods."""
        return correlations_of(self.explanations)

    def _maps(self) -> tuple[Explanation, ...]:
        return self.explanations

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

    def _repr_html_(self) -> str:
        return picture(self.sheet(), WIDE, "Contact sheet") if self else "[]"
