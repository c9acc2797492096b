"""The part of the gallery about methods beyond CAM."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gallery_entries import Entry, entry, explained

import visioncam
from visioncam import Comparison

ROOT = Path(__file__).resolve().parents[1]


def families(model: Any) -> Iterator[Entry | str]:
    """Yield a sheet of each family beyond CAM, and the pictures of regions."""
    yield "## Beyond CAM\n"
    path = ROOT / "examples" / "coffee.png"
    for family, words in (
        ("gradient", "Each pixel's share; drawn by what its neighbourhood adds up to, 1 % of the side."),
        ("region", "Parts hidden, scores read: four of the five share their masked pictures."),
    ):
        yield f'```python\nfound = visioncam.compare(model, "examples/coffee.png", methods="{family}")\n```\n'
        found = visioncam.compare(model, path, methods=family)
        assert isinstance(found, Comparison)
        title = {"gradient": "Gradients in the picture", "region": "Regions of the picture"}[family]
        yield entry(found, "found", f"{family}.webp", title, words)
    shap = explained(model, path, method="partitionshap")
    yield (
        '```python\nshap = visioncam.explain(model, "examples/coffee.png", method="partitionshap")\n'
        "print(shap.account)                                 # " + str(shap.account) + "\n```\n"
    )
    yield entry(
        shap,
        "shap",
        "regions.webp",
        "Signed regions",
        "What each cell of the grid adds to the score or takes from it, in the score's own units.",
        "regions",
        title=True,
        colorbar=True,
    )
    yield entry(
        shap,
        "shap",
        "bars.webp",
        "Bars",
        "The largest contributions by name.",
        "bars",
    )
