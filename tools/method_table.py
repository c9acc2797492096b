"""Measure what sets methods apart, for docs/methods.md: `python tools/method_table.py [NAME ...]`.

With names, the rows of the other methods stay as they are.

On two pictures of two objects of docs/evaluation.md, each explained for either object, and once more by a
copy of the embedded model with its weights shuffled.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from evaluation_set import Picture, pictures  # noqa: E402

import visioncam  # noqa: E402
from visioncam_core.engine.batches import COUNTERS  # noqa: E402
from visioncam_core.plugins.default import registry  # noqa: E402
from visioncam_core.results.agreement import rank_correlation  # noqa: E402

MARKED = re.compile(r"(<!-- measured: methods -->\n).*?(<!-- end of measured: methods -->)", re.DOTALL)
PICTURES = 2
ALIKE = 0.9
"""Rank correlation above which two maps say the same."""
NEAR = 0.05
"""Share of the score that may be missing in a sum."""
NOT_HERE = {"rollout", "attentiongradient", "legrad"}
"""They need attention, which the embedded network has not; the tests' transformers do."""


@attrs.frozen(eq=False)
class Marks:
    """What was measured of one method: means over the pictures."""

    passes: float
    inside: float
    classes: float
    weights: float
    missing: float | None


def main() -> None:
    """Measure every method and write the table."""
    model = visioncam.demo.load("torch")
    cases = [turn for one in pictures() if one.other for turn in (one, one.turned())][: 2 * PICTURES]
    other = randomised(model)
    page, specs = ROOT / "docs" / "methods.md", visioncam.methods()
    found = MARKED.search(page.read_text("utf-8"))
    assert found is not None
    rows = {row.split("|")[1].strip(): row for row in found[0].splitlines() if row.startswith("| ")}
    for spec in specs:
        if spec.distribution not in ("", "visioncam") or spec.name in NOT_HERE:
            continue
        if sys.argv[1:] and spec.name not in sys.argv[1:]:
            continue
        rows[spec.title] = line(spec, measured(spec.name, model, other, cases))
        print(rows[spec.title], flush=True)
    head = "| method | passes | on its object | sees the class | adds up | sees the weights |\n|" + 6 * "---|"
    table = "\n".join([head, *(rows[spec.title] for spec in specs if spec.title in rows)])
    text = page.read_text("utf-8")
    page.write_text(MARKED.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text), "utf-8")


def randomised(model: Any) -> Any:
    """Return a copy whose weights are the model's own in another order, tensor by tensor."""
    engine = registry().open_engine(registry().engine_spec(model, None))
    copy, rng = engine.copy(model), np.random.default_rng(0)
    copy.set([rng.permutation(one.reshape(-1)).reshape(one.shape) for one in copy.get()])
    return copy.model


def measured(name: str, model: Any, other: Any, cases: list[Picture]) -> Marks:
    """Return a method's marks; the two classes of a picture stand next to each other in `cases`."""
    explain, again = visioncam.explainer(model, name), visioncam.explainer(other, name)
    passes, inside, classes, weights, missing = [], [], [], [], []
    for one, two in zip(cases[::2], cases[1::2], strict=True):
        maps = []
        for case in (one, two):
            before = COUNTERS.snapshot()
            e = explain(case.pixels, case.asked.target)
            spent = COUNTERS.snapshot() - before
            passes.append(spent["forward"] + spent["backward"] + spent["tail"])
            inside.append(share_inside(e.heatmap, case))
            if e.account is not None and e.account.share is not None:
                missing.append(e.account.share)
            maps.append(e.raw)
        classes.append(alike(*maps))
        weights.append(alike(maps[0], again(one.pixels, one.asked.target).raw))
    mean: Callable[[list[float]], float] = lambda values: float(np.mean(values))  # noqa: E731
    return Marks(mean(passes), mean(inside), mean(classes), mean(weights), mean(missing) if missing else None)


def share_inside(heatmap: np.ndarray, case: Picture) -> float:
    """Return the share of the evidence on the object asked for."""
    return float(heatmap[case.asked.truth].sum() / max(float(heatmap.sum()), 1e-12))


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """Return the rank correlation of two raw maps, 1 where both are flat."""
    return rank_correlation(one, other) if one.std() and other.std() else float(one.std() == other.std())


def line(spec: Any, marks: Marks) -> str:
    """Return a row of the table."""
    adds = "–" if marks.missing is None else f"{yes(marks.missing <= NEAR)} ({marks.missing:.1%} missing)"
    return (
        f"| {spec.title} | {marks.passes:.0f} | {marks.inside:.0%} | {yes(marks.classes < ALIKE)} "
        f"({marks.classes:.2f}) | {adds} | {yes(abs(marks.weights) < ALIKE)} ({marks.weights:.2f}) |"
    )


def yes(good: bool) -> str:
    """Return a mark."""
    return "yes" if good else "**no**"


if __name__ == "__main__":
    main()
