"""Several comparisons at once: methods by classes, layers and pictures, in any combination."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visioncam_core.images.sample import Read
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import list_of
from visioncam_core.results.comparison import Comparison, Comparisons
from visioncam_core.targets.classes import Ranked
from visioncam_core.targets.resolve import stack_size


def compare_all(explainer: Explainer, image: Any, targets: Any, layers: Sequence[Any] | None) -> Comparisons:
    """Return a comparison for each picture, class and layer; pictures are read once.

    Args:
        explainer: with all methods.
        image: one or several, as in `visioncam.explain`.
        targets: a list of targets; a stack such as "top3"; anything else is a single target.
        layers: what to look at one after the other; None for the explainer's own layer.
    """
    if len(explainer.inputs.inputs) == 1:  # of several inputs the layer decides which is the picture
        image = Read(*explainer.reader.read(image))
    explainers = [explainer]
    if layers is not None:
        explainers = [explainer.with_settings(layer=layer) for layer in list_of("layers", layers)]
    several = isinstance(targets, list | tuple)
    size = 0 if several else stack_size(targets, explainer.names)
    first = [Ranked(0)] if size else list_of("targets", targets) if several else [targets]
    columns = _columns(explainers, image, first)
    if size:
        classes = (len(one.predictions) for row in columns[0] for one in row.explanations)
        known = min(size, max(classes, default=1))  # the model's own list has five at most
        columns += _columns(explainers, image, [Ranked(rank) for rank in range(1, known)])
    rows = [row for rows in zip(*columns, strict=True) for row in rows]
    return Comparisons(rows, len(columns))


def _columns(explainers: Sequence[Explainer], image: Any, targets: Sequence[Any]) -> list[list[Comparison]]:
    """Return for each target and layer a list with one comparison a picture."""
    found = [explainer.compare(image, target) for target in targets for explainer in explainers]
    return [one if isinstance(one, list) else [one] for one in found]
