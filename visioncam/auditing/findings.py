"""What an audit found: classes with a place that stands out, and the pictures to look at first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np

from visioncam.auditing.places import PLACES, cells
from visioncam.auditing.stand_out import Finding
from visioncam_core.errors import OutputError
from visioncam_core.files import csv_text, json_text, write_bytes
from visioncam_core.plain_data import plain
from visioncam_core.results.image_files import write_image
from visioncam_viz.drawing.colour import SEQUENTIAL, colour_table, colourise
from visioncam_viz.drawing.grid import grid
from visioncam_viz.drawing.text import INK, WHITE, shorten

ENLARGED, LABEL = 4, 14  # pixels a value of a class-mean map on the sheet; font size
COLUMNS = ("source", "explained", "suspicion", "why", "text", "outside", "cluster")


@attrs.frozen(eq=False)
class Audited:
    """One picture.

    Attributes:
        source: its name.
        number: in the data set.
        explained: its class.
        shares: place -> share of its map's energy, 0 to 1, that lies there and on no object; NaN where blank.
        suspicion: how many times more than on a uniform map lies on the worst place.
        why: which place that is: "outside the object" where the object has so many times less; "" where
            nothing has 1.5 times more.
        text: share of strong edges there: letters and logos have many, sky and grass few.
        outside: share of the energy outside the object, or NaN if it is unknown where that is.
        cluster: which cluster of maps it is in, or None.
    """

    source: str
    number: int
    explained: str
    shares: dict[str, float] = attrs.field(repr=False)
    suspicion: float
    why: str
    text: float
    outside: float
    cluster: int | None = None


@attrs.frozen(eq=False)
class Audit:
    """What an audit found.

    Attributes:
        pictures: the most suspicious first; blank maps last.
        places: every class with enough pictures at every place.
        class_means: class -> (60, 60) mean of its maps, on the part of the pictures that the model sees.
        method: of the maps.
        layer: of the maps.
        notes: first anything that makes all maps worthless, then what could not be done.
        passes: pictures sent through (parts of) the model.
        provenance: versions, seed and model.
    """

    pictures: tuple[Audited, ...]
    places: tuple[Finding, ...] = attrs.field(repr=False)
    class_means: dict[str, np.ndarray] = attrs.field(repr=False)
    method: str
    layer: str
    notes: tuple[str, ...] = ()
    passes: int = 0
    provenance: dict[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Places correlated with a class, the strongest first; empty if nothing was found."""
        return tuple(sorted((one for one in self.places if one.found), key=lambda one: -one.times))

    def records(self) -> list[dict[str, Any]]:
        """Return one plain record per picture, the most suspicious first."""
        return [{**{name: getattr(one, name) for name in COLUMNS}, **one.shares} for one in self.pictures]

    def document(self) -> dict[str, Any]:
        """Return everything as plain data."""
        found = {
            "notes": list(self.notes),
            "findings": [one.record() | {"text": str(one)} for one in self.findings],
            "method": self.method,
            "layer": self.layer,
            "passes": self.passes,
            "provenance": self.provenance,
            "places": [one.record() for one in self.places],
            "class_means": {name: mean.round(4) for name, mean in self.class_means.items()},
            "pictures": self.records(),
        }
        done: dict[str, Any] = plain(found)
        return done

    def save(self, path: str | Path) -> Path:
        """Write everything to a `.json`, the pictures to a `.csv`, or the class-mean maps to a `.png` file.

        The file is either complete or absent.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix == ".json":
            text = json_text(self.document())
        elif suffix == ".csv":
            text = csv_text((*COLUMNS, *PLACES), self.records())
        elif suffix == ".png":
            return write_image(target, self.sheet())
        else:
            raise OutputError(f"Cannot write an audit to {target.name!r}. Use .json, .csv or .png.")
        write_bytes(target, text.encode("utf-8", "replace"))
        return target

    def sheet(self) -> np.ndarray:
        """Return the class-mean maps, (H, W, 3) uint8, each over its own maximum, found places framed."""
        from scipy.ndimage import binary_erosion

        table, tiles, names = colour_table(SEQUENTIAL), [], []
        for name, mean in self.class_means.items():
            share = mean / max(float(mean.max()), 1e-12)
            tile = colourise(share, table).repeat(ENLARGED, 0).repeat(ENLARGED, 1)
            places = [one.place for one in self.findings if one.explained == name]
            for place in places:
                inside = np.pad(cells(place).repeat(ENLARGED, 0).repeat(ENLARGED, 1), 1)
                for width, colour in ((3, INK), (2, WHITE)):  # seen on dark and on bright maps
                    line = inside & ~binary_erosion(inside, iterations=width)
                    tile[line[1:-1, 1:-1]] = colour
            tiles.append(tile)
            names.append(shorten(": ".join([name, ", ".join(places)]) if places else name, len(tile), LABEL))
        return grid(tiles, names, size=LABEL)

    def __str__(self) -> str:
        """Return notes, findings and the first ten pictures as text."""
        head = [str(one) for one in self.findings] or [nothing(self)]
        rows = [
            f"{one.suspicion:5.1f} × uniform  {one.why or '-':<24} {one.source} ({one.explained})"
            for one in self.pictures[:10]
        ]
        return "\n".join([*self.notes, *head, *rows])


def nothing(audit: Audit) -> str:
    """Return what to say where there are no findings."""
    return (
        "no place was found that is correlated with a class" if audit.places else "no class could be judged"
    )
