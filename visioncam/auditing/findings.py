"""What an audit found: findings about classes, and the pictures to look at first."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from visioncam.auditing.places import Places
from visioncam_core.errors import OutputError
from visioncam_core.files import as_row, write_bytes
from visioncam_core.metrics.intervals import Interval
from visioncam_core.plain_data import plain
from visioncam_core.results.image_files import write_image
from visioncam_viz.drawing.colour import SEQUENTIAL, colour_table, colourise
from visioncam_viz.drawing.grid import grid
from visioncam_viz.drawing.text import shorten

ENLARGED, LABEL = 3, 14  # pixels a value of a class-mean map on the sheet; font size
COLUMNS = (
    "source", "explained", "suspicion", "why", "border", "corner", "which", "text", "outside", "cluster",
)  # fmt: skip


@attrs.frozen
class Audited:
    """One picture.

    Attributes:
        source: its name.
        number: in the data set.
        explained: its class.
        places: where its map's energy lies.
        suspicion: how many times more energy than a uniform map has lies where it should not.
        why: which place that is.
        cluster: which cluster of maps it is in, or None.
    """

    source: str
    number: int
    explained: str
    places: Places
    suspicion: float
    why: str
    cluster: int | None = None


@attrs.frozen
class Finding:
    """Something that goes along with a class.

    Attributes:
        explained: the class.
        place: "the border", "the upper left corner", ...
        share: of the class's energy, with its interval over the pictures.
        fair: what a uniform map has there.
        count: pictures of the class.
    """

    explained: str
    place: str
    share: Interval
    fair: float
    count: int

    def __str__(self) -> str:
        """Return it as a sentence."""
        return (
            f"{self.explained}: {100 * self.share.value:.0f} % of the evidence lies on {self.place} "
            f"[{100 * self.share.low:.0f}, {100 * self.share.high:.0f}], {100 * self.fair:.0f} % if it were "
            f"spread evenly ({self.count} pictures)"
        )


@attrs.frozen(eq=False)
class Audit:
    """What an audit found.

    Attributes:
        pictures: the most suspicious first; blank maps last.
        findings: what goes along with a class, the strongest first; empty when nothing was found.
        class_means: class -> (64, 64) mean of its maps, on the part of the pictures that the model sees.
        method: of the maps.
        layer: of the maps.
        notes: what could not be done.
        provenance: versions, seed and model.
    """

    pictures: tuple[Audited, ...]
    findings: tuple[Finding, ...]
    class_means: dict[str, np.ndarray] = attrs.field(repr=False)
    method: str
    layer: str
    notes: tuple[str, ...] = ()
    provenance: dict[str, Any] = attrs.field(factory=dict, repr=False)

    def records(self) -> list[dict[str, Any]]:
        """Return one plain record a picture, the most suspicious first."""
        return [
            {**attrs.asdict(one.places), **{k: getattr(one, k) for k in COLUMNS if hasattr(one, k)}}
            for one in self.pictures
        ]

    def document(self) -> dict[str, Any]:
        """Return everything as plain data."""
        found = {
            "method": self.method,
            "layer": self.layer,
            "notes": list(self.notes),
            "provenance": self.provenance,
            "findings": [{**attrs.asdict(one), "text": str(one)} for one in self.findings],
            "class_means": {name: mean.round(4) for name, mean in self.class_means.items()},
            "pictures": self.records(),
        }
        done: dict[str, Any] = plain(found)
        return done

    def save(self, path: str | Path) -> Path:
        """Write everything to a `.json`, the pictures to a `.csv`, or the class-mean maps to a `.png` file.

        The file is whole or not there.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix == ".json":
            text = json.dumps(self.document(), indent=2, allow_nan=False) + "\n"
        elif suffix == ".csv":
            buffer = io.StringIO()
            writer = csv.DictWriter(buffer, COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(map(as_row, self.records()))
            text = buffer.getvalue()
        elif suffix == ".png":
            return write_image(target, self.sheet())
        else:
            raise OutputError(f"Cannot write an audit to {target.name!r}. Use .json, .csv or .png.")
        write_bytes(target, text.encode("utf-8", "replace"))
        return target

    def sheet(self) -> np.ndarray:
        """Return the class-mean maps, (H, W, 3) uint8: each over its own maximum, with its class below."""
        table, tiles = colour_table(SEQUENTIAL), []
        for mean in self.class_means.values():
            share = mean / max(float(mean.max()), 1e-12)
            tiles.append(colourise(share, table).repeat(ENLARGED, 0).repeat(ENLARGED, 1))
        names = [shorten(name, len(tiles[0]), LABEL) for name in self.class_means]
        return grid(tiles, names, size=LABEL)

    def __str__(self) -> str:
        """Return findings and the first ten pictures as text."""
        head = [str(one) for one in self.findings] or ["nothing was found that goes along with a class"]
        rows = [
            f"{one.suspicion:5.1f} × {one.why:<20} {one.source} ({one.explained})"
            for one in self.pictures[:10]
        ]
        return "\n".join([*head, *rows, *self.notes])
