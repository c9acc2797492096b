"""Every renderer's picture as it was when somebody last looked at it.

After a change that is meant to be seen, look at the pictures and write the new ones:

    python tests/viz/test_golden.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.viz import comparison, explanation, gaussian

from visioncam_core.results.explanation import Explanation

FILE = Path(__file__).parents[1] / "data" / "golden" / "renderers.npz"
BLOCK = 6  # pixels a side that are averaged: a golden picture tells colours and places, no letters
PICTURES = (
    "overlay",
    "heatmap",
    "spotlight",
    "masked",
    "contour",
    "signed",
    "boxes",
    "sidebyside",
    "triptych",
)
VOLUMES = ("slices", "planes", "projection")


def picture_case(evidence: str = "signed") -> Explanation:
    """Return an explanation of a smooth photo, evidence for on the left and against on the right."""
    y, x = np.mgrid[:90, :120].astype(np.float32)
    photo = np.stack([x * 2, y * 2.5, 255 - x - y], axis=-1).clip(0, 255).astype(np.uint8)
    heat = gaussian((90, 120), (40, 40), 14) - 0.6 * gaussian((90, 120), (55, 90), 10)
    return explanation(photo, heat if evidence == "signed" else np.maximum(heat, 0), evidence=evidence)


def volume_case() -> Explanation:
    """Return an explanation of a ramp with a bright corner."""
    ramp = np.mgrid[:12, :20, :16].sum(axis=0).astype(np.float32)
    return explanation(ramp, gaussian((12, 20, 16), (4, 12, 6), 3))


def made() -> dict[str, np.ndarray]:
    """Return all pictures, blocks of pixels averaged."""
    found = {name: picture_case().render(name, **plain(name)) for name in PICTURES}
    found |= {
        f"{name} for": picture_case("for").render(name, **plain(name)) for name in ("overlay", "contour")
    }
    found |= {name: volume_case().render(name) for name in VOLUMES}
    found["sheet"] = comparison(picture_case(), picture_case()).sheet(tile=128, agreement=True)
    return {name: averaged(picture) for name, picture in found.items()}


def plain(name: str) -> dict[str, bool]:
    return {"title": False, "colorbar": False, "labels": False} if name == "triptych" else {}


def averaged(picture: np.ndarray) -> np.ndarray:
    height, width = (side // BLOCK for side in picture.shape[:2])
    part = picture[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK, 3)
    return np.rint(part.mean(axis=(1, 3))).astype(np.uint8)


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    return made()


@pytest.mark.parametrize("name", [*PICTURES, "overlay for", "contour for", *VOLUMES, "sheet"])
def test_pictures_look_as_they_did(name: str, pictures: dict[str, np.ndarray]) -> None:
    with np.load(FILE) as golden:
        expected = golden[name]
    found = pictures[name]
    assert found.shape == expected.shape, f"{name} changed its size; if that is meant, see this file's head"
    off = np.abs(found.astype(int) - expected)
    # Letters may differ by matplotlib's version, by a few blocks and shades; colours and places may not.
    assert off.mean() < 0.8
    assert (off.max(axis=-1) > 6).mean() < 0.02, (
        f"{name} looks different; if that is meant, see this file's head"
    )


if __name__ == "__main__":
    np.savez_compressed(FILE, **made())
    print(f"{FILE.stat().st_size} bytes")
