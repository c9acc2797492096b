"""The outcome of a run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import attrs


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
    """

    folder: Path
    done: int = 0
    skipped: int = 0
    failed: Counter[str] = attrs.field(factory=Counter)
    seconds: float = 0.0
    stopped: str = ""
    notes: list[str] = attrs.field(factory=list)

    @property
    def failures(self) -> int:
        """Pictures that failed."""
        return sum(self.failed.values())

    @property
    def rate(self) -> float:
        """Pictures a second, 0 where none was finished."""
        return self.done / self.seconds if self.done and self.seconds else 0.0

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
