"""Simulate how often intervals, tests and recommendations are right, and write it into docs/evaluation.md.

    python tools/calibration.py --runs 1000

A few minutes.  `tests/evaluation/test_calibration.py` runs a short part of it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
PAGE = ROOT / "docs" / "evaluation.md"
BLOCK = re.compile(r"<!-- measured by tools/calibration\.py -->\n(.*?)<!-- end calibration -->", re.DOTALL)
BOUNDS = {"leaning, no bounds: log-normal": "no method can promise any"}


def rows(runs: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield what was simulated, over how many pictures, what came out, and what it may be."""
    from helpers.calibration import BEST, EQUALS, KINDS, NOISE, beating, better, covered, recommended

    def share(found: int, of: int = runs) -> str:
        return f"{100 * found / of:.1f} %"

    for kind, count in ((kind, count) for kind in KINDS for count in (6, 12, 30)):
        given, right, wide = covered(kind, count, runs)
        told = f"{share(right, given)}, mean width {wide:.2f}" if given > runs / 100 else "none given"
        told += f", given {share(given)}" if runs / 100 < given < runs else ""
        yield (
            f"95 % interval holds the mean: {kind}",
            str(count),
            told,
            BOUNDS.get(kind, "at least 94 %, or none"),
        )
    for count in (6, 12):
        yield "one method of noise is better than a control", str(count), share(better(count, runs)), "2.5 %"
    for count in (6, 12):
        yield "so is one ahead by one standard deviation", str(count), share(better(count, runs, 1.0)), ""
    for count in (6, 8, 12, 30):
        told = share(beating(count, runs))
        yield "any of nine methods of noise beats the random map", str(count), told, "2.5 %"
    for what, gains, bound in (
        ("nine methods of noise", NOISE, "2.5 %; 2.5 %"),
        ("two equal ones, both ahead of random by one deviation", EQUALS[:2], "; 2.5 %"),
        ("five equal ones, all ahead of random by one deviation", EQUALS, "; 2.5 %"),
        ("five ahead of random by one deviation, the best of them by two", BEST, ""),
    ):
        for count in (6, 8, 12, 30):
            named, sure = recommended(count, runs, gains)
            told = f"{share(named)}; {share(sure)}"
            yield f"`recommend` names one (the best); is sure: {what}", str(count), told, bound


def block(runs: int) -> str:
    """Return the block of the page, with its markers."""
    lines = [f"| simulated {runs:,} times, seeded | pictures | measured | may be |", "|---|---|---|---|"]
    for row in rows(runs):
        lines.append(f"| {' | '.join(row)} |")
        print(lines[-1], flush=True)
    text = "\n".join(lines)
    return f"<!-- measured by tools/calibration.py -->\n{text}\n<!-- end calibration -->"


@click.command(help=__doc__)
@click.option("--runs", default=1000, show_default=True, help="Simulated data sets a row.")
def main(runs: int) -> None:
    """Simulate, and write the block."""
    page = PAGE.read_text("utf-8")
    if not BLOCK.search(page):
        raise click.ClickException(f"{PAGE} has no block between the calibration markers; put them back")
    found = block(runs)
    PAGE.write_text(BLOCK.sub(lambda _: found, page), "utf-8")


if __name__ == "__main__":
    main()
