"""Simulate how often the audit finds a planted tag, and chance, and write it into docs/evaluation.md.

    python tools/audit_calibration.py

Two minutes.  `tests/auditing/test_places.py` runs a short part of it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
PAGE = ROOT / "docs" / "evaluation.md"
MARKS = "<!-- measured by tools/audit_calibration.py -->", "<!-- end audit calibration -->"


def block(runs: int) -> str:
    """Return the block of the page, with its marks."""
    from helpers.auditing import COUNTS, PLANTED, SHARES, alarms, is_found

    told = [[is_found(place, share, n) for n in COUNTS for share in SHARES] for place in PLANTED]
    heads = [f"{100 * share:.0f} %, n = {n}" for n in COUNTS for share in SHARES]
    lines = [f"| planted | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    for place, row in zip(PLANTED, told, strict=True):
        lines.append(f"| {place} | {' | '.join('found' if hit else 'missed' for hit, _ in row)} |")
    cells = [cell for row in told for cell in row]
    beside = sum(other for _, other in cells)
    lines += [
        "",
        f"{sum(hit for hit, _ in cells)} of {len(cells)} planted tags found, {beside} findings beside them.",
        "",
        "| folders without a tag, of 1 to 4 classes of 6 to 40 pictures | with a finding |",
        "|---|---|",
    ]
    found = alarms(runs)
    lines += [f"| {kind} | {n} of {runs} |" for kind, n in found.items()]
    lines.append(f"| all | {sum(found.values())} of {runs * len(found)}; may be 5 % |")
    return "\n".join([MARKS[0], *lines, MARKS[1]])


@click.command(help=__doc__)
@click.option("--runs", default=40, show_default=True, help="Folders of each kind.")
def main(runs: int) -> None:
    """Simulate, and write the block."""
    page, found = PAGE.read_text("utf-8"), block(runs)
    pattern = re.compile(".*?".join(map(re.escape, MARKS)), re.DOTALL)
    if not pattern.search(page):
        raise click.ClickException(f"{PAGE} has no block between the marks {MARKS}; put them back")
    PAGE.write_text(pattern.sub(lambda _: found, page), "utf-8")
    print(found)


if __name__ == "__main__":
    main()
