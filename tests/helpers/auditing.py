"""Folders of simulated maps, with a planted tag and without; `tools/audit_calibration.py` runs more."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from visioncam.auditing.places import BOXES, SIDE
from visioncam.auditing.stand_out import Finding, stand_out

GRID = 30
KINDS = ("centred", "anywhere", "low and moving", "two objects", "the same artefact in a random model")
PLANTED = (
    "upper left corner",
    "lower right corner",
    "bottom middle",
    "middle left",
    "right edge",
)
SHARES, COUNTS = (0.15, 0.2, 0.3), (12, 40)
Folder = tuple[np.ndarray, list[str], np.ndarray]


def blob(y: float, x: float, high: float, wide: float) -> np.ndarray:
    """Return a (GRID, GRID) blob that adds up to 1; places and widths are shares of the side."""
    at = (np.arange(GRID) + 0.5) / GRID
    found = np.exp(-0.5 * ((at - y) / high) ** 2)[:, None] * np.exp(-0.5 * ((at - x) / wide) ** 2)
    return np.asarray(found / found.sum())


def noise(rng: np.random.Generator, smooth: float = 3.0) -> np.ndarray:
    """Return smooth noise of one sign that adds up to 1."""
    found = np.maximum(gaussian_filter(rng.normal(size=(GRID, GRID)), smooth, mode="wrap"), 0)
    return np.asarray(found / found.sum())


def folder(rng: np.random.Generator, kind: str, counts: list[int]) -> Folder:
    """Return maps of objects that move, their classes, and maps of a model with random weights."""
    maps, names, random = [], [], []
    artefact = blob(*rng.choice([0.05, 0.95], 2), 0.08, 0.08)
    for number, count in enumerate(counts):
        size, shift = rng.uniform(0.08, 0.2), rng.normal(0, 0.05)
        for _ in range(count):
            y, x = rng.normal(0.5, 0.17, 2) if kind != "anywhere" else rng.uniform(0.1, 0.9, 2)
            if kind == "low and moving":
                y, x = rng.normal(0.82, 0.06), rng.uniform(0.1, 0.9)
            high, wide = size * rng.uniform(0.7, 1.4, 2)
            one = blob(y + shift, x, high, wide)
            if kind == "two objects":
                one = (one + blob(*rng.uniform(0.1, 0.9, 2), wide, high)) / 2
            part = rng.uniform(0.1, 0.4)
            one = (1 - part) * one + part * noise(rng)
            other = noise(rng)
            if kind == KINDS[-1]:
                part = rng.uniform(0.1, 0.4)
                one, other = (1 - part) * one + part * artefact, (1 - part) * other + part * artefact
            maps.append(one)
            random.append(other)
            names.append(f"class {number}")
    return np.array(maps), names, np.array(random)


def planted(
    rng: np.random.Generator, place: str, share: float, counts: list[int], kind: str = "centred"
) -> Folder:
    """Return a folder whose first class has a tag at a place, with so much of the evidence on average."""
    maps, names, random = folder(rng, "centred", counts)
    top, left, bottom, right = (n / SIDE for n in BOXES[place])
    high, wide = ((b - a) / 4 for a, b in ((top, bottom), (left, right)))
    y, x = (top + bottom) / 2, (left + right) / 2
    for i in range(counts[0]):
        own = share * rng.uniform(0.6, 1.4)
        jitter = rng.normal(0, 0.01, 2)
        maps[i] = (1 - own) * maps[i] + own * blob(y + jitter[0], x + jitter[1], high, wide)
    return maps, names, random


def found(folder: Folder, **masks: list[np.ndarray]) -> list[Finding]:
    """Return the findings of a folder."""
    return [one for one in stand_out(*folder, **masks) if one.found]


def alarms(runs: int, seed: int = 0) -> dict[str, int]:
    """Return for each kind of folder without a tag in how many of so many something is found."""
    told = {}
    for k, kind in enumerate(KINDS):
        told[kind] = 0
        for run in range(runs):
            rng = np.random.default_rng((seed, k, run))
            counts = [int(n) for n in rng.integers(6, 41, rng.integers(1, 5))]
            told[kind] += bool(found(folder(rng, kind, counts)))
    return told


def is_found(place: str, share: float, count: int, seed: int = 0) -> tuple[bool, int]:
    """Return whether a planted tag is found at its place, and how many other findings there are."""
    rng = np.random.default_rng((seed, PLANTED.index(place), round(100 * share), count))
    other = [int(n) for n in rng.integers(6, 41, rng.integers(0, 4))]
    told = found(planted(rng, place, share, [count, *other]))
    top, left, bottom, right = BOXES[place]
    y, x = (top + bottom) / 2, (left + right) / 2
    boxes = [BOXES[one.place] for one in told if one.explained == "class 0"]
    hits = [a <= y <= c and b <= x <= d for a, b, c, d in boxes]
    return any(hits), len(told) - any(hits)
