"""Files of areas: COCO, YOLO, CSV and mask, as other programs read them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import attrs
import numpy as np
import pytest
from helpers.viz import explanation, gaussian
from PIL import Image

from visioncam_core.errors import ImageError, OptionError, OptionTypeError, OutputError
from visioncam_core.results.data import TargetInfo
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.formats.coco import Coco
from visioncam_core.results.formats.csv_table import Table

HOSTILE = ("=cmd|' /C calc'!A0", 'a,b\n"c"', "</script>", "虎斑猫", "\ud800", "-1+1", "\0x", "@x", "")


@pytest.fixture
def e() -> Explanation:
    """Return an explanation with two areas: 40 × 20 pixels, and a ring with a hole of 4 × 4."""
    heat = np.zeros((100, 200), np.float32)
    heat[10:30, 20:60] = 1.0
    heat[60:70, 150:160] = 0.5
    heat[63:67, 153:157] = 0.0
    return explanation(np.zeros((100, 200, 3), np.uint8), heat, provenance={"source": "cat.jpg"})


def named(e: Explanation, name: str) -> Explanation:
    return attrs.evolve(e, target=TargetInfo(7, name, 0.5, name))


def unrun(counts: list[int], size: list[int]) -> np.ndarray:
    """Return the mask that COCO's run lengths stand for."""
    values = np.repeat(np.arange(len(counts)) % 2, counts)
    return values.reshape(size, order="F").astype(bool)


def test_coco_says_where_the_areas_are(e: Explanation, tmp_path: Path) -> None:
    data = json.loads(e.save(tmp_path / "a.json", threshold=0.2).read_bytes())
    assert data["images"] == [{"id": 1, "file_name": "cat.jpg", "width": 200, "height": 100}]
    assert data["categories"] == [{"id": 282, "name": "tiger cat"}]
    first, second = data["annotations"]
    assert first["bbox"] == [20, 10, 40, 20]
    assert (first["area"], second["area"]) == (800, 84)
    assert first["score"] == pytest.approx(800 / 842)
    assert {first["category_id"], second["category_id"]} == {282}
    assert {first["image_id"], second["image_id"]} == {1}
    assert len({first["id"], second["id"]}) == 2
    (polygon,) = first["segmentation"]
    corners = {(x, y) for x, y in zip(polygon[::2], polygon[1::2], strict=True)}
    assert corners == {(20, 10), (60, 10), (60, 30), (20, 30)}


def test_an_area_with_holes_comes_back_from_its_run_lengths(e: Explanation) -> None:
    _, ring = Coco()(e), Coco().document([e])["annotations"][1]["segmentation"]
    expected = np.zeros((100, 200), bool)
    expected[60:70, 150:160] = True
    expected[63:67, 153:157] = False
    assert np.array_equal(unrun(ring["counts"], ring["size"]), expected)
    assert sum(ring["counts"]) == 100 * 200


def test_run_lengths_of_areas_at_the_edge_come_back(rng: np.random.Generator) -> None:
    heat = (rng.random((30, 25)) < 0.75).astype(np.float32)
    heat[0, 0] = heat[-1, -1] = 1
    e = explanation(np.zeros((30, 25), np.uint8), heat)
    union = np.zeros((30, 25), int)
    for note in Coco(threshold=0.5).document([e])["annotations"]:
        area = note["segmentation"]
        if isinstance(area, dict):
            union += unrun(area["counts"], area["size"])
        else:
            x, y, width, height = note["bbox"]
            union[y : y + height, x : x + width] += heat[y : y + height, x : x + width].astype(int)
    assert np.array_equal(union > 0, heat > 0)


def test_several_explanations_make_one_data_set(e: Explanation) -> None:
    other = attrs.evolve(named(e, "dog"), method="xgradcam")
    elsewhere = attrs.evolve(named(e, "dog"), picture=np.ones((100, 200), np.uint8))
    data = Coco().document([e, other, elsewhere])
    assert [image["id"] for image in data["images"]] == [1, 2]
    assert [note["image_id"] for note in data["annotations"]] == [1, 1, 1, 1, 2, 2]
    assert [note["id"] for note in data["annotations"]] == [1, 2, 3, 4, 5, 6]
    assert data["categories"] == [{"id": 282, "name": "tiger cat"}, {"id": 7, "name": "dog"}]


def test_yolo_is_in_shares_of_the_picture(e: Explanation, tmp_path: Path) -> None:
    lines = e.save(tmp_path / "a.txt").read_text().splitlines()
    assert lines == ["282 0.200000 0.200000 0.200000 0.200000", "282 0.775000 0.650000 0.050000 0.100000"]
    scored = e.save(tmp_path / "b.txt", scores=True).read_text().splitlines()
    assert scored[0].split()[-1] == f"{800 / 842:.6f}"
    outline = e.save(tmp_path / "c.txt", polygons=True).read_text().splitlines()[0].split()
    points = {(float(x), float(y)) for x, y in zip(outline[1::2], outline[2::2], strict=True)}
    assert points == {(0.1, 0.1), (0.3, 0.1), (0.3, 0.3), (0.1, 0.3)}


@pytest.mark.parametrize("shape", [(1, 2000), (2000, 1), (1, 1)])
def test_yolo_stays_within_extreme_pictures(shape: tuple[int, int], tmp_path: Path) -> None:
    e = explanation(np.zeros(shape, np.uint8), np.ones(shape, np.float32))
    assert e.save(tmp_path / "a.txt").read_text() == "282 0.500000 0.500000 1.000000 1.000000\n"


def test_csv_has_a_row_for_each_box(e: Explanation, tmp_path: Path) -> None:
    text = e.save(tmp_path / "a.csv", threshold="otsu").read_bytes().decode()
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert first["image"] == "cat.jpg"
    assert (first["class_index"], first["class_name"], first["threshold"]) == ("282", "tiger cat", "otsu")
    assert [first[side] for side in ("left", "top", "right", "bottom")] == ["20", "10", "60", "30"]
    assert (second["area"], float(second["score"])) == ("84", pytest.approx(42 / 842))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_break_no_file(e: Explanation, name: str, tmp_path: Path) -> None:
    hostile = named(e, name)
    text = hostile.save(tmp_path / "a.csv").read_bytes().decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [len(row) for row in rows] == [12, 12, 12]
    assert not rows[1][2].startswith(("=", "+", "-", "@")), "a spreadsheet would run it"
    data = json.loads(hostile.save(tmp_path / "a.json").read_text(encoding="ascii"))
    assert data["categories"][0]["name"] == name
    assert hostile.save(tmp_path / "a.txt").read_text().startswith("7 0.2")


def test_a_mask_is_a_grey_picture(e: Explanation, tmp_path: Path) -> None:
    with Image.open(e.save(tmp_path / "A.MASK.PNG", threshold=0.6)) as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), e.mask(0.6) * 255)


def test_a_blank_map_gives_files_without_areas(tmp_path: Path) -> None:
    e = explanation(np.zeros((9, 9), np.uint8), np.zeros((9, 9), np.float32))
    assert json.loads(e.save(tmp_path / "a.json").read_bytes())["annotations"] == []
    assert e.save(tmp_path / "a.txt").read_bytes() == b""
    assert len(Table()(e).splitlines()) == 1
    assert not np.asarray(Image.open(e.save(tmp_path / "a.mask.png"))).any()


def test_a_target_without_a_class_is_written(e: Explanation, tmp_path: Path) -> None:
    free = attrs.evolve(e, target=TargetInfo(None, None, None, "<lambda>"))
    data = json.loads(free.save(tmp_path / "a.json").read_bytes())
    assert data["categories"] == [{"id": 0, "name": "<lambda>"}]
    assert free.save(tmp_path / "a.txt").read_text().startswith("0 ")
    assert b",,<lambda>," in Table()(free)


@pytest.mark.parametrize("suffix", [".json", ".txt", ".csv", ".mask.png"])
def test_what_is_no_picture_has_no_such_file(suffix: str, tmp_path: Path) -> None:
    volume = explanation(np.zeros((4, 5, 6)), np.ones((4, 5, 6), np.float32))
    with pytest.raises(ImageError, match=r"\(4, 5, 6\)"):
        volume.save(tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


def test_wrong_options_are_refused_and_nothing_is_written(e: Explanation, tmp_path: Path) -> None:
    with pytest.raises(OptionTypeError, match=r"format '\.json' has no option 'treshold'.*'threshold'"):
        e.save(tmp_path / "a.json", treshold=0.2)
    with pytest.raises(OptionError, match="p200"):
        e.save(tmp_path / "a.csv", threshold="p200")
    with pytest.raises(OptionTypeError, match=r"\.npz file holds no drawn picture.*'boxes'"):
        e.save(tmp_path / "a.npz", "boxes")
    with pytest.raises(OptionTypeError, match="'threshold'"):
        e.save(tmp_path / "a.npz", threshold=0.2)
    with pytest.raises(OutputError, match=r"'\.bmp'.*\.png.*\.npz.*\.mask\.png"):
        e.save(tmp_path / "a.bmp")
    with pytest.raises(OutputError, match="no suffix"):
        e.save(tmp_path / "npz")
    with pytest.raises(OutputError, match="does not exist"):
        e.save(tmp_path / "nowhere" / "a.json")
    assert not list(tmp_path.iterdir())


def test_pictures_are_saved_as_before(e: Explanation, tmp_path: Path) -> None:
    smooth = attrs.evolve(e, heatmap=gaussian((100, 200), (50, 100), 20))
    with Image.open(smooth.save(tmp_path / "a.png", "heatmap", colormap="jet")) as image:
        assert np.array_equal(np.asarray(image), smooth.render("heatmap", colormap="jet"))
        assert image.info["Title"] == "Grad-CAM: tiger cat (282)"
    with Image.open(smooth.save(tmp_path / "a.webp")) as image:
        assert image.size == (200, 100)
