"""Make the gallery of every kind of picture: run `python tools/gallery.py`.

Writes docs/gallery/ anew: pictures, films, and the README that shows them with the line of
Python that makes each.  Needs the extra `demo`; takes some minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gallery_models as made_up
from gallery_beyond import families
from gallery_entries import Entry, entry, explained

import visioncam
import visioncam.demo
from visioncam import Comparison

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "gallery"
LARGEST = 3_000_000  # bytes of the whole folder

INTRODUCTION = """\
# Gallery

Every kind of picture that VisionCam makes, each with the line that made it. All of it is written by
`python tools/gallery.py`; the [photos](../../examples/LICENCES.md) lie in `examples/`.

```python
import visioncam, visioncam.demo

model = visioncam.demo.load()                       # EfficientNet-Lite0, ImageNet's classes
cat = visioncam.explain(model, "examples/chelsea.png", method="xgradcam")
coffee = visioncam.explain(model, "examples/coffee.png", method="xgradcam")
rocket = visioncam.explain(model, "examples/rocket.jpg", method="xgradcam")
```

The embedded model sees the middle of a photo (a centre crop): evidence ends where its view ends.
"""


def photos(model: Any) -> Iterator[Entry | str]:
    """Yield the pictures of photos."""
    cat, coffee, rocket = (
        explained(model, ROOT / "examples" / file, method="xgradcam")
        for file in ("chelsea.png", "coffee.png", "rocket.jpg")
    )
    yield "## One photo, one method\n"
    yield entry(
        cat,
        "cat",
        "triptych.webp",
        "Triptych",
        "Photo, map, and the map over the photo, with title and scale: a figure ready for a report.",
        "triptych",
    )
    yield entry(
        cat,
        "cat",
        "overlay.webp",
        "Overlay",
        "The default, also called saliency. Low evidence does not tint the photo.",
        title=True,
        colorbar=True,
    )
    yield entry(
        coffee,
        "coffee",
        "heatmap.webp",
        "Heat map",
        "The map alone, in colours that colour-blind people can read.",
        "heatmap",
        title=True,
        colorbar=True,
    )
    yield entry(
        coffee,
        "coffee",
        "spotlight.webp",
        "Spotlight",
        "The photo in its own colours, dimmed where there is little evidence.",
        "spotlight",
    )
    yield entry(
        coffee,
        "coffee",
        "masked.webp",
        "Masked",
        "Only the strongest 15 % of the picture.",
        "masked",
        percent=15,
        fill="white",
    )
    yield entry(
        coffee,
        "coffee",
        "contour.webp",
        "Contour lines",
        "The photo untouched but for lines at 25, 50 and 75 % of the maximum.",
        "contour",
        title=True,
        colorbar=True,
    )
    yield entry(
        rocket,
        "rocket",
        "boxes.webp",
        "Boxes",
        "A box around each connected place with evidence. The number is its share of all evidence, no "
        "detector's confidence.",
        "boxes",
        threshold="otsu",
    )
    yield entry(
        rocket,
        "rocket",
        "side_by_side.webp",
        "Side by side",
        "The photo, and what is under the colours.",
        "sidebyside",
    )
    signed = explained(
        model,
        ROOT / "examples" / "chelsea.png",
        method="gradcam",
        target="Egyptian cat",
        evidence="signed",
        layer="block5c_add",
    )
    yield (
        '```python\nboth = visioncam.explain(model, "examples/chelsea.png", target="Egyptian cat", '
        'evidence="signed",\n                         layer="block5c_add")\n```\n'
    )
    yield entry(
        signed,
        "both",
        "signed.webp",
        "For and against",
        "Red speaks for the class, blue against it; the photo is grey, so that all colour is evidence.",
        "signed",
        title=True,
        colorbar=True,
    )


def comparisons(model: Any) -> Iterator[Entry | str]:
    """Yield the contact sheets."""
    yield "## Several methods\n"
    found = visioncam.compare(model, ROOT / "examples" / "coffee.png")
    assert isinstance(found, Comparison)
    yield '```python\nfound = visioncam.compare(model, "examples/coffee.png")\n```\n'
    yield entry(
        found,
        "found",
        "sheet.webp",
        "Contact sheet",
        "All nine methods, what each cost beyond the shared pass, where they agree, and how much.",
        agreement=True,
        correlations=True,
    )
    yield "## Several pictures, layers and methods\n"
    paths = [ROOT / "examples" / file for file in ("rocket.jpg", "coffee.png")]
    asked: dict[str, Any] = {"methods": ["gradcam", "hirescam"], "layers": ["block3b_add", "auto"]}
    rows = visioncam.compare(model, paths, **asked)
    yield (
        '```python\npaths = ["examples/rocket.jpg", "examples/coffee.png"]\n'
        'rows = visioncam.compare(model, paths, methods=["gradcam", "hirescam"], '
        'layers=["block3b_add", "auto"])\n```\n'
    )
    yield entry(
        rows,
        "rows",
        "rows.webp",
        "Sheet of combinations",
        "A row for each picture and layer (and class, with `targets=`): earlier layers see fine parts, the "
        "last one the whole object.",
    )


def volumes() -> Iterator[Entry | str]:
    """Yield the pictures of a volume."""
    yield (
        "## Volumes\n\nA made-up scan of 32 × 64 × 48 voxels with a bright and a dark ball, and a small 3-D "
        "model whose\nweights are set by hand to find them (`tools/gallery_models.py`).\n\n```python\n"
        'scan = visioncam.explain(nodule_finder(), volume(), method="respondcam", target="nodule",\n'
        '                         class_names=["nodule", "cyst"])\n```\n'
    )
    scan = explained(
        made_up.nodule_finder(),
        made_up.volume(),
        method="respondcam",
        target="nodule",
        class_names=["nodule", "cyst"],
    )
    yield entry(
        scan,
        "scan",
        "planes.png",
        "Planes",
        "Three planes that meet where the evidence is strongest.",
        "planes",
        title=True,
        colorbar=True,
    )
    yield entry(
        scan,
        "scan",
        "slices.png",
        "Slices",
        "Slices spread evenly, on one contrast and one scale.",
        "slices",
        count=8,
        axis=0,
    )
    yield entry(
        scan,
        "scan",
        "projection.png",
        "Projection",
        "Brightest value and strongest evidence along an axis.",
        "projection",
        axis=1,
        min_size=400,
    )
    yield entry(scan, "scan", "scan.gif", "Film", "Slice by slice, as GIF or MP4.", fps=10)


def signals_and_videos() -> Iterator[Entry | str]:
    """Yield the pictures of a signal and of a video."""
    yield (
        "## Signals and videos\n\nMade up as well, with models of the same kind.\n\n```python\n"
        'beats = visioncam.explain(beat_sorter(), heartbeats(), class_names=["narrow beat", "wide beat"])\n'
        'ball = visioncam.explain(motion_finder(), clip(), class_names=["moving", "at rest"])\n```\n'
    )
    beats = explained(made_up.beat_sorter(), made_up.heartbeats(), class_names=["narrow beat", "wide beat"])
    yield entry(
        beats,
        "beats",
        "signal.png",
        "Signal",
        "The line on a ribbon of its evidence.",
        title=True,
        colorbar=True,
    )
    ball = explained(made_up.motion_finder(), made_up.clip(), class_names=["moving", "at rest"])
    yield entry(ball, "ball", "video.png", "Video", "A strip of frames.", title=True, colorbar=True)
    yield entry(ball, "ball", "video.gif", "Film of a video", "Its own frames.", fps=6)


def main() -> int:
    """Write the gallery and return the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    model = visioncam.demo.load()
    parts = [INTRODUCTION]
    for part in (*photos(model), *comparisons(model), *families(model), *volumes(), *signals_and_videos()):
        if isinstance(part, str):
            parts.append(part)
            continue
        path = part.save(FOLDER / part.file)
        print(f"{path.stat().st_size / 1000:7.0f} kB  {path.name}")
        parts.append(part.markdown())
    (FOLDER / "README.md").write_text("\n".join(parts), encoding="utf-8")
    total = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"{total / 1e6:7.2f} MB of {LARGEST / 1e6:.0f}")
    return int(total > LARGEST)


if __name__ == "__main__":
    sys.exit(main())
