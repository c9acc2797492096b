"""Measure docs/evaluation.md and write it: `python tools/evaluation.py [GROUP ...] RESULTS.json`.

RESULTS.json keeps what was measured; with `--from` in a group's place the page is written from it alone.  All groups
take twenty minutes of one core; in two processes beside others' work, 41 minutes on two cores.
"""

# ruff: noqa: E501 -- lines of the page, which is 120 wide
from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
from evaluation_page import page

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "evaluation.md"
PLOT = ROOT / "docs" / "images" / "evaluation.png"
BLOCK = re.compile(r"(<!-- measured by tools/evaluation\.py -->\n).*?(<!-- end evaluation -->)", re.DOTALL)
PLACES = ("energypointinggame", "pointinggame", "iou")
METRICS = ("deletion", "insertion", "averagegain", "randomisation", "classsensitivity", *PLACES)
QUICK = ("gradcam", "gradcamplusplus", "gradcamelementwise", "hirescam", "respondcam", "xgradcam", "layercam",
         "eigencam", "reciprocam", "saliency", "gradientinput")  # fmt: skip


@attrs.frozen(eq=False)
class RightObject:
    """The share of what a map lays on both objects that lies on the one asked for: .5 where it is all one."""

    others: Sequence[np.ndarray | None]
    needs: ClassVar[frozenset[str]] = frozenset({"truth"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @property
    def switches(self) -> Any:
        """How its numbers are made."""
        from visioncam_core.metrics.result import Switches

        return Switches(score="the model is not run", mask="the explained object, and the other")

    def __call__(self, case: Any) -> Any:
        """Return the share of one map."""
        from visioncam_core.metrics.result import Measured

        other = self.others[case.picture]
        if other is None:
            return Measured(float("nan"), "the picture has one object")
        here, there = float(case.heat[case.truth].sum()), float(case.heat[other].sum())
        uniform = case.truth.sum() / (case.truth.sum() + other.sum())
        return Measured(here / (here + there), uniform=float(uniform))


def groups() -> dict[str, tuple[list[Any], int]]:
    """Return methods measured side by side, and n: every n-th picture is used, fewer where maps are slow."""
    from visioncam_methods.cam.scorecam import ScoreCAM
    from visioncam_methods.gradient.expectedgradients import ExpectedGradients
    from visioncam_methods.gradient.integratedgradients import IntegratedGradients
    from visioncam_methods.region.kernelshap import KernelSHAP
    from visioncam_methods.region.lime import LIME
    from visioncam_methods.region.partitionshap import PartitionSHAP
    from visioncam_methods.region.rise import RISE

    paths = ["smoothgradcamplusplus", "ablationcam", ScoreCAM(channels=64), "layerintegratedgradients",
             IntegratedGradients(steps=16), "smoothgrad", ExpectedGradients(n=24)]  # fmt: skip
    regions = ["occlusion", PartitionSHAP(regions="grid:4"), KernelSHAP(n=200), LIME(n=200), RISE(n=200)]
    return {
        "quick": (list(QUICK), 1),
        "paths": (["gradcam", *paths], 6),
        "regions": (["gradcam", *regions], 7),
    }


def measured(only: Sequence[str] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the groups as they are measured, by name."""
    from evaluation_set import pictures

    import visioncam
    from visioncam.evaluation.evaluation import document
    from visioncam.evaluation.recommend import recommendation_of
    from visioncam_metrics.localisation.maxboxacc import MaxBoxAcc

    model, found = visioncam.demo.load(), pictures()

    def group(methods: Sequence[Any], cases: Sequence[Any], metrics: Sequence[Any], **more: Any) -> Any:
        one = visioncam.evaluate(
            model, [case.pixels for case in cases], list(methods), truth=[case.asked.truth for case in cases],
            target=[case.asked.target for case in cases], metrics=list(metrics), steps=5, seeds=1, cascade=1,
            patience=10_000, progress=True, **more,
        )  # fmt: skip
        layers = tuple(
            attrs.evolve(at, results=tuple(
                attrs.evolve(r, better="higher") if r.metric == "rightobject" else r for r in at.results
            ))
            for at in one.layers
        )  # fmt: skip
        return attrs.evolve(one, layers=layers)

    for name, (methods, every) in groups().items():
        if only and name not in only:
            continue
        cases = found[::every]
        right = RightObject(
            [None if case.other is None else case.other.truth[16:240, 16:240] for case in cases]
        )
        one = group(methods, cases, [*METRICS, MaxBoxAcc(levels=20), right])
        best = recommendation_of(one)
        verdict = {"method": best.method, "sure": best.sure, "why": best.why, "equals": best.equals}
        yield name, {**document(one), "verdict": verdict, "names": [case.name for case in cases]}
    if only and "stretched" not in only:
        return
    cams = [name for name in QUICK if name not in ("saliency", "gradientinput")]
    yield "stretched", document(group(cams, found, [*PLACES, MaxBoxAcc(levels=20)], placement="stretched"))


def plot(groups: dict[str, dict[str, Any]]) -> None:
    """Write the plot of means with intervals."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = ("deletion", "insertion", "averagegain", "energypointinggame", "rightobject", "randomisation")
    rows = [
        {**row, "title": f"{row['title']} ({len(row['values'])})"}
        for name in ("quick", "paths", "regions")
        for row in groups.get(name, {"results": ()})["results"]
        if row["kind"] == "method" or (row["kind"], name) == ("control", "quick")
    ]
    names = list(
        dict.fromkeys(
            (row["title"], row["kind"]) for row in sorted(rows, key=lambda r: r["kind"] == "control")
        )
    )
    figure = Figure(figsize=(14, 0.8 + 0.24 * len(names)), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    for axis, metric in zip(figure.subplots(1, len(shown), sharey=True), shown, strict=True):
        mine = {row["title"]: row for row in rows if row["metric"] == metric}
        for place, (title, kind) in enumerate(names[::-1]):
            row, colour = mine.get(title), "tab:blue" if kind == "method" else "0.45"
            if row is None or row["value"] is None:
                continue
            if row["low"] is not None:
                axis.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2)
            axis.plot([row["value"]], [place], "o", color=colour, markersize=4)
        axis.set_title(f"{metric}\n{mine[names[0][0]]['better']} is better", fontsize=9)
        axis.set_yticks(range(len(names)), [title for title, _ in names[::-1]], fontsize=8)
        axis.grid(axis="x", alpha=0.3)
    figure.savefig(PLOT, metadata={"Title": "VisionCam evaluation", "Software": ""})


def main(arguments: list[str]) -> None:
    """Measure, or read what was measured, and write page and plot."""
    from visioncam_core.plain_data import plain

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    file = Path(arguments[-1])
    groups = json.loads(file.read_text("utf-8")) if file.exists() else {}
    if "--from" not in arguments:
        for name, found in measured(arguments[:-1]):
            groups[name] = plain(found)
            file.write_text(json.dumps(groups), "utf-8")
    text = page(groups)
    PAGE.write_text(BLOCK.sub(lambda at: f"{at[1]}{text}{at[2]}", PAGE.read_text("utf-8")), "utf-8")
    plot(groups)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
