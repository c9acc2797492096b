"""A run that needs no model, for the command line's `--plugin-file`: keys say what becomes of a picture.

It is imported instead of the command it stands before, and ends the process itself.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from visioncam.batch.compute import Computer, Ready
from visioncam.batch.entry import Entry, Source
from visioncam.batch.journal import Journal, WatchedEngine
from visioncam.batch.pipeline import Local
from visioncam.batch.plan import Plan
from visioncam.batch.run import Run
from visioncam.batch.signals import StopSignals
from visioncam_core.images.sample import Sample


@attrs.define(eq=False)
class Keyed(Computer):
    """Takes a picture's key for what is to happen; `group` is as of a method with gradients."""

    @property
    def group(self) -> int:
        return self.size

    def decode(self, entry: Entry) -> Ready:
        if entry.key.startswith("slow"):
            time.sleep(600)
        return Ready(entry, Sample((np.ones((1, 2, 2, 3)),), np.ones((2, 2)), None, entry.key, ()))

    def __call__(self, ready: Any) -> list[Any]:
        for one in ready:
            if one.entry.key.startswith("deadly") and one.item.flat[0].any():
                os.kill(os.getpid(), signal.SIGSEGV)
        return [ValueError("bad") if one.entry.key.startswith("bad") else self.size for one in ready]


def write(entry: Entry, found: Any, batch: int) -> dict[str, Any]:
    """Write a picture's file."""
    path = Path(os.environ["RUN_FOLDER"]) / f"{entry.key}.npz"
    path.write_bytes(b"1234")
    return {"key": entry.key, "seen": entry.mark, "files": {path.name: 4}, "batch": batch}


def main() -> None:
    """Run, and end the process."""
    keys = os.environ["RUN_KEYS"].split()
    source = Source([Entry(key, None, "") for key in keys], len(keys))
    journal = Journal.of_environment()
    assert journal is not None
    with StopSignals() as stopping:
        run = Run(source, Path(os.environ["RUN_FOLDER"]), {"method": "m"}, 4, stopped=stopping.received)

        def engine(plan: Plan) -> WatchedEngine:
            computer = Keyed(None, None, plan.size, plan.remember)  # type: ignore[arg-type]
            return WatchedEngine(Local(computer, write), journal)  # type: ignore[arg-type]

        summary = run(engine)
        os._exit(stopping.code if stopping.received() else 3 if summary.failures else 0)


if "RUN_KEYS" in os.environ:
    main()
