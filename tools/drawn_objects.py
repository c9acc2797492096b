"""Objects drawn by a few lines each that ImageNet networks know; drawn for VisionCam, under its licence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

SIDE = 384
Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]
DARK, WHITE, GREY = (25, 25, 28), (250, 250, 246), (150, 150, 152)


class _Pen:
    """Draws on an empty square; places and lengths are shares of its side, places (right, down)."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)

    def disc(self, x: float, y: float, r: float, fill: Colour, high: float | None = None) -> None:
        high = r if high is None else high
        self.draw.ellipse([SIDE * n for n in (x - r, y - high, x + r, y + high)], fill)

    def line(self, points: Points, fill: Colour, width: float) -> None:
        self.draw.line([(SIDE * x, SIDE * y) for x, y in points], fill, int(SIDE * width), joint="curve")

    def area(self, points: Points, fill: Colour, outline: Colour | None = None) -> None:
        self.draw.polygon([(SIDE * x, SIDE * y) for x, y in points], fill, outline)

    def box(
        self, a: float, b: float, c: float, d: float, fill: Colour | None, edge: Colour, width: float
    ) -> None:
        self.draw.rectangle([SIDE * n for n in (a, b, c, d)], fill, edge, int(SIDE * width))

    def shaded(self, shine: float, noise: float = 0, rng: np.random.Generator | None = None) -> _Pen:
        """Light what was drawn as if it were round, from the upper left; with soft noise in its colour."""
        values = np.asarray(self.image).astype(np.float64)
        rows, columns = (np.flatnonzero((values[..., 3] > 127).any(axis)) for axis in (1, 0))
        y, x = ((np.arange(SIDE) - (n[0] + n[-1]) / 2) / max((n[-1] - n[0]) / 2, 1) for n in (rows, columns))
        y, x = y[:, None], x[None]
        light = np.clip(np.sqrt(np.clip(1 - x**2 - y**2, 0, 1)) * 0.7 - x * 0.4 - y * 0.55, 0, 1)[..., None]
        if rng is not None:
            coarse = Image.fromarray(rng.normal(0, noise, (SIDE // 6, SIDE // 6)).astype(np.float32))
            values[..., :3] += np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC))[..., None]
        values[..., :3] = values[..., :3] * (0.55 + 0.56 * light) + shine * light**18
        self.image = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
        self.draw = ImageDraw.Draw(self.image)
        return self


def around(r: float, turn: float, x: float = 0.5, y: float = 0.5) -> tuple[float, float]:
    """Return the place at a distance from a middle, in a direction clockwise from the top."""
    return x + r * float(np.sin(turn)), y - r * float(np.cos(turn))


def _traffic_light(rng: np.random.Generator) -> Image.Image:
    pen, lit = _Pen(), int(rng.integers(3))
    pen.box(0.28, 0.02, 0.72, 0.98, (25, 28, 25), (70, 75, 60), 0.012)
    for i, (r, g, b) in enumerate([(255, 40, 30), (255, 190, 30), (40, 240, 110)]):
        y = 0.18 + 0.32 * i
        pen.disc(0.5, y, 0.145, (12, 12, 12))
        pen.disc(0.5, y, 0.12, (r, g, b) if i == lit else (r // 5, g // 5, b // 5))
        if i == lit:
            pen.disc(0.47, y - 0.03, 0.045, (255, 255, 230))
    return pen.image


def _ping_pong_ball(rng: np.random.Generator) -> Image.Image:
    pen = _Pen()
    pen.disc(0.5, 0.5, 0.47, WHITE if rng.integers(2) else (255, 160, 40))
    return pen.shaded(60).image


def _analog_clock(rng: np.random.Generator) -> Image.Image:
    pen = _Pen()
    pen.disc(0.5, 0.5, 0.48, (60, 40, 30))
    pen.disc(0.5, 0.5, 0.43, WHITE)
    for k in range(60):
        long, turn = k % 5 == 0, 2 * np.pi * k / 60
        pen.line([around(0.34 if long else 0.385, turn), around(0.405, turn)], DARK, 0.018 if long else 0.006)
    for reach, width in ((0.2, 0.03), (0.32, 0.02)):
        pen.line([(0.5, 0.5), around(reach, rng.uniform(0, 2 * np.pi))], DARK, width)
    pen.disc(0.5, 0.5, 0.025, (150, 20, 20))
    return pen.image


def _crossword_puzzle(rng: np.random.Generator) -> Image.Image:
    pen, n = _Pen(), 11
    pen.box(0, 0, 1, 1, WHITE, WHITE, 0.01)
    dark = rng.uniform(size=(n, n)) < 0.22
    dark |= dark[::-1, ::-1]
    for i, j in np.ndindex(n, n):
        x, y, step = 0.02 + j * 0.96 / n, 0.02 + i * 0.96 / n, 0.96 / n
        pen.box(x, y, x + step, y + step, DARK if dark[i, j] else WHITE, DARK, 0.004)
        if not dark[i, j] and (0 in (i, j) or dark[i - 1, j] or dark[i, j - 1]):
            pen.line([(x + 0.01, y + 0.015), (x + 0.03, y + 0.015)], (60, 60, 60), 0.008)
    return pen.image


def _granny_smith(rng: np.random.Generator) -> Image.Image:
    pen = _Pen()
    for x in (0.36, 0.64):
        pen.disc(x, 0.52, 0.34, (130, 190, 50), 0.42)
    pen.shaded(120, 5, rng)
    pen.disc(0.5, 0.15, 0.1, (80, 120, 35), 0.04)
    pen.line([(0.5, 0.16), (0.54, 0)], (90, 60, 30), 0.03)
    return pen.image


def _daisy(rng: np.random.Generator) -> Image.Image:
    pen = _Pen()
    for turn in np.arange(18) * 2 * np.pi / 18:
        (x, y), s, c = around(0.28, turn), np.sin(turn), np.cos(turn)
        rim = [(0.2 * np.cos(a), 0.055 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 24)]
        pen.area([(x + u * s + v * c, y - u * c + v * s) for u, v in rim], WHITE, (185, 185, 195))
    pen.disc(0.5, 0.5, 0.13, (245, 190, 25))
    for _ in range(60):
        pen.disc(*around(0.12 * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)), 0.009, (200, 130, 15))
    return pen.image


def _starfish(rng: np.random.Generator) -> Image.Image:
    pen, start = _Pen(), rng.uniform(0, 2)
    rim = [(0.2 + 0.28 * abs(np.cos(2.5 * t)) ** 3, t) for t in np.linspace(0, 2 * np.pi, 100)]
    pen.area([around(r, t + start) for r, t in rim], (225, 120, 60))
    for k, r in ((k, r) for k in range(5) for r in np.linspace(0, 0.42, 12)):
        pen.disc(*around(r, start + 2 * np.pi * k / 5), 0.012, (250, 200, 150))
    return pen.shaded(20, 10, rng).image


def _pinwheel(rng: np.random.Generator) -> Image.Image:
    pen, start = _Pen(), rng.uniform(0, 1)
    pen.line([(0.5, 0.4), (0.5, 1)], (220, 200, 160), 0.03)
    for k, (r, g, b) in enumerate([(230, 40, 60), (250, 200, 30), (40, 120, 220), (60, 180, 80)]):
        turn = start + np.pi / 2 * k
        tip, fold, back = (
            around(*at, y=0.42) for at in ((0.42, turn), (0.3, turn + 0.75), (0.17, turn - 0.3))
        )
        pen.area([(0.5, 0.42), tip, fold], (r, g, b))
        pen.area([(0.5, 0.42), tip, back], (r * 7 // 10, g * 7 // 10, b * 7 // 10))
    pen.disc(0.5, 0.42, 0.03, WHITE)
    return pen.image


def _abacus(rng: np.random.Generator) -> Image.Image:
    pen = _Pen()
    pen.box(0, 0.08, 1, 0.92, (225, 205, 170), (120, 70, 30), 0.05)
    colours = [(210, 40, 40), (40, 90, 200), (240, 200, 50), (60, 160, 70)]
    for i in range(7):
        y, pushed = 0.18 + 0.107 * i, int(rng.integers(3, 8))
        pen.line([(0.05, y), (0.95, y)], GREY, 0.012)
        for k in range(10):
            pen.disc(
                0.09 + k * 0.062 if k < pushed else 0.91 - (9 - k) * 0.062, y, 0.03, colours[i % 4], 0.045
            )
    return pen.image


DRAWN: dict[str, tuple[int, Callable[[np.random.Generator], Image.Image]]] = {
    "abacus": (398, _abacus),
    "analog clock": (409, _analog_clock),
    "crossword puzzle": (918, _crossword_puzzle),
    "daisy": (985, _daisy),
    "Granny Smith": (948, _granny_smith),
    "pinwheel": (723, _pinwheel),
    "ping-pong ball": (722, _ping_pong_ball),
    "starfish": (327, _starfish),
    "traffic light": (920, _traffic_light),
}
"""Name -> class of ImageNet, and a function of a generator that draws it on (384, 384) RGBA."""
