"""The outcome of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import attrs

SPENT = {
    "explaining": "explaining",
    "decoding": "waiting for decoded pictures",
    "writing": "waiting for written files",
}


@attrs.define(eq=False)
class Summary:
    """The outcome of a run.

    Attributes:
        folder: where its results are.
        done: pictures that were finished by this run.
        skipped: pictures that were finished before.
        failed: kind of error -> pictures; which and why is in `errors.jsonl`.
        seconds: how long it took.
        stopped: why it ended early, or "".
        notes: what was left out, cleaned or taken over.
        waits: what the run spent its seconds on, of one process: "explaining", and waiting for "decoding" and
            "writing", which other threads do meanwhile; the rest went into the plan and the manifest.
    """

    folder: Path
    done: int = 0
    skipped: int = 0
    failed: Counter[str] = attrs.field(factory=Counter)
    seconds: float = 0.0
    stopped: str = ""
    notes: list[str] = attrs.field(factory=list)
    waits: Mapping[str, float] = attrs.field(factory=dict)

    @property
    def failures(self) -> int:
        """Pictures that failed."""
        return sum(self.failed.values())

    @property
    def rate(self) -> float:
        """Pictures a second, 0 where none was finished."""
        return self.done / self.seconds if self.done and self.seconds else 0.0

    @property
    def profile(self) -> str:
        """What the run waited for, as shares of its time; "" where that is not known, as on a Ray cluster."""
        if not self.waits or not self.seconds:
            return ""
        rest = max(0.0, self.seconds - sum(self.waits.values()))
        parts = [f"{self.waits.get(kind, 0.0) / self.seconds:.0%} {what}" for kind, what in SPENT.items()]
        return f"{self.seconds:.1f} s: {', '.join(parts)}, {rest / self.seconds:.0%} start and bookkeeping"

    def __str__(self) -> str:
        """Return it in one line."""
        parts = [f"{self.done} explained"]
        parts += [f"{self.skipped} finished before"] if self.skipped else []
        if self.failures:
            kinds = ", ".join(f"{count} {kind}" for kind, count in self.failed.most_common())
            parts.append(f"{self.failures} failed ({kinds}; see errors.jsonl)")
        parts += [f"{self.rate:.1f} a second"] if self.rate else []
        parts += [f"stopped early: {self.stopped}"] if self.stopped else []
        return f"{'; '.join(parts)}; in {self.folder}"
