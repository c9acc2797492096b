"""The pictures of docs/evaluation.md: seeded, with masks that lie on the objects."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture(scope="module")
def tool(checkout: Path) -> ModuleType:
    """Return `tools/evaluation_set.py`, which is no part of a package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(checkout / "tools")
        import evaluation_set

        return evaluation_set


def test_a_number_and_a_seed_give_one_picture(tool: ModuleType) -> None:
    for number in range(5):
        one, again, other = (tool.picture(number, seed) for seed in (1, 1, 2))
        assert np.array_equal(one.pixels, again.pixels)
        assert np.array_equal(one.asked.truth, again.asked.truth)
        assert not np.array_equal(one.pixels, other.pixels)
    found = tool.pictures()
    assert len(found) == len({one.pixels.tobytes() for one in found}) == 60
    assert sum(one.other is not None for one in found) == 36


@pytest.mark.parametrize("number", range(5))
def test_masks_lie_where_the_objects_were_laid(tool: ModuleType, number: int) -> None:
    one = tool.picture(number, 3)
    assert one.pixels.shape == (256, 256, 3)
    assert one.pixels.dtype == np.uint8
    edge = np.ones((256, 256), bool)
    edge[tool.EDGE : -tool.EDGE, tool.EDGE : -tool.EDGE] = False
    for thing in filter(None, (one.asked, one.other)):
        assert 0.01 < thing.truth.mean() < 0.85
        assert not (thing.truth & edge).any(), "the model sees the middle only"
    if one.other is not None:
        assert not (one.asked.truth & one.other.truth).any()
        assert one.turned().asked is one.other


def test_outside_the_masks_is_the_background(tool: ModuleType) -> None:
    canvas = tool.texture(5)
    before, rng = canvas.copy(), np.random.default_rng(0)
    things: list[object] = []
    for name in ("starfish", "cat"):
        things.append(tool.paste(canvas, name, rng, 90, things))
    changed = (abs(canvas.astype(int) - before) > 25).any(axis=-1)
    masks = [one.truth for one in things]  # type: ignore[attr-defined]
    rim = np.logical_or.reduce([np.roll(masks[0], at, (0, 1)) for at in [(1, 0), (-1, 0), (0, 1), (0, -1)]])
    assert (changed & ~masks[0] & ~masks[1] & ~rim).mean() == 0, "only soft edges"
    assert changed[masks[0]].mean() > 0.7
    assert changed[masks[1]].mean() > 0.7
