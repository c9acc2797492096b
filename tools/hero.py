"""Draw docs/images/hero.webp, README's first picture: `python tools/hero.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from shortcut import NAMES, crops, trained

import visioncam
from visioncam_viz.drawing.text import INK, QUIET, draw, line_height

ROOT = Path(__file__).resolve().parents[1]
WIDE = 1660
MARGIN, GAP, BIG, SMALL = 36, 22, 24, 16
TAG = np.s_[92:110, 74:110]
Tile = tuple[np.ndarray, str, str]


def main() -> None:
    """Explain the bundled photos by the embedded network, and a tagged photo by one that learned the tag."""
    model, whole = visioncam.demo.load(), {"geometry": "resize"}
    cat, rocket = (str(ROOT / "examples" / name) for name in ("chelsea.png", "rocket.jpg"))
    cats = [
        visioncam.explain(model, cat, "gradcam", **whole),
        visioncam.explain(model, cat, "smoothgrad", **whole),
        visioncam.explain(model, cat, "occlusion", evidence="signed", **whole),
    ]
    first = [
        (
            cats[0].picture,
            f"\u201c{cats[0].target.name}\u201d {chance(cats[0])}",
            "what the network says of this photo",
        ),
        (cats[0].render(), "Grad-CAM", "why: the face, at the last layer"),
        (cats[1].render(), "SmoothGrad", "why: eyes, nose and outline, pixel by pixel"),
        (cats[2].render("signed"), "Occlusion", "what if: regions hidden; red for, blue against"),
    ]
    asked = [visioncam.explain(model, rocket, target=name, **whole) for name in ("missile", "spotlight")]
    second = [
        (
            e.render(),
            f"\u201c{e.target.name.partition(',')[0]}\u201d {chance(e)}",
            "two classes in one photo",
        )
        for e in asked
    ]
    learned = trained(*crops(0))
    before = crops(1)[0][3]
    mask = np.zeros(before.shape[:2], np.uint8)
    mask[TAG] = 255
    after = cv2.inpaint(before, mask, 3, cv2.INPAINT_TELEA)
    found = [visioncam.explain(learned, one, target=1, class_names=NAMES) for one in (before, after)]
    words = ("a shortcut: the tag", "without the tag")
    second += [
        (e.render() if e.heatmap.any() else one, f"\u201c{e.target.name}\u201d {chance(e)}", word)
        for e, one, word in zip(found, (before, after), words, strict=True)
    ]
    page = Image.fromarray(page_of([first, second]))
    page.save(ROOT / "docs" / "images" / "hero.webp", quality=88, method=6)


def chance(e: Any) -> str:
    """Return the target's probability in words."""
    return f"{e.target.probability:.1%}" if e.target.probability < 0.1 else f"{e.target.probability:.0%}"


def page_of(rows: list[list[Tile]]) -> np.ndarray:
    """Lay tiles out, each row as wide as the page."""
    bands, above = [], line_height(BIG) + line_height(SMALL) + 8
    for tiles in rows:
        shapes = [picture.shape[1] / picture.shape[0] for picture, _, _ in tiles]
        high = round((WIDE - GAP * (len(tiles) - 1)) / sum(shapes))
        band, left = np.full((above + high + GAP, WIDE + 2 * MARGIN, 3), 255, np.uint8), MARGIN
        for (picture, title, words), shape in zip(tiles, shapes, strict=True):
            wide = round(high * shape)
            how = cv2.INTER_AREA if high < picture.shape[0] else cv2.INTER_CUBIC
            draw(band, title, left, 0, BIG, colour=INK, bold=True)
            draw(band, words, left, line_height(BIG), SMALL, colour=QUIET)
            band[above : above + high, left : left + wide] = cv2.resize(
                picture, (wide, high), interpolation=how
            )
            left += wide + GAP
        bands.append(band)
    edge = np.full((MARGIN - GAP // 2, WIDE + 2 * MARGIN, 3), 255, np.uint8)
    return np.vstack([edge, *bands, edge])


if __name__ == "__main__":
    main()
