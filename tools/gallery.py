"""Make the gallery of every kind of picture: run `python tools/gallery.py`.

Writes docs/gallery/: pictures, animations, and the README that shows each with the Python that makes it.
`--text` writes the README alone, of the pictures that are there.  Needs the extra `demo`; takes some minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from gallery_entries import Entry  # noqa: E402

FOLDER = ROOT / "docs" / "gallery"
LARGEST = 3_000_000  # bytes of the whole folder
TITLED = "title=True, colorbar=True"

PARTS = (
    """\
# Gallery

Every kind of picture that VisionCam draws, each with its code. All of it is written by
`python tools/gallery.py`; the [photos](../../examples/LICENCES.md) are in `examples/`. Run the code in a
checkout.

The embedded model sees only the middle of a photo (a centre crop): evidence ends where its view ends.
""",
    "## One photo, one method\n",
    Entry(
        "triptych.webp",
        "Triptych",
        "Photo, map, and the map over the photo, with title and scale: a figure ready for a report.",
        "cat",
        '"triptych"',
    ),
    Entry(
        "overlay.webp",
        "Overlay",
        "The default, also called saliency. Low evidence does not tint the photo.",
        "cat",
        TITLED,
    ),
    Entry(
        "heatmap.webp",
        "Heat map",
        "The map alone, in colours that colour-blind people can read.",
        "coffee",
        f'"heatmap", {TITLED}',
    ),
    Entry(
        "spotlight.webp",
        "Spotlight",
        "The photo in its own colours, dimmed where there is little evidence.",
        "coffee",
        '"spotlight"',
    ),
    Entry(
        "masked.webp",
        "Masked",
        "Only the strongest 15 % of the picture.",
        "coffee",
        '"masked", percent=15, fill="white"',
    ),
    Entry(
        "contour.webp",
        "Contour lines",
        "The photo with lines at 25, 50 and 75 % of the maximum.",
        "coffee",
        f'"contour", {TITLED}',
    ),
    Entry(
        "boxes.webp",
        "Boxes",
        "A box around each connected area of evidence. The number is its share of all evidence, not a "
        "detector's confidence.",
        "rocket",
        '"boxes", threshold="otsu"',
    ),
    Entry(
        "side_by_side.webp",
        "Side by side",
        "The photo, and next to it the map over the photo.",
        "rocket",
        '"sidebyside"',
    ),
    Entry(
        "signed.webp",
        "For and against",
        "Red is evidence for the class, blue against it; the photo is grey, so that all colour is evidence.",
        "both",
        f'"signed", {TITLED}',
    ),
    "## Several methods\n",
    Entry(
        "sheet.webp",
        "Contact sheet",
        "The paper's nine methods, what each cost beyond the shared pass, where they agree, and how much.",
        "sheet",
        "agreement=True, correlations=True",
    ),
    "## Several pictures, layers and methods\n",
    Entry(
        "rows.webp",
        "Sheet of combinations",
        "A row for each picture and layer (and class, with `targets=`): earlier layers see fine parts, the "
        "last one the whole object.",
        "rows",
    ),
    "## Beyond CAM\n",
    Entry(
        "gradient.webp",
        "Gradients in the picture",
        "Each pixel's share; drawn as the sum over its neighbourhood, 1 % of the side.",
        "gradient",
    ),
    Entry(
        "region.webp",
        "Regions of the picture",
        "Parts are hidden and scores read; four of the five methods share their masked pictures.",
        "region",
    ),
    Entry(
        "regions.webp",
        "Signed regions",
        "What each cell of the grid adds to the score or takes from it, in the score's own units.",
        "shap",
        f'"regions", {TITLED}',
    ),
    Entry("bars.webp", "Bars", "The largest contributions by name.", "shap", '"bars"'),
    """\
## Volumes

A made-up scan of 32 × 64 × 48 voxels with a bright and a dark ball, and a small 3-D model whose
weights are set by hand to find them ([tools/gallery_models.py](../../tools/gallery_models.py)).
""",
    Entry(
        "planes.png",
        "Planes",
        "Three planes that meet where the evidence is strongest.",
        "scan",
        f'"planes", {TITLED}',
    ),
    Entry(
        "slices.png",
        "Slices",
        "Slices spread evenly, on one contrast and one scale.",
        "scan",
        '"slices", count=8, axis=0',
    ),
    Entry(
        "projection.png",
        "Projection",
        "Brightest value and strongest evidence along an axis.",
        "scan",
        '"projection", axis=1, min_size=400',
    ),
    Entry("scan.gif", "Animation", "Slice by slice, as GIF or MP4.", "scan", "fps=10"),
    "## Signals and videos\n\nMade up as well, with models of the same kind.\n",
    Entry("signal.png", "Signal", "The line on a ribbon of its evidence.", "beats", TITLED),
    Entry("video.png", "Video", "A strip of frames.", "ball", TITLED),
    Entry("video.gif", "Animated video", "Its own frames.", "ball", "fps=6"),
)


def text() -> str:
    """Return the README, of the pictures that are there."""
    shown = [part for part in PARTS if isinstance(part, str) or (FOLDER / part.file).exists()]
    return "\n".join(part if isinstance(part, str) else part.markdown() for part in shown)


def main(arguments: list[str]) -> int:
    """Write the gallery and return the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if "--text" not in arguments:
        for old in FOLDER.iterdir():
            old.unlink()
        names: dict[str, Any] = {}
        for entry in (part for part in PARTS if isinstance(part, Entry)):
            path = entry.draw(FOLDER, names)
            print(f"{path.stat().st_size / 1000:7.0f} kB  {path.name}")
    (FOLDER / "README.md").write_text(text(), encoding="utf-8")
    total = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"{total / 1e6:7.2f} MB of {LARGEST / 1e6:.0f}")
    return int(total > LARGEST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
