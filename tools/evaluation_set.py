"""The pictures of docs/evaluation.md: drawn objects and pieces of the bundled photos, each with its mask.

`python tools/evaluation_set.py` chooses `SEEDS` again: for each picture one that the embedded network knows.
"""

from __future__ import annotations

import sys
from pathlib import Path

import attrs
import numpy as np
from drawn_objects import DRAWN
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PIECES = {
    "cat": ("chelsea.png", (110, 10, 330, 230), 285),
    "cup": ("coffee.png", (140, 50, 480, 390), 967),
    "rocket": ("rocket.jpg", (300, 125, 345, 410), 657),
}
"""The object of a photo: its file, the box (left, top, right, bottom), and the class."""
CUT = ("cat", "cup")
"""Those that are also cut out; the rocket by itself is not known."""
PHOTOS = {"cat": (80, 0, 380, 300), "cup": (110, 0, 510, 400), "rocket": (107, 0, 534, 427)}
"""The square of a photo that is a background."""
CANVAS, EDGE = 256, 16
"""Sides of a picture, and of what the model does not see of it: it looks at the middle 224."""
KINDS = ("one object", "one object", "two objects", "two objects", "an object on a photo")
SEEDS = (0, 0, 0, 3, 4, 0, 0, 2, 0, 13, 0, 0, 0, 4, 1, 0, 0, 1, 0, 4, 1, 0, 0, 0, 16,
         0, 0, 4, 5, 2, 0, 0, 0, 0, 8, 0, 0, 0, 0, 26, 0, 0, 0, 0, 4, 0, 0, 0, 0, 10,
         0, 0, 2, 3, 7, 0, 0, 0, 0, 1)  # fmt: skip


@attrs.frozen(eq=False)
class Thing:
    """An object in a picture: its name, class, and (256, 256) bool mask."""

    name: str
    target: int
    truth: np.ndarray


@attrs.frozen(eq=False)
class Picture:
    """One case of the set.

    Attributes:
        kind: of `KINDS`.
        pixels: (256, 256, 3) uint8.
        asked: the object that is explained.
        other: the other object, or None.
    """

    kind: str
    pixels: np.ndarray
    asked: Thing
    other: Thing | None

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.kind}: {self.asked.name}" + (f" beside {self.other.name}" if self.other else "")

    def turned(self) -> Picture:
        """Return the same picture with the other object asked for."""
        assert self.other is not None
        return attrs.evolve(self, asked=self.other, other=self.asked)


def pictures() -> list[Picture]:
    """Return the sixty pictures, the same each time."""
    return [picture(number, seed) for number, seed in enumerate(SEEDS)]


def picture(number: int, seed: int) -> Picture:
    """Return the picture of a number, one of many by its seed; kinds take turns."""
    kind, rng = KINDS[number % len(KINDS)], np.random.default_rng((number, seed))
    names = list(rng.permutation([*DRAWN, *CUT]))
    if kind == KINDS[-1]:
        own = list(PIECES)[number // len(KINDS) % len(PIECES)]
        canvas, things = photo(own), [piece_of(own)]
        name = next(name for name in names if name in DRAWN)
        things.append(paste(canvas, name, rng, 80, things))
    else:
        canvas, things = texture(seed * 100 + number), []
        for name in names[: 1 + (kind == KINDS[2])]:
            side = int(rng.integers(88, 104) if kind == KINDS[2] else rng.integers(96, 144))
            things.append(paste(canvas, str(name), rng, side, things))
    asked = len(things) - 1 if kind == KINDS[-1] else 0
    kept = [attrs.evolve(one, truth=one.truth & ~later) for one, later in _beneath(things)]
    return Picture(kind, canvas, kept[asked], kept[1 - asked] if len(kept) > 1 else None)


def _beneath(things: list[Thing]) -> list[tuple[Thing, np.ndarray]]:
    return [
        (one, np.any([np.zeros_like(one.truth), *(o.truth for o in things[i + 1 :])], 0))
        for i, one in enumerate(things)
    ]


def paste(canvas: np.ndarray, name: str, rng: np.random.Generator, side: int, things: list[Thing]) -> Thing:
    """Lay an object on the canvas where none lies yet, and return it."""
    if name in CUT:
        file, box, target = PIECES[name]
        with Image.open(ROOT / "examples" / file) as found:
            one = found.convert("RGBA").crop(box)
    else:
        target, draw = DRAWN[name]
        one = draw(rng)
    patch = np.asarray(one.resize((side, side), Image.Resampling.LANCZOS))
    taken = np.any([np.zeros(canvas.shape[:2], bool), *(thing.truth for thing in things)], axis=0)
    places = [tuple(rng.integers(EDGE, CANVAS - EDGE - side, 2)) for _ in range(200)]
    top, left = min(places, key=lambda at: taken[at[0] : at[0] + side, at[1] : at[1] + side].sum())
    here = np.s_[top : top + side, left : left + side]
    share = patch[..., 3:] / 255
    canvas[here] = np.round(canvas[here] * (1 - share) + patch[..., :3] * share)
    truth = np.zeros(canvas.shape[:2], bool)
    truth[here] = patch[..., 3] > 127
    return Thing(name, target, truth)


def photo(name: str) -> np.ndarray:
    """Return the background that a photo is, (256, 256, 3) uint8."""
    with Image.open(ROOT / "examples" / PIECES[name][0]) as found:
        return np.array(
            found.convert("RGB").crop(PHOTOS[name]).resize((CANVAS, CANVAS), Image.Resampling.LANCZOS)
        )


def piece_of(name: str) -> Thing:
    """Return the object of a photo on its background."""
    left, top, right, _ = PHOTOS[name]
    _, box, target = PIECES[name]
    a, b, c, d = (
        round((n - o) * CANVAS / (right - left)) for n, o in zip(box, (left, top, left, top), strict=True)
    )
    truth = np.zeros((CANVAS, CANVAS), bool)
    truth[max(b, EDGE) : min(d, CANVAS - EDGE), max(a, EDGE) : min(c, CANVAS - EDGE)] = True
    return Thing(name, target, truth)


def texture(seed: int) -> np.ndarray:
    """Return a seeded texture of soft colours, (256, 256, 3) uint8."""
    coarse = np.random.default_rng(seed).integers(70, 190, (12, 12, 3)).astype(np.uint8)
    fine = np.random.default_rng(1_000_000 + seed).normal(0, 12, (CANVAS, CANVAS, 1))
    soft = Image.fromarray(coarse).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(soft, np.float64) + fine, 0, 255).astype(np.uint8)


def known(model: object) -> list[int]:
    """Return for each number the first seed of a picture that the model knows: SEEDS."""
    import visioncam

    explain, found, drawn = visioncam.explainer(model, "gradcam"), [], 0
    for number in range(60):
        for seed in range(100):
            drawn += 1
            one = picture(number, seed)
            best = {row.index: row.value for row in explain(one.pixels).predictions}
            enough = 0.3 if one.other is None else 0.15
            if best.get(one.asked.target, 0) >= enough and (one.other is None or one.other.target in best):
                found.append(seed)
                break
        else:
            raise SystemExit(f"no seed of number {number} gives a picture that the model knows")
    print(f"{drawn} drawn")
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    import visioncam

    print(f"SEEDS = {tuple(known(visioncam.demo.load()))}")
