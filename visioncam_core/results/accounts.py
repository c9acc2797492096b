"""What a map adds up to, and which region gave what."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

LARGE = 0.05
"""Share of what should be there, or of the largest contribution, above which a map is doubtful."""

NO_REGIONS = (
    "{} has no regions; explain with partitionshap, kernelshap or lime, or with occlusion or rise and "
    "regions='grid:7'"
)


@attrs.frozen
class Account:
    """What a method promises of its map, and what came of it.

    Attributes:
        baseline: what took the picture's place: the map is a statement about this pair.
        total: Σ of the contributions; None where the method promises no sum.
        expected: S(picture) − S(baseline), what it should be; None likewise.
        error: standard error of a contribution, from two halves of what was drawn, as a share of the largest
            one; None where nothing was drawn.
        repeats: correlation to expect with the map of another seed, from the same halves; None likewise.
        samples: how many scores were read.
        note: what else there is to say, as where a budget made the map coarser.
    """

    baseline: str = ""
    total: float | None = None
    expected: float | None = None
    error: float | None = None
    repeats: float | None = None
    samples: int = 0
    note: str = ""

    @property
    def residual(self) -> float | None:
        """What is missing in the sum; None where none is promised."""
        return None if self.total is None or self.expected is None else self.expected - self.total

    @property
    def share(self) -> float | None:
        """The residual as a share of what the sum should be."""
        if self.residual is None or self.expected is None:
            return None
        return abs(self.residual) / max(abs(self.expected), 1e-12)

    def __str__(self) -> str:
        """Return it in words."""
        parts = [f"against {self.baseline}"] if self.baseline else []
        if self.total is not None and self.expected is not None:
            parts.append(f"adds up to {self.total:.4g} of {self.expected:.4g} (residual {self.share:.1%})")
        if self.error is not None:
            parts.append(f"standard error {self.error:.1%} of the largest value")
        if self.repeats is not None:
            parts.append(f"correlation {self.repeats:.2f} with another seed")
        return ", ".join([*parts, self.note] if self.note else parts)


@attrs.frozen(eq=False)
class Estimate:
    """A map from draws, and the maps that two halves of the draws give.

    Attributes:
        values: the map, or contributions.
        halves: the same from either half; one where the other has no draws; () where nothing was drawn.
    """

    values: np.ndarray
    halves: tuple[np.ndarray, ...] = ()

    @property
    def error(self) -> float | None:
        """Standard error as a share of the largest value; 1 of one half, None where nothing was drawn."""
        if len(self.halves) < 2:
            return 1.0 if self.halves else None
        largest = float(np.abs(self.values).max(initial=0.0))
        apart = float(np.sqrt(np.mean((self.halves[0] - self.halves[1]) ** 2))) / 2
        return apart / largest if largest else apart

    @property
    def repeats(self) -> float | None:
        """Correlation to expect with another seed's map, 2r / (1 + r) with r that of the halves.

        Spearman and Brown, 1910.
        """
        if len(self.halves) < 2:
            return 0.0 if self.halves else None
        one, other = (half.ravel() - half.mean() for half in self.halves)
        size = float(np.sqrt((one @ one) * (other @ other)))
        r = float(one @ other) / size if size else float(np.array_equal(self.halves[0], self.halves[1]))
        return 2 * r / (1 + r) if r > 0 else r


@attrs.frozen(eq=False)
class RegionTable:
    """The regions of a picture and what each contributed.

    Attributes:
        labels: (*space) int32, the region of each pixel; -1 where none is.  Of the picture's own pixels in an
            explanation.
        names: one a region.
        contributions: (R,) float, signed, in units of the score.
    """

    labels: np.ndarray
    names: tuple[str, ...]
    contributions: np.ndarray

    def rows(self) -> list[tuple[int, str, float]]:
        """Return (number, name, contribution), the largest by size first."""
        order = np.argsort(-np.abs(self.contributions), kind="stable")
        return [(int(i), self.names[i], float(self.contributions[i])) for i in order]

    def in_text(self, count: int = 3) -> str:
        """Return the largest contributions in a line, with how many regions there are besides."""
        rows = [f"{name} {value:+.3g}" for _, name, value in self.rows()]
        more = [f"{len(rows) - count} more"] if len(rows) > count else []
        return "; ".join(rows[:count] + more)

    def __str__(self) -> str:
        """Return every contribution, a line each, the largest first."""
        return "\n".join(f"{value:+10.4g}  {name}" for _, name, value in self.rows())


@attrs.frozen(eq=False)
class Attribution:
    """What a method returns that has more to say than a map.

    Attributes:
        map: (N, *space) raw map.
        accounts: one a picture, or ().
        regions: one a picture, on the model's input, or ().
    """

    map: np.ndarray
    accounts: tuple[Account, ...] = ()
    regions: tuple[RegionTable, ...] = ()

    @classmethod
    def joined(cls, parts: Sequence[Attribution]) -> Attribution:
        """Return those of single pictures as one of all."""
        return cls(
            np.concatenate([one.map for one in parts]),
            tuple(account for one in parts for account in one.accounts),
            tuple(table for one in parts for table in one.regions),
        )
