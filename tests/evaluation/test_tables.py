"""Tables that people can read: a mark a cell, the verdict first, at most 100 columns."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from helpers.calibration import evaluation

import visioncam
from visioncam.evaluation.evaluation import Evaluation
from visioncam.evaluation.report import BROAD
from visioncam.evaluation.request import PLACED, PLAIN
from visioncam.evaluation.table import blocks, details, grids, heads_of, legend, plain_row, rows_of, table
from visioncam_core.results.formats.tables import latex, markdown
from visioncam_metrics.support.controls import CONTROLS


def records(metrics: list[str], better_than: bool = True) -> list[dict[str, Any]]:
    """Return records of the nine methods, their twins and all controls at one layer."""
    rows = {row.name: row for row in visioncam.metrics()}
    nine = [(row.name, row.title, "method") for row in visioncam.methods() if row.name in NINE]
    twins = [
        (f"{name}@randomised", f"{title} on a randomised model", "randomised") for name, title, _ in nine
    ]
    subjects = [*nine, *twins, *((one.name, one.title, "control") for one in CONTROLS)]
    return [
        {
            "layer": "top_activation", "method": name, "title": title, "kind": kind, "metric": metric,
            "metric_title": rows[metric].title, "better": rows[metric].better, "value": -0.1234,
            "low": -0.2, "high": 0.1, "interval": "t", "pictures": 12, "flags": [], "map_passes": 0.0,
            "no_better_than": [] if better_than else ["random"], "corrected": metric == metrics[0],
            "map_seconds": 0.1,
        }
        for metric in metrics
        for name, title, kind in subjects
    ]  # fmt: skip


NINE = ("gradcam", "gradcamplusplus", "gradcamelementwise", "hirescam", "respondcam", "scorecam",
        "smoothgradcamplusplus", "xgradcam", "ablationcam")  # fmt: skip
EVERY = [row.name for row in visioncam.metrics()]


@pytest.mark.parametrize(("names", "count"), [([*PLAIN], 1), ([*PLAIN, *PLACED], 2), (EVERY, 5)])
def test_nine_methods_fit_100_columns(names: list[str], count: int) -> None:
    found = records(names)
    assert max(map(len, table(found, 12, []))) <= 100
    rows, heads = rows_of(found), heads_of(found)
    parts = list(blocks(rows, heads))
    assert [name for block in parts for name in block] == names
    assert len(parts) <= count
    if len(names) <= 9:
        assert len(list(blocks(rows, heads, BROAD))) == 1


def test_long_names_fit_100_columns_too() -> None:
    found = [
        one | {"title": one["title"].replace("Grad-CAM", "G" * 120), "layer": "l" * 130, "value": 1.0}
        | {"metric": "m" * 90, "metric_title": "m" * 90, "no_better_than": ["random"] * 9}
        for one in records(["deletion"])
    ]  # fmt: skip
    lines = [*table([*found, *(one | {"layer": "other"} for one in found)], 12, []), *details(found)]
    assert max(map(len, lines)) <= 100
    assert len(lines) < 150
    assert any(line.startswith("G" * 22 + "…") and " on a randomised model  1.000" in line for line in lines)
    assert "1 picture can hardly show anything of 1 method: 6 are needed" in legend(found[:1], 1)


def test_a_cell_has_one_mark_and_controls_stand_below() -> None:
    lines = table(records(["deletion", "averagedrop", "sparseness"]), 12, [])
    assert lines[0].split() == ["average"]
    assert lines[1].split() == ["deletion", "↓", "drop", "↓¹", "sparseness"]
    assert lines[2].split() == ["Grad-CAM", "●-0.123", "●-0.123", "-0.123"]
    at = lines.index("controls")
    assert [line[:16].strip() for line in lines[at + 1 : at + 6]] == [
        "Randomised model",
        *(c.title for c in CONTROLS),
    ]
    assert "●" not in "".join(lines[at : at + 6])
    assert "○-0.123" in table(records(["deletion"], better_than=False), 12, [])[1]
    told = "\n".join(legend(records(["deletion", "averagedrop"]), 5))
    assert "deletion decides: 2.5 % for all 9 methods together; ¹ only shown" in told
    assert "5 pictures can hardly show anything of 9 methods: 9 are needed" in told
    assert "hardly" not in "\n".join(legend(records(["deletion"]), 9))


def test_without_a_number_there_is_no_mark() -> None:
    found = records(["deletion", "insertion"])
    for one in found:
        if one["metric"] == "insertion" and one["kind"] != "method":
            one["pictures"] = 0  # no control has a number: nothing is beaten
    found[0]["pictures"] = 0
    first, second, *_, last = rows_of(found)
    assert [first.cell("deletion"), second.cell("deletion")] == ["–", "●-0.123"]
    assert [second.cell("insertion"), last.cell("insertion"), last.cell("iou")] == ["-0.123", "–", ""]


def test_markdown_has_a_row_a_method_and_a_table_a_layer() -> None:
    found = records(["deletion", "sparseness"])
    both = grids([*found, *(one | {"layer": "early"} for one in found)])
    lines = "\n".join(markdown(*one) for one in both).split("\n")
    assert lines[:3] == ["| at top_activation | deletion ↓ | sparseness |", "| --- | --- | --- |",
                         "| Grad-CAM | ●-0.123 | -0.123 |"]  # fmt: skip
    assert lines.count("| Randomised model | -0.123 | -0.123 |") == 2
    assert "| at early | deletion ↓ | sparseness |" in lines
    assert r"Randomised model & -0.123 & -0.123 \\" in latex(*both[0])
    assert all(isinstance(cell, str | int | float | None) for cell in plain_row(found[0]).values())


def measured(gains: tuple[float, ...], count: int) -> Evaluation:
    return evaluation(np.random.default_rng(0), count, gains)


@pytest.mark.parametrize(
    ("gains", "count", "told"),
    [
        ((3.0, 1.0), 30, "Use m0 at last: significantly better than a random map, and the best: the data "
                         "show it"),
        ((2.5, 2.0), 12, "Use m0 at last: significantly better than a random map; no significant "
                         "difference from 1 other"),
        ((-1.0, -1.0), 12, "Use none of the maps: no method beats a random map"),
        ((2.5, 2.0), 1, "No method is named"),
    ],
)  # fmt: skip
def test_the_verdict_comes_first(gains: tuple[float, ...], count: int, told: str) -> None:
    found = measured(gains, count)
    assert found.verdict[0] == told
    first, *rest = "".join(itertools.takewhile(bool, str(found).splitlines())), str(found)
    assert first.startswith(f"m, {count} picture")
    assert " ".join(rest[0].split()).split("deletion ↓")[0].count(told) == 1
    assert found._repr_markdown_().startswith(told)
