"""Several comparisons at once: methods by classes, layers and pictures, in any combination."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs

from visioncam_core.errors import OptionTypeError
from visioncam_core.images.reader import Read
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.plugins.registry import Registry
from visioncam_core.results.explanation import Comparison, registry_or_plain, render, show
from visioncam_core.results.sheet_options import parted
from visioncam_core.targets.classes import Ranked
from visioncam_core.targets.stacks import stack_size
from visioncam_core.text import shown


class Comparisons(list[Comparison]):
    """Comparisons, picture by picture; of each picture class by class, of each class layer by layer.

    Args:
        rows: the comparisons in that order.
        each: how many of them belong to one picture.
        registry: knows the sheet and the renderers.
    """

    def __init__(self, rows: Iterable[Comparison], each: int = 1, registry: Registry | None = None) -> None:
        super().__init__(rows)
        self.each = each
        self._registry = registry

    @property
    def pictures(self) -> list[list[Comparison]]:
        """The comparisons of each picture."""
        return [list(self[i : i + self.each]) for i in range(0, len(self), self.each)]

    def sheet(self, **options: Any) -> Any:
        """Return one page with a row for each comparison, (H, W, 3) uint8 RGB; see `Comparison.sheet`."""
        registry = registry_or_plain(self._registry)
        return render(registry, self, "sheet", parted(registry, options))

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write the sheet to a PNG, JPEG or WebP file and return its path."""
        from visioncam_core.results.describe import words_of_a_sheet
        from visioncam_core.results.image_files import write_image

        return write_image(path, self.sheet(**options), words_of_a_sheet(self))

    def show(self, **options: Any) -> None:
        """Show the sheet: in a notebook in place, elsewhere in the system's viewer."""
        show(self.sheet(**options))

    def _repr_html_(self) -> str:
        from visioncam_core.results.notebook import WIDE, picture

        return picture(self.sheet(), WIDE, "Contact sheet") if self else "[]"

    def _repr_png_(self) -> bytes:
        from visioncam_core.results.image_files import encode_image

        return encode_image(self.sheet(), ".png")


def compare_all(explainer: Explainer, image: Any, targets: Any, layers: Sequence[Any] | None) -> Comparisons:
    """Return a comparison for each picture, class and layer; pictures are read once.

    Args:
        explainer: asks the model with all methods.
        image: one or several, as in `visioncam.explain`.
        targets: a list of targets; a stack such as "top3"; anything else is a single target.
        layers: what to look at one after the other; None for the explainer's own layer.

    Raises:
        OptionTypeError: an empty list of targets or layers.
        VisionCamError: as `Explainer.compare`.
    """
    if len(explainer.inputs.inputs) == 1:  # of several inputs the layer decides which is the picture
        image = Read(*explainer.reader.read(image))
    explainers = (
        [explainer] if layers is None else [_at(explainer, layer) for layer in listed("layers", layers)]
    )
    size = 0 if isinstance(targets, list | tuple) else stack_size(targets, explainer.names)
    wanted: list[Any] = listed("targets", targets) if isinstance(targets, list | tuple) else [targets]
    if size:
        wanted = [Ranked(0)]
    columns = _columns(explainers, image, wanted)
    if size:
        known = min(size, _classes(columns[0]))
        columns += _columns(explainers, image, [Ranked(rank) for rank in range(1, known)])
    rows = [row for rows in zip(*columns, strict=True) for row in rows]
    return Comparisons(rows, len(columns), explainer.registry)


def listed(name: str, values: Any) -> list[Any]:
    """Return the values of a keyword that takes a list with at least one entry.

    Raises:
        OptionTypeError: no list, or an empty one.
    """
    if not isinstance(values, list | tuple) or not values:
        raise OptionTypeError(f"{name} takes a list with at least one entry, received {shown(values, 60)}")
    return list(values)


def _at(explainer: Explainer, layer: Any) -> Explainer:
    return attrs.evolve(explainer, settings=attrs.evolve(explainer.settings, layer=layer))


def _columns(explainers: Sequence[Explainer], image: Any, targets: Sequence[Any]) -> list[list[Comparison]]:
    """Return for each target and layer a list with one comparison a picture."""
    found = [explainer.compare(image, target) for target in targets for explainer in explainers]
    return [one if isinstance(one, list) else [one] for one in found]


def _classes(column: Sequence[Comparison]) -> int:
    """Return how many classes the model's own list holds, at most five; 1 where no method worked."""
    return max((len(one.predictions) for row in column for one in row.explanations), default=1)
