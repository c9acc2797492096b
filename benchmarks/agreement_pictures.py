"""Pictures for `metric_agreement`: the bundled photos, and two objects in one picture with known boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PHOTOS = ("chelsea.png", "coffee.png", "rocket.jpg")
OBJECTS = {
    "cat": ("chelsea.png", (110, 10, 330, 230)),
    "cup": ("coffee.png", (140, 50, 480, 390)),
    "rocket": ("rocket.jpg", (200, 20, 440, 400)),
}
CANVAS, SIDE = 256, 96
PLACES = (((28, 30), (132, 128)), ((130, 26), (26, 132)))
"""Upper left corners (left, top) of the two objects, both for each pair; the model sees the middle 224."""


@attrs.frozen(eq=False)
class Picture:
    """One case of the set.

    Attributes:
        name: for the page.
        pixels: (256, 256, 3) uint8, or the path of a photo.
        target: class index, or None for the top class.
        box: (left, top, right, bottom) of the object, or None.
    """

    name: str
    pixels: Any
    target: int | None
    box: tuple[int, int, int, int] | None


def pictures(model: Any) -> list[Picture]:
    """Return the photos, then each composed picture twice: once for each of its two objects.

    The class of an object is the one the model gives it alone on grey.
    """
    import visioncam

    found = [Picture(name, EXAMPLES / name, None, None) for name in PHOTOS]
    patches = {name: patch(name) for name in OBJECTS}
    classes = {}
    for name, one in patches.items():
        alone = np.full((CANVAS, CANVAS, 3), 127, np.uint8)
        alone[80 : 80 + SIDE, 80 : 80 + SIDE] = one
        classes[name] = visioncam.explain(model, alone).predictions[0].index
    names = list(OBJECTS)
    pairs = [(names[i], names[(i + 1) % len(names)]) for i in range(len(names))]
    for number in range(len(pairs) * len(PLACES)):
        pair, places = pairs[number % len(pairs)], PLACES[number % len(PLACES)]
        canvas = texture(number)
        for name, (left, top) in zip(pair, places, strict=True):
            canvas[top : top + SIDE, left : left + SIDE] = patches[name]
        for name, (left, top) in zip(pair, places, strict=True):
            box = (left, top, left + SIDE, top + SIDE)
            found.append(Picture(f"{' and '.join(pair)}, {name}", canvas, classes[name], box))
    return found


def patch(name: str) -> np.ndarray:
    """Return an object cut from its photo, (SIDE, SIDE, 3) uint8."""
    photo, box = OBJECTS[name]
    with Image.open(EXAMPLES / photo) as picture:
        return np.asarray(picture.convert("RGB").crop(box).resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def texture(seed: int) -> np.ndarray:
    """Return a seeded texture of soft colours, (CANVAS, CANVAS, 3) uint8."""
    coarse = np.random.default_rng(seed).integers(70, 190, (12, 12, 3)).astype(np.uint8)
    fine = np.random.default_rng(1000 + seed).normal(0, 12, (CANVAS, CANVAS, 1))
    size = (CANVAS, CANVAS)
    soft = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC), np.float64)
    return np.clip(soft + fine, 0, 255).astype(np.uint8)
