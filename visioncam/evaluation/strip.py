"""The sanity check as pictures: a map after each step of the cascade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from visioncam.html_report.sections import Picture

TILE = 0.9
"""Side of a map on the strip, in inches at 100 dots each."""


def strip(cascade: Mapping[str, Sequence[np.ndarray | None]]) -> Picture | None:
    """Return one row of maps a method: the trained model's, then while its weights are drawn anew.

    Each map is shown as its positive part over its own maximum.  A map that is blank, or that could not be
    made, is an empty square.

    Args:
        cascade: method -> (*grid) raw maps of one picture, or None, the trained model's first.

    Returns:
        The picture, or None where there is no map of two axes.
    """
    rows = {name: maps for name, maps in cascade.items() if maps[0] is not None and maps[0].ndim == 2}
    if not rows:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from visioncam_core.pipeline.build import heat
    from visioncam_viz.drawing.colour import SEQUENTIAL

    steps = max(map(len, rows.values()))
    figure = Figure(
        figsize=(1.9 + TILE * steps, 0.4 + TILE * len(rows)), dpi=100, layout="constrained", facecolor="white"
    )
    canvas = FigureCanvasAgg(figure)
    axes = np.asarray(figure.subplots(len(rows), steps, squeeze=False))
    for (name, maps), line in zip(rows.items(), axes, strict=True):
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        for number, axis in enumerate(line):
            axis.set_xticks([])
            axis.set_yticks([])
            one = maps[number] if number < len(maps) else None
            if one is not None and one.max() > 0:
                axis.imshow(heat(one, "for"), cmap=SEQUENTIAL, vmin=0, vmax=1, interpolation="bilinear")
    for number, axis in enumerate(axes[0]):
        axis.set_title("trained" if number == 0 else f"step {number}", fontsize=8)
    canvas.draw()
    return Picture(
        np.asarray(canvas.buffer_rgba())[..., :3].copy(),
        "a row of maps for each method: of the trained model, then after each step towards a random one",
        "maps of the first picture; the last step has every layer random",
    )
