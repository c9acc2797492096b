"""What was planted lies nearer where a map is drawn by the weights than where it is spread evenly."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import visioncam.demo


@pytest.fixture(scope="module")
def tool(checkout: Path) -> ModuleType:
    """Return `tools/placement.py`, which is no part of a package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(checkout / "tools")
        import placement

        yield placement
    del sys.modules["placement"]


@pytest.mark.parametrize("padding", ["same", "one", "valid"])
def test_of_networks_trained_here(tool: ModuleType, padding: str) -> None:
    model = tool.trained(padding, 48, 300, 2, widths=(8, 12, 12, 16, 24), strides=(2, 1, 1, 2, 1))
    found = tool.measured(model, "last", tool.shapes(16), 64.0, 2)
    effective, stretched = (found["activations", name] for name in ("effective", "stretched"))
    assert effective.count == 4 * 4 * 4
    assert effective.distance < stretched.distance


def test_of_the_embedded_network(tool: ModuleType) -> None:
    patches = [patch for patch in tool.pieces() if len(patch) == 72]
    found = tool.measured(visioncam.demo.load(), "top_activation", patches, 128.0, 2)
    for what in ("activations", "Grad-CAM"):
        near = {name: found[what, name].distance for name in ("effective", "stretched", "receptive")}
        assert near["effective"] < near["stretched"] < near["receptive"] - 5


def test_the_middle_of_a_map_is_measured_where_it_is_drawn(tool: ModuleType) -> None:
    from visioncam_core.resize import STRETCHED, Placement

    map_ = np.zeros((4, 4))
    map_[1, 2] = 1.0
    assert tool.centre(map_, 16, STRETCHED) == pytest.approx((5.5, 9.5))
    assert tool.centre(map_, 16, Placement("receptive", (2.0, 1.0), (4.0, 4.0))) == pytest.approx((6, 9))
