"""Faithfulness correlation and infidelity."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs
import numpy as np

from visioncam_core.cases import Case
from visioncam_core.metrics import Measured, Switches
from visioncam_core.metrics.measure import UNORDERED
from visioncam_core.options import in_range, option
from visioncam_core.results.agreement import pearson
from visioncam_metrics.support.fills import MEANING, Fill, fill_picture

Score = Literal["probability", "logit"]


@attrs.frozen
class _Cells:
    cell: int = option(16, help="side of a cell that is removed as one", unit="pixels",
                       validator=in_range(1, 10_000))  # fmt: skip
    share: float = option(0.2, help="share of the cells removed each time",
                          validator=in_range(0, 1, low_open=True, high_open=True))  # fmt: skip
    samples: int = option(100, help="random sets", validator=in_range(3, 100_000))
    fill: Fill = option("zero", help="what replaces removed pixels")
    score: Score = option("probability", help="f: the class's probability, or the scalar explained")
    needs: ClassVar[frozenset[str]] = frozenset({"scores"})
    integration: ClassVar[str]

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return Switches(
            score="probability of the class" if self.score == "probability" else "the explained scalar",
            fill=MEANING[self.fill],
            mask=f"hard, cells of {self.cell} pixels, a share of {self.share:g} removed",
            steps=self.samples,
            integration=self.integration,
        )

    def _removed(self, case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return for each random set Σ M, the fall of the score, and I·M; each (samples,) float64."""
        place, number = cells(case.heat.shape, self.cell)
        size = min(max(round(number * self.share), 1), number - 1)
        drawn = subsets(case.rng(), number, size, self.samples)
        fill = fill_picture(case, self.fill)
        change = (case.x.astype(np.float64) - fill).sum(axis=-1) * case.heat
        said = np.bincount(place.ravel(), case.heat.ravel().astype(np.float64), number)
        moved = np.bincount(place.ravel(), change.ravel(), number)

        def make(indices: np.ndarray) -> np.ndarray:
            gone = drawn[indices][:, place]
            return np.where(gone[..., None], fill[None], case.x[None])

        probable = self.score == "probability"
        after = case.scores(make, self.samples, "probability" if probable else "target")
        clean = case.probability if probable else case.score
        return drawn @ said, clean - after, drawn @ moved


@attrs.frozen
class FaithfulnessCorrelation(_Cells):
    """Whether the score falls by as much as the map says when parts are removed.

    Notes:
        Pearson over random sets S of ( Σ_{p in S} M_p ,  f(x) − f(x with S filled) )

        −1 to 1; higher is better.

    Differences:
        Removed are cells, not single pixels: single pixels hardly move a network, and a map at the layer's
        resolution cannot tell them apart.  `cell=1` is the paper's form.  Quantus takes 224 pixels and 100
        runs; xplique's MuFidelity a Spearman correlation over 9×9 cells.

    References:
        Bhatt et al., "Evaluating and aggregating feature-based model explanations", IJCAI 2020,
        arXiv:2005.00631.
    """

    refuses: ClassVar[frozenset[str]] = UNORDERED
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    integration: ClassVar[str] = "Pearson correlation"

    def __call__(self, case: Case) -> Measured:
        """Return the correlation of one picture, and the (2, samples) pairs it is made of."""
        said, fallen, _ = self._removed(case)
        return Measured(pearson(said, fallen), detail=np.stack([said, fallen]))


@attrs.frozen
class Infidelity(_Cells):
    """How far the map is from predicting the change of the score.

    Notes:
        min over β of E[(β I·M − (f(x) − f(x − I)))²],  I = x − fill on a random set of cells, else 0

        β = E[(I·M) Δf] / E[(I·M)²] makes it independent of the map's scale, which for a class activation
        map is arbitrary.  Lower is better; 0 for a linear model and its own weights.

    Differences:
        The authors' code scales by β; captum does so only on request, and its unscaled number is meaningless
        for these maps.  Quantus' patches must divide the picture, and add up where they overlap.

    References:
        Yeh et al., "On the (in)fidelity and sensitivity of explanations", NeurIPS 2019, arXiv:1901.09392.
    """

    integration: ClassVar[str] = "mean square, scaled by β"

    def __call__(self, case: Case) -> float:
        """Return the infidelity of one picture."""
        _, fallen, moved = self._removed(case)
        square = float(moved @ moved)
        beta = float(moved @ fallen) / square if square > 0 else 0.0
        return float(np.mean((beta * moved - fallen) ** 2))


def cells(space: tuple[int, ...], side: int) -> tuple[np.ndarray, int]:
    """Return each pixel's cell, (*space) int, and how many there are; cells at the end may be smaller.

    Args:
        space: of the picture.
        side: of a cell, in pixels.
    """
    grid = tuple(-(-n // side) for n in space)
    axes = [np.arange(n) // side for n in space]
    number = np.ravel_multi_index(np.meshgrid(*axes, indexing="ij"), grid)
    return number, int(np.prod(grid))


def subsets(rng: np.random.Generator, number: int, size: int, count: int) -> np.ndarray:
    """Return random sets of `size` out of `number` cells, (count, number) bool."""
    drawn = np.zeros((count, number), bool)
    for row in drawn:
        row[rng.permutation(number)[:size]] = True
    return drawn
