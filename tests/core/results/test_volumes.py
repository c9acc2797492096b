"""Volumes and videos: slices, planes, projections, films."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from helpers.viz import colour, comparison, explanation, gaussian, layer
from PIL import Image

from visioncam_core.errors import ImageError, OptionError, OptionTypeError, OutputError
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.volume import evenly, projection, slices, strongest
from visioncam_viz.drawing.volume import planes
from visioncam_viz.renderers.maps import Overlay
from visioncam_viz.renderers.masked import Masked
from visioncam_viz.renderers.volumes import Planes, Slices

SHAPE = (16, 24, 20)
VOLUME = ("overlay", "heatmap", "spotlight", "masked", "contour", "signed", "boxes", "sidebyside", "triptych")
CUT = ("slices", "planes", "projection")


@pytest.fixture
def e(rng: np.random.Generator) -> Explanation:
    """Return an explanation of a 16-bit volume, strongest at (5, 14, 8)."""
    volume = rng.integers(1000, 3000, SHAPE).astype(np.uint16)
    return explanation(volume, gaussian(SHAPE, (5, 14, 8), 3), layer=layer("conv3d", (4, 6, 5)))


@pytest.fixture
def video(rng: np.random.Generator) -> Explanation:
    frames = rng.integers(0, 256, (10, 24, 32, 3), dtype=np.uint8)
    heat = np.zeros((10, 24, 32), np.float32)
    heat[4, 10:14, 10:20] = 1
    return explanation(frames, heat)


def test_slices_are_the_pictures_and_maps_of_their_positions(e: Explanation) -> None:
    for axis in range(3):
        found = list(slices(e, axis))
        assert len(found) == SHAPE[axis]
        for position, flat in enumerate(found):
            assert np.array_equal(flat.heatmap, e.heatmap.take(position, axis))
            assert flat.whole is e
    (one,) = slices(e, 1, [14])
    assert np.array_equal(one.heatmap, e.heatmap[:, 14])


def test_all_slices_have_one_contrast() -> None:
    volume = np.zeros((4, 10, 10))
    volume[0], volume[1], volume[2], volume[3] = 0, 10, 20, 40
    shown = [flat.picture for flat in slices(explanation(volume, np.ones((4, 10, 10), np.float32)))]
    assert [int(picture.mean()) for picture in shown] == [0, 64, 128, 255]


def test_a_slice_without_evidence_does_not_say_the_map_is_blank(video: Explanation) -> None:
    first = next(iter(slices(video)))
    assert np.array_equal(Overlay()(first), first.picture)
    blank = attrs.evolve(video, heatmap=np.zeros_like(video.heatmap))
    assert Overlay()(next(iter(slices(blank)))).shape != (24, 32, 3)


def test_thresholds_are_of_the_whole_in_every_slice(e: Explanation) -> None:
    cut = np.quantile(e.heatmap, 0.9)
    for flat in slices(e, 0, [4, 7]):
        shown = Masked(percent=10, fill="black")(flat)[..., 0] > 0
        inner = flat.heatmap > cut * 1.3
        assert shown[inner].mean() > 0.98
        assert not shown[flat.heatmap < cut * 0.7].any()


def test_a_projection_is_the_maximum_and_keeps_the_sign() -> None:
    heat = np.zeros((3, 4, 5), np.float32)
    heat[0, 1, 2], heat[1, 1, 2], heat[2, 3, 3] = 0.4, -0.9, 0.5
    volume = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    flat = projection(explanation(volume, heat, evidence="signed"), 0)
    assert flat.heatmap[1, 2] == np.float32(-0.9)
    assert flat.heatmap[3, 3] == np.float32(0.5)
    assert np.array_equal(flat.picture[..., 0], volume.max(axis=0))


def test_planes_meet_where_the_evidence_is_strongest(e: Explanation) -> None:
    depth, width, height = (view.explanation for view in planes(e).views)
    assert np.array_equal(depth.heatmap, e.heatmap[5])
    assert np.array_equal(width.heatmap, e.heatmap[:, :, 8].T)
    assert np.array_equal(height.heatmap, e.heatmap[:, 14])
    labels = [view.label for view in planes(e).views]
    assert labels == ["depth 6 of 16", "width 9 of 20", "height 15 of 24"]


def test_of_equal_places_the_middle_is_taken() -> None:
    assert strongest(np.ones((9, 11, 13))) == (4, 5, 6)
    assert strongest(np.zeros((3, 3, 3))) == (1, 1, 1)


def test_planes_share_their_axes_on_the_page(e: Explanation) -> None:
    factor, gap = 11, 14  # 24 is the longest axis: 264 pixels
    picture = Planes(alpha=1.0, crosshair=False)(e)
    assert picture.shape[1] == factor * (20 + 16) + gap
    peak = picture[14 * factor + 5, 8 * factor + 5]
    np.testing.assert_allclose(peak, colour("inferno", 1.0), atol=8)
    beside = picture[14 * factor + 5, 20 * factor + gap + 5 * factor + 5]
    np.testing.assert_allclose(beside, colour("inferno", 1.0), atol=8)
    crossed = Planes(alpha=1.0)(e)
    row = (crossed != picture).any(axis=-1)[14 * factor + 5]
    assert row[:20].all()
    assert not row[8 * factor : 9 * factor].any(), "the crosshair covers the place"


def test_planes_meet_at_a_place_of_ones_own(e: Explanation) -> None:
    other = attrs.evolve(e, heatmap=gaussian(SHAPE, (0, 0, 19), 3))
    at = Planes(at=(0, 0, 19))(other)
    assert np.array_equal(at, Planes()(other))
    with pytest.raises(OptionError, match="slice 16 does not exist: axis 0 has slices 0 to 15"):
        Planes(at=(16, 0, 0))(e)


def test_slices_are_spread_evenly_over_any_axis(e: Explanation) -> None:
    assert evenly(16, 4) == [0, 5, 10, 15]
    assert evenly(3, 12) == [0, 1, 2]
    assert evenly(9, 1) == [4]
    assert Slices(count=4, columns=4, tile=96)(e).shape[1] == 4 * 80 + 3 * 14
    assert Slices(count=3, columns=3, tile=96, axis=1)(e).shape[1] == 3 * 80 + 2 * 14
    assert Slices(count=4, columns=1, tile=96)(e).shape[0] > 4 * 96


def test_a_video_is_shown_as_a_strip_of_frames(video: Explanation) -> None:
    picture = Overlay(alpha=1.0)(video)
    assert picture.shape[1] > 5 * picture.shape[0]
    assert np.array_equal(picture[:3, :3], np.broadcast_to(video.picture[0, 0, 0], (3, 3, 3)))


@pytest.mark.parametrize("name", [*VOLUME, *CUT])
@pytest.mark.parametrize("evidence", ["for", "signed"])
def test_every_renderer_shows_volumes(name: str, evidence: str, e: Explanation) -> None:
    for heat in (e.heatmap, np.zeros_like(e.heatmap)):
        picture = attrs.evolve(e, heatmap=heat, evidence=evidence).render(name, title=True)
        assert picture.dtype == np.uint8
        assert picture.std() > 10


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 30, 40), (30, 1, 1), (500, 3, 3)])
def test_thin_volumes_are_shown(shape: tuple[int, int, int]) -> None:
    e = explanation(np.ones(shape), np.ones(shape, np.float32))
    for name in ("overlay", *CUT):
        assert e.render(name, title=True).ndim == 3


@pytest.mark.parametrize("name", CUT)
def test_what_is_no_volume_is_refused(name: str) -> None:
    for shape in ((5, 6), (9,)):
        e = explanation(np.zeros(shape), np.ones(shape, np.float32))
        with pytest.raises(ImageError, match=r"volume or a video.*three axes; this one has shape \(\d"):
            e.render(name)
    volume = explanation(np.zeros((3, 4, 5)), np.ones((3, 4, 5), np.float32))
    for options in ({"axis": 3}, {"count": 0}, {"tile": 1}):
        if name == "slices" or (options == {"axis": 3} and name == "projection"):
            with pytest.raises(OptionError, match=next(iter(options))):
                volume.render(name, **options)


def test_volumes_fit_on_a_sheet(e: Explanation, video: Explanation) -> None:
    for one in (e, video):
        page = comparison(one, one).sheet(alpha=1.0)
        assert (page[-20:] == 255).all()
        assert (page != 255).mean() > 0.05


def test_a_gif_plays_the_slices(video: Explanation, tmp_path: Path) -> None:
    with Image.open(video.save(tmp_path / "a.gif", fps=5, alpha=1.0)) as film:
        assert film.n_frames == 10
        assert film.info["duration"] == 200
        assert film.info["loop"] == 0
        assert film.size == (320, 240)
        frames = []
        for position in (0, 4):
            film.seek(position)
            frames.append(np.asarray(film.convert("RGB")))
    assert np.abs(frames[0][5::10, 5::10].astype(int) - video.picture[0]).mean() < 12
    np.testing.assert_allclose(frames[1][120, 150], colour("inferno", 1.0), atol=25)


def test_an_mp4_plays_the_slices(e: Explanation, tmp_path: Path) -> None:
    import cv2

    path = e.save(tmp_path / "a.mp4", "heatmap", fps=12, axis=2, min_size=0, colormap="gray")
    film = cv2.VideoCapture(str(path))
    try:
        assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(12)
        frames = [film.read()[1] for _ in range(20)]
        assert not film.read()[0]
    finally:
        film.release()
    assert {frame.shape for frame in frames} == {(16, 24, 3)}
    np.testing.assert_allclose(frames[8][..., 0] / 255, e.heatmap[:, :, 8], atol=0.12)


def test_a_film_that_opencv_did_not_finish_is_no_film(
    e: Explanation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cv2

    class Full:
        """Drops frames after the fifth and says nothing, as OpenCV does where the disk is full."""

        def __init__(self, *asked: Any) -> None:
            self.film, self.left = VideoWriter(*asked), 5

        def isOpened(self) -> bool:
            return bool(self.film.isOpened())

        def write(self, frame: np.ndarray) -> None:
            self.left -= 1
            if self.left >= 0:
                self.film.write(frame)

        def release(self) -> None:
            self.film.release()

    VideoWriter = cv2.VideoWriter
    monkeypatch.setattr(cv2, "VideoWriter", Full)
    with pytest.raises(OutputError, match=r"wrote 5 of the video's \d+ frames.*\.gif"):
        e.save(tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_films_of_odd_sizes_get_a_white_edge(tmp_path: Path) -> None:
    import cv2

    red = np.full((3, 15, 17, 3), (200, 20, 20), np.uint8)
    e = explanation(red, np.ones((3, 15, 17), np.float32))
    film = cv2.VideoCapture(str(e.save(tmp_path / "a.mp4", min_size=0, alpha=0.0)))
    frame = film.read()[1]
    film.release()
    assert frame.shape == (16, 18, 3)
    assert frame[15].mean() > 150
    np.testing.assert_allclose(frame[4:8, 4:8].mean(axis=(0, 1)), (20, 20, 200), atol=15)


def test_films_of_what_does_not_move_are_refused(e: Explanation, tmp_path: Path) -> None:
    still = explanation(np.zeros((9, 9, 3), np.uint8), np.ones((9, 9), np.float32))
    for suffix in (".gif", ".mp4"):
        with pytest.raises(ImageError, match=r"volume or a video.*\(9, 9\).*\.png"):
            still.save(tmp_path / f"a{suffix}")
    for options in ({"fps": 0}, {"axis": 3}, {"fps": 101}):
        with pytest.raises(OptionError, match=next(iter(options))):
            e.save(tmp_path / "a.gif", **options)
    with pytest.raises(OptionTypeError, match="'alhpa'; did you mean 'alpha'"):
        e.save(tmp_path / "a.gif", alhpa=0.5)
    assert not list(tmp_path.iterdir())
