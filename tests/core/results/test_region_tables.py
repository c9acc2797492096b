"""A table of regions: kept by .npz, written as .csv, drawn, and refused where there is none."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import attrs
import numpy as np
import pytest
from helpers.viz import comparison, explanation, gaussian

import visioncam
from visioncam.cli.describe import tell_account
from visioncam.cli.json_records import explanation_record
from visioncam.cli.terminal import Output
from visioncam_core.errors import ImageError, OptionError
from visioncam_core.results.accounts import Account, RegionTable
from visioncam_core.results.describe import options_in_text
from visioncam_core.results.explanation import Explanation


@pytest.fixture
def e(rng: np.random.Generator) -> Explanation:
    labels = np.zeros((40, 60), np.int32)
    labels[:, 20:40] = 1
    labels[:, 40:] = 2
    labels[:4] = -1
    table = RegionTable(labels, ("left", "=SUM(A1)", "right"), np.array([0.25, -1.0, 0.5]))
    account = Account(
        "grey", total=1.0, expected=1.25, error=0.03, repeats=0.9, samples=7, note="three told apart"
    )
    made = explanation(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8), gaussian((40, 60), (20, 30), 9))
    return attrs.evolve(made, method="lime", regions=table, account=account)


def test_npz_keeps_table_and_account(e: Explanation, tmp_path: Path) -> None:
    back = visioncam.load(e.save(tmp_path / "a.npz"))
    assert back.account == e.account
    assert back.regions is not None
    assert e.regions is not None
    assert back.regions.names == e.regions.names
    np.testing.assert_array_equal(back.regions.labels, e.regions.labels)
    np.testing.assert_array_equal(back.regions.contributions, e.regions.contributions)
    assert back.regions.rows()[0] == (1, "=SUM(A1)", -1.0)
    without = visioncam.load(attrs.evolve(e, regions=None, account=None).save(tmp_path / "b.npz"))
    assert without.regions is None
    assert without.account is None


def test_files_from_before_there_were_tables_load(e: Explanation, tmp_path: Path) -> None:
    path = attrs.evolve(e, regions=None, account=None).save(tmp_path / "a.npz")
    with np.load(path) as file:
        arrays = dict(file)
    about = json.loads(str(arrays["about"]))
    del about["account"], about["regions"]
    np.savez(path, **{**arrays, "about": np.array(json.dumps(about))})
    assert visioncam.load(path).regions is None


@pytest.mark.parametrize("damage", ["labels", "names", "kind", "missing"])
def test_a_table_that_does_not_fit_is_refused(e: Explanation, tmp_path: Path, damage: str) -> None:
    path = e.save(tmp_path / "a.npz")
    with np.load(path) as file:
        arrays = dict(file)
    if damage == "labels":
        arrays["region_labels"] = arrays["region_labels"] + 5
    elif damage == "kind":
        arrays["region_labels"] = arrays["region_labels"].astype(float)
    elif damage == "names":
        about = json.loads(str(arrays["about"]))
        arrays["about"] = np.array(json.dumps({**about, "regions": ["one"]}))
    else:
        del arrays["region_labels"]
    np.savez(path, **arrays)
    with pytest.raises(ImageError, match="is not an explanation that can be loaded"):
        visioncam.load(path)


def test_the_raw_map_alone_has_no_table(e: Explanation, tmp_path: Path) -> None:
    with zipfile.ZipFile(e.save(tmp_path / "a.npz", raw_only=True)) as archive:
        assert set(archive.namelist()) == {"raw.npy", "about.npy"}


def test_csv_has_a_row_a_region(e: Explanation, tmp_path: Path) -> None:
    with e.save(tmp_path / "a.csv", rows="regions").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["'=SUM(A1)", "right", "left"]
    assert [float(row["contribution"]) for row in rows] == [-1.0, 0.5, 0.25]
    assert [int(row["pixels"]) for row in rows] == [720, 720, 720]
    with e.save(tmp_path / "b.csv").open(newline="") as file:
        assert "threshold" in next(csv.reader(file))
    with pytest.raises(OptionError, match="gradcam has no regions; explain with partitionshap"):
        attrs.evolve(e, regions=None, method="gradcam").save(tmp_path / "c.csv", rows="regions")


def test_regions_are_drawn_in_their_colours_with_borders(e: Explanation) -> None:
    grey = attrs.evolve(e, picture=np.full((40, 60, 3), 128, np.uint8))
    picture = grey.render("regions").astype(int)
    assert picture.shape == (40, 60, 3)
    left, middle, right, none = (picture[y, x] for y, x in ((20, 10), (20, 30), (20, 50), (1, 30)))
    assert middle[2] > middle[0] + 60  # against: blue
    assert right[0] > right[2] + 40  # for: red, and more so than the left
    assert right[0] - right[2] > left[0] - left[2] > 0
    assert np.ptp(none) == 0
    assert picture[20, 40].sum() < picture[20, 41].sum()  # the border is darker
    large = grey.render("regions", min_size=120)
    assert large.shape == (80, 120, 3)
    assert np.ptp(large[20:70, 90:118].reshape(-1, 3).astype(int), axis=0).max() == 0


def test_bars_show_the_largest_with_names_and_the_others_together(e: Explanation) -> None:
    chart = e.render("bars", title=False).astype(int)
    blue, red = (
        np.flatnonzero((chart[..., i] > chart[..., j] + 60).any(axis=1)) for i, j in ((2, 0), (0, 2))
    )
    assert blue.max() < red.min()  # the largest by size comes first, and is against
    assert e.render("bars", count=1).shape != e.render("bars").shape
    assert e.render("bars", title=False, count=2).shape[0] == chart.shape[0]  # two, and the others


def test_a_long_account_is_drawn_whole(e: Explanation) -> None:
    short = attrs.evolve(e, account=Account("grey")).render("bars")
    assert e.render("bars").shape[0] > short.shape[0]


def test_account_and_regions_are_told_wherever_an_explanation_is(
    e: Explanation, capsys: pytest.CaptureFixture[str]
) -> None:
    account = "against grey, adds up to 1 of 1.25 (residual 20.0%), standard error 3.0% of the largest value"
    regions = "=SUM(A1) -1; right +0.5; left +0.25"
    assert f"\n  account: {account}" in str(e)
    assert f"\n  regions: {regions}" in str(e)
    assert account in e._repr_html_()
    assert regions in e._repr_html_()
    assert e.text()["Account"].startswith(account)
    assert account in attrs.evolve(comparison(e), seconds={"lime": 1.0})._repr_html_()
    tell_account(Output(), e)
    told = "".join(capsys.readouterr().out.split())
    assert account.replace(" ", "") in told
    assert regions.replace(" ", "") in told
    record = explanation_record(e)
    assert record["account"]["expected"] == 1.25
    assert record["regions"][1] == {"name": "right", "contribution": 0.5}
    assert e.regions is not None
    assert e.regions.in_text(1) == "=SUM(A1) -1; 2 more"
    assert str(e.regions).splitlines()[0].split(maxsplit=1) == ["-1", "=SUM(A1)"]


def test_arrays_among_the_options_are_told_by_their_size() -> None:
    masks = {"cup": np.zeros((9, 9), bool), "spoon": np.ones((9, 9), bool)}
    told = options_in_text({"regions": masks, "hidden": np.zeros((4, 5, 3)), "n": None})
    assert told == "regions={cup, spoon}, hidden=array of 4×5×3, n=None"


@pytest.mark.parametrize("renderer", ["regions", "bars"])
def test_what_has_no_regions_says_which_methods_have(e: Explanation, renderer: str) -> None:
    with pytest.raises(
        ImageError, match="gradcam has no regions; explain with partitionshap, kernelshap or lime"
    ):
        attrs.evolve(e, regions=None, method="gradcam").render(renderer)


def test_a_report_hides_regions_under_the_pointer(e: Explanation) -> None:
    import base64
    import io

    from helpers.report import Seen, page
    from PIL import Image

    from visioncam.html_report.content import photo_of

    row = comparison(e)
    photo = photo_of([row])
    assert photo is not None
    html = page([photo]).html()
    (parts,) = [one for one in Seen(html).named("img") if one.get("data-shade")]
    assert parts["data-shade"] == "#808080"
    assert parts["data-told"] == "without it"
    assert str(parts["data-names"]).split("\n") == ["left: +0.25", "=SUM(A1): -1", "right: +0.5"]
    source = str(parts["src"]).partition(",")[2]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(source))))
    np.testing.assert_array_equal(pixels[20, [10, 30, 50], 0], [0, 1, 2])
    assert pixels[1, 30, 2] == 255
    assert "adds up to 1 of 1.25" in html
    assert "point at the photo to hide one" in html
    blurred = attrs.evolve(e, account=Account("blur:10"))
    other = photo_of([comparison(blurred)])
    assert other is not None
    assert "shown in grey, where the method put blur:10" in page([other]).html()
