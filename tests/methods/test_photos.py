"""A test that can fail on real photos: which half of a picture does each method light up?

Two photos lie side by side on grey, 112 × 112 pixels each; the class of one is explained at the last
layer.  A method that sees what the network saw puts its heat on that photo.  A map that ignores the class
has half of it there, on average over both orders.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import visioncam
from visioncam import demo

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = {
    "chelsea": (ROOT / "examples" / "chelsea.png", 282),
    "coffee": (ROOT / "examples" / "coffee.png", 967),
    "rocket": (ROOT / "examples" / "rocket.jpg", 657),
    "flower": (ROOT / "tests" / "data" / "photos" / "flower.jpg", 985),
}
PAIRS = list(permutations(PHOTOS, 2))
SCORED = [(a, b) for a, b in PAIRS if a in ("chelsea", "coffee") and b in ("coffee", "rocket", "flower")]
LEAST = {
    "gradcam": 0.80,
    "hirescam": 0.80,
    "xgradcam": 0.80,
    "respondcam": 0.80,
    "ablationcam": 0.80,
    "gradcamelementwise": 0.55,
    "gradcamplusplus": 0.55,
}


def half(name: str) -> np.ndarray:
    """Return the photo's centre square, 112 × 112."""
    image = Image.open(PHOTOS[name][0]).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((112, 112), Image.Resampling.BICUBIC))


def pair(left: str, right: str) -> np.ndarray:
    """Return the model's input for two photos side by side, (224, 224, 3) float32."""
    canvas = np.full((224, 224, 3), 127, np.uint8)
    canvas[56:168, :112], canvas[56:168, 112:] = half(left), half(right)
    return demo.preprocess(canvas)


def share(heatmap: np.ndarray) -> float:
    """Return the share of the heat that lies on the left photo's half."""
    assert heatmap.sum() > 0
    return float(heatmap[:, :112].sum() / heatmap.sum())


def report(method: str, pairs: list[tuple[str, str]], found: list[float]) -> None:
    """Print the figures; `pytest -s`, or a failure, shows them."""
    rows = " ".join(f"{a}|{b} {value:.2f}" for (a, b), value in zip(pairs, found, strict=True))
    print(f"\n{method}: mean {np.mean(found):.3f}, least {min(found):.3f}: {rows}")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield demo.load()


def explained(model: Any, pairs: list[tuple[str, str]], methods: list[Any]) -> list[Any]:
    x = np.stack([pair(a, b) for a, b in pairs])
    targets = [PHOTOS[a][1] for a, _ in pairs]
    return visioncam.compare(model, x, methods, target=targets, layer="top_activation")


@pytest.fixture(scope="module")
def shares(model: Any) -> dict[str, list[float]]:
    methods = [*LEAST, "smoothgradcamplusplus"]
    rows = explained(model, PAIRS, methods)
    return {method: [share(row[method].heatmap) for row in rows] for method in methods}


@pytest.mark.parametrize("method", LEAST)
def test_heat_lies_on_the_photo_explained(shares: Any, method: str) -> None:
    report(method, PAIRS, shares[method])
    assert np.mean(shares[method]) >= LEAST[method]


def test_smooth_grad_cam_plus_plus_is_reported(shares: Any) -> None:
    """No bound is set for it: positive gradients alone hardly tell classes apart at this layer."""
    found = shares["smoothgradcamplusplus"]
    report("smoothgradcamplusplus", PAIRS, found)
    assert all(0 <= value <= 1 for value in found)


@pytest.mark.slow
def test_score_cam_on_the_pairs_it_can_tell(model: Any) -> None:
    """By 64 channels: a map of this layer is then within 0.03 of that of all, says docs/performance.md."""
    few = [visioncam.ScoreCAM(channels=64)]
    found = [share(row["scorecam"].heatmap) for row in explained(model, SCORED, few)]
    report("scorecam", SCORED, found)
    assert np.mean(found) >= 0.80


@pytest.mark.parametrize("method", ["gradcam", "gradcamelementwise", "gradcamplusplus"])
def test_the_measure_can_fail(shares: Any, method: str) -> None:
    """Taken for the other photo's explanation, the same maps are far below every bound."""
    assert np.mean([1 - value for value in shares[method]]) < min(LEAST.values()) - 0.05
