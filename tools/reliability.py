"""Measure what runs over many pictures survive, and write it into docs/reliability.md.

    python tools/reliability.py kill
    python tools/reliability.py all       # signals, two, full, memory, mixed, single, ray, threads, endurance

Each check replaces its own row of the page's table.  It ends with an error where something was lost,
doubled or half-written; then the row is not written.  All use the tiny network of the tests.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tools")]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
PAGE = ROOT / "docs" / "reliability.md"


def main() -> None:
    """Run the checks that are named."""
    from reliability_checks import CHECKS

    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("checks", nargs="+", choices=[*CHECKS, "all"])
    parser.add_argument("--dry", action="store_true", help="print the rows, write nothing")
    asked = parser.parse_args()
    names = list(CHECKS) if "all" in asked.checks else asked.checks
    for name in names:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix=f"visioncam-{name}-") as folder:
            done, found = CHECKS[name](Path(folder))
        row = f"| `{name}` | {done} | {found} | {time.perf_counter() - start:.0f} s |"
        print(row, flush=True)
        if not asked.dry:
            write(name, row)


def write(name: str, row: str) -> None:
    """Replace a check's row, and the line that says where it was measured."""
    text = PAGE.read_text("utf-8")
    text, count = re.subn(rf"^\| `{name}` \|.*$", lambda _: row, text, flags=re.MULTILINE)
    assert count == 1, f"the page has {count} rows for {name!r}"
    where = f"Measured on {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python "
    where += f"{platform.python_version()}, other work beside it."
    PAGE.write_text(re.sub(r"^Measured on.*$", where, text, flags=re.MULTILINE), "utf-8")


if __name__ == "__main__":
    main()
