"""Evaluation: a table with controls, marks, costs and flags."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.pictures import blobs

import visioncam
from visioncam.evaluation.evaluation import Evaluation
from visioncam.evaluation.report import sections, strip
from visioncam.evaluation.table import detail, details
from visioncam.html_report.sections import Cell, Chart, Ranking, Table
from visioncam_core.errors import ImageError, NameNotFoundError, OptionError, TargetError
from visioncam_engines.tensorflow.testing.keras_models import planted_blob
from visioncam_metrics.support.controls import CONTROLS


@pytest.fixture(scope="module")
def found() -> Evaluation:
    images, boxes = blobs()
    return visioncam.evaluate(
        planted_blob(), images, ["gradcam", "scorecam"], truth=boxes, seeds=3, cascade=2, steps=8,
        metrics=["deletion", "insertion", "averagedrop", "averagegain", "adcc", "pointinggame",
                 "energypointinggame", "randomisation", "classsensitivity", "sumresidual", "sparseness"],
    )  # fmt: skip


def test_controls_are_always_there(found: Evaluation) -> None:
    names = [one.name for one in found.layers[0].subjects]
    twins = ["gradcam@randomised", "scorecam@randomised"]
    assert names == ["gradcam", "scorecam", *twins, "random", "gaussian", "sobel", "fakecam"]
    assert {one.name for one in CONTROLS} <= set(names)


def test_fake_cam_wins_average_drop_and_gains_nothing(found: Evaluation) -> None:
    assert found.result("fakecam", "averagedrop").mean <= 0.001
    assert found.result("fakecam", "averagegain").mean <= 0.01
    assert "fakecam" in found.unbeaten(found.result("gradcam", "averagedrop"))
    assert found.result("fakecam", "adcc").mean < found.result("gradcam", "adcc").mean


def test_grad_cam_finds_the_blob_and_beats_what_does_not_look(found: Evaluation) -> None:
    assert found.result("gradcam", "pointinggame").mean == 1
    energy = found.result("gradcam", "energypointinggame")
    assert energy.mean > 0.5
    assert not {"random", "gaussian"} & set(found.unbeaten(energy))
    assert not {"random", "gaussian"} & set(found.unbeaten(found.result("gradcam", "deletion")))
    assert found.unbeaten(found.result("random", "deletion")) == ()
    assert found.unbeaten(found.result("gradcam", "sparseness")) == ()


def test_what_does_not_look_at_the_model_fails_the_sanity_check(found: Evaluation) -> None:
    assert found.result("sobel", "randomisation").mean == pytest.approx(1)
    assert found.result("gradcam", "randomisation").mean < 0.9
    assert found.result("sobel", "classsensitivity").mean == pytest.approx(1)
    assert found.result("gradcam", "classsensitivity").mean == pytest.approx(-1)
    assert found.result("gradcam", "sumresidual").mean < 1e-5
    residual = found.result("sobel", "sumresidual")
    assert residual.flagged == 8
    assert np.isnan(residual.mean)


def test_the_sanity_check_keeps_its_maps_from_the_trained_model_on(found: Evaluation) -> None:
    cascade = found.layers[0].cascade
    trained = visioncam.explain(planted_blob(), blobs()[0][0], "gradcam")
    assert set(cascade) == {"gradcam", "scorecam"}
    assert [len(maps) for maps in cascade.values()] == [3, 3]  # trained, two steps
    assert np.allclose(cascade["gradcam"][0], trained.raw, atol=1e-5)


def test_a_strip_leaves_a_map_that_is_not_there_empty(rng: np.random.Generator) -> None:
    one = rng.uniform(size=(5, 7)).astype(np.float32)

    def inked(maps: list[Any]) -> float:
        drawn = strip({"a": [one, *maps]})
        assert drawn is not None
        right = drawn.pixels[:, -drawn.pixels.shape[1] // 5 :]  # within the last of three squares
        return float((right.min(axis=-1) < 250).mean())

    assert inked([one, one]) > 0.4
    assert inked([one, None]) < 0.1
    assert inked([one, np.zeros_like(one)]) < 0.1
    assert strip({}) is None
    assert strip({"a": [np.zeros((2, 2, 2), np.float32)]}) is None


def test_the_sections_have_bands_rankings_and_controls_as_far_as_methods(found: Evaluation) -> None:
    verdict, trusted, *_ = sections(found)
    assert verdict.title == f"{found.verdict[0]}."
    assert all(one.leads for one in sections(found))
    parts = [part for one in sections(found) for part in one.parts]
    table, wide, folded = (part for part in trusted.parts if isinstance(part, Table))
    assert len(table.columns) + len(wide.columns) == len(found.metrics) + 2
    cells = [cell for row in table.rows for cell in row if isinstance(cell, Cell)]
    assert any(
        re.fullmatch(r"\d\.\d{3} \[\S+, \S+\]; not significantly better than .*random, gaussian.*", cell.more)
        for cell in cells
    )
    assert [row[0] for row in table.foot] == ["Randomised model", *(one.title for one in CONTROLS)]
    assert folded.folded
    assert len(folded.rows) == len(found.results)
    charts = {part.y: part for part in parts if isinstance(part, Chart)}
    probability = charts["probability"]
    assert set(probability.lines) == set(probability.bands) == {"gradcam", "scorecam", "random"}
    for name, (low, high) in probability.bands.items():
        assert all(a <= b <= c for a, b, c in zip(low, probability.lines[name][1], high, strict=True))
    sanity = charts["similarity to the trained model's map"].lines
    assert {max(x) for x, _ in sanity.values()} == {2}  # steps of the cascade
    plots = {part.caption: part for part in parts if isinstance(part, Ranking)}
    assert {told.partition(",")[0] for told in plots} == set(found.metrics) - {"sparseness"}
    for told, plot in plots.items():
        numbers = [row[2] for row in plot.rows]
        assert numbers == sorted(numbers, reverse="higher is better" in told)


def test_axes_do_not_blow_up_a_hairs_breadth(found: Evaluation) -> None:
    parts = [part for one in sections(found) for part in one.parts]
    limits = {part.caption.partition(",")[0]: part.limits() for part in parts if isinstance(part, Ranking)}
    assert limits["deletion"] == (0, 1)
    assert limits["randomisation"] == (-1, 1)
    assert limits["sumresidual"][0] == 0  # it has no bounds
    near = Ranking([("a", 0.8, 0.9, 0.95, True), ("b", 0.8, 0.901, 0.95, True)], (0, 1))
    assert near.place(0.901) - near.place(0.9) == pytest.approx(0.001)
    assert {part.limits()[2:] for part in parts if isinstance(part, Chart) and part.x != ""} >= {(0, 1)}


def test_what_has_no_answer_says_why() -> None:
    images, _ = blobs(2)
    text = str(
        visioncam.evaluate(planted_blob(), images, "gradcam", metrics="pointinggame", seeds=1, cascade=1)
    )
    assert "pointinggame is left out where no object is marked: Grad-CAM 2×" in text


def test_costs_and_switches_are_stated(found: Evaluation) -> None:
    costs = found.layers[0].costs
    assert costs["gradcam"].passes == 0
    assert costs["scorecam"].passes == 2
    (row,) = [r for r in found.records() if (r["method"], r["metric"]) == ("gradcam", "deletion")]
    assert row["passes"] == 8 * 9
    assert len(row["switches"]) == 10
    assert row["switches"]["steps"] == 8
    assert (row["pictures"], row["flagged"]) == (8, 0)
    assert row["low"] <= row["value"] <= row["high"]


def test_twenty_and_224_steps_agree() -> None:
    images, _ = blobs(4)
    means = {}
    for steps in (20, 224):
        found = visioncam.evaluate(
            planted_blob(), images, "gradcam", metrics=["deletion", "insertion"], steps=steps
        )
        means[steps] = [found.result("gradcam", name).mean for name in ("deletion", "insertion")]
    assert np.abs(np.subtract(means[20], means[224])).max() <= 0.01


def test_the_table_as_text_records_csv_and_json(found: Evaluation, tmp_path: Path) -> None:
    assert "deletion at features: mean [95 % interval] of n pictures" in found.details()
    assert re.search(r"Score-CAM on a randomised model +\d\.\d{3} \[.*\] +n 8", found.details())
    frame = found.to_dataframe()
    assert set(frame.metric) == set(found.metrics)
    lines = found.save(tmp_path / "e.csv").read_text().splitlines()
    assert len(lines) == 1 + len(found.results) == 1 + len(frame)
    data = json.loads(found.save(tmp_path / "e.json").read_text(), parse_constant=pytest.fail)
    assert data["explained"]["features"][0].startswith("class 0")
    with pytest.raises(OSError, match=r"Use .json or .csv"):
        found.save(tmp_path / "e.xlsx")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["e.csv", "e.json"]


def test_a_number_without_an_honest_interval_says_so(found: Evaluation) -> None:
    (row,) = [r for r in found.records() if (r["method"], r["metric"]) == ("gradcam", "deletion")]
    assert (row["interval"] in {"t", "Gaffke"}, row["corrected"]) == (True, True)
    none = row | {
        "low": float("nan"),
        "high": float("nan"),
        "no_better_than": [],
        "interval": "no valid interval",
    }
    assert detail(none) == (f"{row['value']:.3f} [none]", "")
    assert "[none]: no interval would be honest" in details([none])


def test_wins_add_up_to_one(found: Evaluation) -> None:
    wins = found.wins()
    for (a, b), (share, ties) in wins.items():
        assert share + wins[b, a][0] == pytest.approx(1)
        assert ties == wins[b, a][1]


@pytest.mark.parametrize(
    ("condition", "count"), [("pointing_game < 0.6", 0), ("Deletion >= 0", 2), ("ad>1e3", 0)]
)
def test_conditions(found: Evaluation, condition: str, count: int) -> None:
    assert len(found.check(condition)) == count


def test_a_condition_that_cannot_be_read_says_how(found: Evaluation) -> None:
    with pytest.raises(OptionError, match=r"as in 'pointing_game < 0\.6'"):
        found.check("pointing game is low")
    with pytest.raises(NameNotFoundError, match="did you mean 'deletion'"):
        found.check("deletoin < 1")
    with pytest.raises(OptionError, match="'road', which was not measured"):
        found.check("road < 1")
    with pytest.raises(NameNotFoundError, match="unknown method 'gradcan'"):
        found.result("gradcan", "deletion")


def test_the_model_and_the_pictures_stay_as_they_were() -> None:
    model, (images, boxes) = planted_blob(), blobs(2)
    weights, kept, state = [w.copy() for w in model.get_weights()], images.copy(), random.getstate()
    visioncam.evaluate(model, images, "gradcam", truth=boxes, seeds=1, cascade=1, steps=2)
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
    assert np.array_equal(images, kept)
    assert random.getstate() == state


def test_truth_that_does_not_fit_says_so() -> None:
    images, _ = blobs(2)
    with pytest.raises(ImageError, match="truth has 1 mark for 2 pictures"):
        visioncam.evaluate(planted_blob(), images, "gradcam", truth=[(0, 0, 4, 4)])
    with pytest.raises(ImageError, match="not inside the picture"):
        visioncam.evaluate(planted_blob(), images, "gradcam", truth=[(0, 0, 44, 4)] * 2, seeds=1, cascade=1)
    with pytest.raises(TargetError, match="is not a class; pass an index"):
        visioncam.evaluate(planted_blob(), images, "gradcam", target=lambda v: v[:, 0])


def test_a_method_that_asks_too_much_is_flagged() -> None:
    images, _ = blobs(2)
    found = visioncam.evaluate(
        planted_blob(),
        images,
        ["gradcam", "scorecam"],
        metrics=["adcc", "noisestability", "averagedrop"],
        patience=8,
    )
    assert found.result("scorecam", "adcc").flagged == 0
    assert "more than patience=8" in found.result("scorecam", "noisestability").flags[0]
    assert found.result("gradcam", "noisestability").flagged == 0
