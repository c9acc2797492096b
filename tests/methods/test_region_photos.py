"""Regions on photos: a planted square is found where it lies, however the photo was fitted to the input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import visioncam
from visioncam_core.errors import OptionError


@pytest.fixture(scope="module")
def brightness() -> Any:
    """Return a network whose first logit is the mean brightness of its input."""
    import keras

    given = keras.Input((48, 48, 3))
    dense = keras.layers.Dense(2)
    model = keras.Model(given, dense(keras.layers.GlobalAveragePooling2D()(given)))
    dense.set_weights([np.array([[1, 0.1]] * 3, np.float32), np.zeros(2, np.float32)])
    return model


@pytest.mark.parametrize("geometry", ["resize", "letterbox", "center_crop"])
@pytest.mark.parametrize("method", ["partitionshap", "kernelshap", "occlusion", "lime", "rise"])
def test_a_planted_square_is_found_on_the_photo(brightness: Any, geometry: str, method: str) -> None:
    photo = np.zeros((120, 200, 3), np.uint8)
    square = np.zeros((120, 200), bool)
    square[40:80, 70:110] = True
    photo[square] = 200
    regions = {"sky": np.arange(120)[:, None] * np.ones(200) < 40, "square": square}
    regions["rest"] = ~square & ~regions["sky"]
    options = {} if method in ("occlusion", "partitionshap") else {"n": 4000}
    found = visioncam.explain(
        brightness, photo, method=method, target=0, geometry=geometry, preprocess="none",
        regions=regions, hidden="black", **options,
    )  # fmt: skip
    table = found.regions
    assert table is not None
    assert table.rows()[0][1] == "square"
    sky, own, rest = table.contributions
    assert abs(sky) + abs(rest) < 0.2 * own
    assert table.labels.shape == (120, 200)
    seen = table.labels >= 0
    assert seen.all() == (geometry != "center_crop")
    assert ((table.labels == 1) != square)[seen].mean() < 0.02
    if method == "partitionshap":
        bars = 0.0 if geometry != "letterbox" else found.score - found.account.expected
        assert found.account.expected == pytest.approx(found.score - bars)
        assert (bars > 0) == (geometry == "letterbox")  # they belong to no region, and are always kept
        assert own == pytest.approx(found.score - bars, rel=0.2)


def test_labels_of_another_picture_are_refused(brightness: Any) -> None:
    photo = np.zeros((120, 200, 3), np.uint8)
    with pytest.raises(OptionError, match=r"regions= has shape \(9, 9\); this picture has \(120, 200\)"):
        visioncam.explain(brightness, photo, method="lime", regions=np.eye(9, dtype=int), preprocess="none")
