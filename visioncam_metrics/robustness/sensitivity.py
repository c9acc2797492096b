"""How much a map moves when the picture hardly does."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core.cases import Case
from visioncam_core.metrics import Measured, Switches
from visioncam_core.options import in_range, option
from visioncam_core.resize import resize
from visioncam_core.results.agreement import rank_correlation
from visioncam_core.results.heat import heat

_CHUNK = 8
SCORE = "the model is run for maps"


@attrs.frozen
class MaxSensitivity:
    """The largest relative change of the map under a small change of the picture.

    Notes:
        max over |d|∞ ≤ r of ‖Φ(x + d) − Φ(x)‖ / ‖Φ(x)‖

        Φ: the raw map at the layer, with its scale and sign; d: uniform, r in ranges (max − min) of the
        picture.  Lower is better.  A map that never changes has 0, so alone it proves nothing.  A map of
        norm 0 is flagged.

    Differences:
        captum takes 10 samples and a norm of 0 as 1; Quantus r = 0.2 and 200 samples; xplique the mean
        instead of the maximum, and noise on one side only.

    References:
        Yeh et al., "On the (in)fidelity and sensitivity of explanations", NeurIPS 2019, arXiv:1901.09392.
    """

    radius: float = option(0.02, help="largest change of a value, in ranges of the picture",
                           validator=in_range(0, 1))  # fmt: skip
    samples: int = option(50, help="changed pictures", validator=in_range(1, 10_000))
    needs: ClassVar[frozenset[str]] = frozenset({"maps"})

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return Switches(
            score=SCORE,
            fill=f"uniform noise up to {self.radius:g} of the picture's range",
            map="raw, at the layer",
            steps=self.samples,
            integration="maximum",
        )

    def __call__(self, case: Case) -> Measured:
        """Return the largest relative change of one map, and the change of each sample."""
        raw = case.heat if case.raw is None else case.raw
        norm = float(np.linalg.norm(raw.astype(np.float64)))
        if norm == 0:
            return Measured(float("nan"), "the map has norm 0")
        rng, reach = case.rng(), self.radius * float(np.ptp(case.x))
        changes: list[float] = []
        while len(changes) < self.samples:
            size = min(_CHUNK, self.samples - len(changes))
            noise = rng.uniform(-reach, reach, (size, *case.x.shape)).astype(case.x.dtype)
            moved = case.maps(case.x[None] + noise).astype(np.float64) - raw
            changes += (np.linalg.norm(moved.reshape(size, -1), axis=1) / norm).tolist()
        return Measured(max(changes), detail=np.array(changes))


@attrs.frozen
class NoiseStability:
    """How similar the maps of noisy copies of the picture are to its map.

    Notes:
        mean over copies of Spearman(M(x), M(x + noise))

        Gaussian noise; positive parts at the layer.  −1 to 1; higher is better, but a map that never
        changes has 1.

    Differences:
        No common definition; this one is VisionCam's own.

    References:
        Alvarez-Melis and Jaakkola, "On the robustness of interpretability methods", 2018,
        arXiv:1806.08049, for the idea; the measure is ours.
    """

    sigma: float = option(0.05, help="standard deviation, in ranges of the picture", validator=in_range(0, 1))
    samples: int = option(8, help="noisy copies", validator=in_range(1, 10_000))
    needs: ClassVar[frozenset[str]] = frozenset({"maps"})
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return Switches(
            score=SCORE,
            fill=f"Gaussian noise, {self.sigma:g} of the picture's range",
            map="positive part, at the layer",
            steps=self.samples,
            integration="mean",
        )

    def __call__(self, case: Case) -> Measured:
        """Return the mean rank correlation of one picture."""
        scale = self.sigma * float(np.ptp(case.x))
        noise = case.rng().normal(0, scale, (self.samples, *case.x.shape)).astype(case.x.dtype)
        mine = np.maximum(case.heat if case.raw is None else case.raw, 0)
        found = [rank_correlation(mine, np.maximum(one, 0)) for one in case.maps(case.x[None] + noise)]
        return Measured(float(np.mean(found)), detail=np.array(found))


@attrs.frozen
class ShiftStability:
    """How similar the map of a shifted picture, shifted back, is to its map.

    Notes:
        mean over both directions of each axis of Spearman(M(x), M(x shifted by s) shifted by −s)

        Edges are repeated, and what came from beyond them is left out; positive parts at the input's
        size.  −1 to 1; higher is better.

    Differences:
        No common definition; this one is VisionCam's own.

    References:
        Alvarez-Melis and Jaakkola, "On the robustness of interpretability methods", 2018,
        arXiv:1806.08049, for the idea; the measure is ours.
    """

    shift: int = option(4, help="how far", unit="pixels", validator=in_range(1, 10_000))
    needs: ClassVar[frozenset[str]] = frozenset({"maps"})
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return Switches(score=SCORE, fill="edges repeated", steps=self.shift, integration="mean")

    def __call__(self, case: Case) -> Measured:
        """Return the mean rank correlation of one picture."""
        space = case.heat.shape
        if min(space) <= 2 * self.shift:
            raise ValueError(f"a picture of {space} is too small for a shift of {self.shift}")
        moves = [(axis, sign * self.shift) for axis in range(len(space)) for sign in (1, -1)]
        raws = case.maps(np.stack([shift(case.x, axis, by) for axis, by in moves]))
        inner = tuple(slice(self.shift, n - self.shift) for n in space)
        found = []
        for (axis, by), raw in zip(moves, raws, strict=True):
            back = shift(resize(heat(raw, "for"), space, case.placement), axis, -by)
            found.append(rank_correlation(case.heat[inner], back[inner]))
        return Measured(float(np.mean(found)), detail=np.array(found))


def shift(values: np.ndarray, axis: int, by: int) -> np.ndarray:
    """Return an array moved along one axis, edges repeated."""
    source = np.clip(np.arange(values.shape[axis]) - by, 0, values.shape[axis] - 1)
    return np.take(values, source, axis=axis)
