"""What `regions=` may be: grids, superpixels, the user's own labels and masks, and what is refused."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from visioncam_core.errors import OptionError, OptionTypeError, VisionCamError
from visioncam_core.images.geometry import CenterCrop, Geometry, Letterbox, Resize
from visioncam_core.images.regions import Regions, regions_of


def of(spec: Any, space: tuple[int, ...] = (20, 30), geometry: Geometry | None = None) -> Regions:
    def fitted(labels: np.ndarray) -> np.ndarray:
        assert geometry is not None
        return geometry.to_input(labels)

    return regions_of(spec, np.zeros((*space, 3), np.float32), fitted)


@pytest.mark.parametrize(
    ("space", "name"),
    [((20,), "part 2"), ((20, 30), "row 1, column 2"), ((6, 9, 12), "slice 1, row 1, column 2")],
)
def test_a_grid_has_equal_cells_along_every_axis(space: tuple[int, ...], name: str) -> None:
    regions = of("grid:3", space)
    assert regions.count == 3 ** len(space)
    assert regions.names[1] == name
    sizes = np.bincount(regions.labels.ravel())
    assert sizes.min() > 0.5 * sizes.max()
    assert of("grid:9", (4, 30)).count == 36  # no more cells than pixels


def test_own_labels_are_numbered_from_0_and_keep_their_names() -> None:
    labels = np.full((20, 30), 7)
    labels[:5] = 40
    labels[5:9] = -1
    regions = of(labels)
    assert regions.names == ("region 7", "region 40")
    assert set(np.unique(regions.labels)) == {-1, 0, 1}
    assert (regions.labels[:5] == 1).all()
    np.testing.assert_array_equal(regions.spread(np.array([2.0, 3.0]))[[0, 6, 19], 0], [3, 0, 2])
    mask = np.zeros((20, 30), bool)
    mask[3:9, 4:8] = True
    regions = of({"cat": mask, "rest": ~mask})
    assert regions.names == ("cat", "rest")
    np.testing.assert_array_equal(regions.labels == 0, mask)


@pytest.mark.parametrize("kind", [Resize(), Letterbox(), CenterCrop(1.0), CenterCrop(0.5)])
@pytest.mark.parametrize("shape", [(64, 96), (90, 41)])
def test_labels_go_to_the_input_and_back_onto_the_photo(kind: Any, shape: tuple[int, int]) -> None:
    geometry = kind(shape, (56, 48))
    photo = np.zeros((*shape, 3), np.uint8)
    middle = tuple(slice(n // 2 - 9, n // 2 + 7) for n in shape)
    photo[middle] = 255
    labels = np.zeros(shape, int)
    labels[middle] = 1
    there = geometry.to_input(labels)
    t, l, b, r = geometry.area  # noqa: E741
    outside = np.ones(there.shape, bool)
    outside[t:b, l:r] = False
    assert (there[outside] == -1).all()
    white = geometry.apply(photo)[..., 0] > 127
    assert ((there == 1) != white)[~outside].mean() < 0.05  # but for the edge
    back = geometry.to_picture(there)
    top, left, bottom, right = geometry.view
    seen = np.zeros(shape, bool)
    seen[top:bottom, left:right] = True
    np.testing.assert_array_equal(back == -1, ~seen)
    assert (back != labels)[seen].mean() < 0.05
    regions = of({"square": labels == 1, "rest": labels == 0}, (56, 48), geometry)
    np.testing.assert_array_equal(regions.labels, np.where(there < 0, -1, 1 - there))


BAD: list[tuple[Any, type[VisionCamError], str]] = [
    ("grid", OptionError, "regions= must be 'grid:7', 'slic:50', an integer array of labels on your picture"),
    ("grid:0", OptionError, "received 'grid:0'"),
    ("quickshift", OptionError, "received 'quickshift'"),
    ("grid:1", OptionError, "makes 1 region of"),
    ("grid:100", OptionError, "makes 10000 regions"),
    (7, OptionTypeError, "received 7"),
    (None, OptionTypeError, "received None"),
    ([1, 2], OptionTypeError, "integer array of labels"),
    (np.zeros((100, 100)), OptionTypeError, "integer array of labels"),
    (np.zeros((100, 100), int), OptionError, "makes 1 region of"),
    (np.full((100, 100), 2**30), OptionTypeError, "integer array of labels"),
    ({}, OptionTypeError, "received {}"),
    ({"a": np.ones((100, 100), bool), "b": np.ones((100, 100), bool)}, OptionError, "must not overlap"),
    ({"a": np.ones((9, 9), bool), "b": np.ones((8, 9), bool)}, OptionError, "one shape"),
]


@pytest.mark.parametrize(("spec", "error", "words"), BAD, ids=[str(i) for i in range(len(BAD))])
def test_what_is_no_regions_is_told_with_the_way_out(spec: Any, error: type, words: str) -> None:
    with pytest.raises(error) as told:
        of(spec, (100, 100))
    assert words in str(told.value)


def test_superpixels_need_scikit_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    with pytest.raises(OptionError, match=r"pip install scikit-image; regions='grid:7' needs nothing"):
        of("slic:4")
    fake = ModuleType("skimage.segmentation")
    fake.slic = lambda picture, n_segments, **_: (
        np.arange(picture.shape[0])[:, None] // 5 + 0 * picture[..., 0].astype(int)
    )  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "skimage", ModuleType("skimage"))
    monkeypatch.setitem(sys.modules, "skimage.segmentation", fake)
    assert of("slic:4").names == ("superpixel 1", "superpixel 2", "superpixel 3", "superpixel 4")


def test_real_superpixels_follow_colours() -> None:
    pytest.importorskip("skimage.segmentation")
    picture = np.zeros((40, 40, 3), np.float32)
    picture[:, 20:] = 200.0
    regions = regions_of("slic:10", picture, lambda labels: labels)
    assert not set(regions.labels[:, :19].ravel()) & set(regions.labels[:, 21:].ravel())
