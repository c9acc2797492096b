"""Damage files at random for some minutes and see what the readers of strangers' files make of them.

    python tools/fuzz.py --minutes 10

Each reader runs in a process of its own, so that a crash of a C library is a finding like any other; the
file that did it is kept.  The seeds of `tests/security/test_fuzz.py` and
`tests/core/images/test_image_fuzz.py` are the first of these.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]


@click.command(help=__doc__)
@click.option("--minutes", default=10.0, show_default=True, help="For all readers together.")
@click.option("--seed", default=0, show_default=True)
@click.option("--reader", default=None, hidden=True)
@click.option("--folder", default="out/fuzz", show_default=True, help="Where a finding is kept.")
def main(minutes: float, seed: int, reader: str | None, folder: str) -> None:
    """Run every reader, or one of them."""
    from helpers.fuzz_runs import READERS

    if reader is not None:
        one(reader, minutes, seed, Path(folder))
        return
    failed = []
    for name in READERS:
        words = ["--minutes", str(minutes / len(READERS)), "--seed", str(seed), "--reader", name]
        done = subprocess.run([sys.executable, __file__, *words, "--folder", f"{folder}/{name}"], check=False)
        if done.returncode:
            failed.append(f"{name} (exit {done.returncode}, file {folder}/{name}/last)")
    sys.exit(f"findings: {', '.join(failed)}" if failed else 0)


def one(name: str, minutes: float, seed: int, folder: Path) -> None:
    """Run one reader for its time, and print what came of it."""
    from helpers.fuzz_runs import READERS

    folder.mkdir(parents=True, exist_ok=True)
    reader = READERS[name](folder)
    end = time.monotonic() + 60 * minutes / len(reader.seeds)
    total = refused = 0
    for place, kind in enumerate(reader.seeds):
        rng = np.random.default_rng([seed, place])
        taken = tries = 0
        while time.monotonic() < end:
            taken += reader.attempt(kind, rng, folder)
            tries += 1
        total, refused = total + tries, refused + tries - taken
        print(f"{name} {kind}: {tries} files, {taken} read, {tries - taken} refused, no other outcome")
        end = time.monotonic() + 60 * minutes / len(reader.seeds)
    print(f"{name}: {total} files, {total - refused} read, {refused} refused, no other outcome")


if __name__ == "__main__":
    main()
