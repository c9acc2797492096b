"""Expected Gradients."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.errors import OptionError
from visioncam_core.evidence import Account, Attribution, Estimate, Evidence, hidden_kind, name_of
from visioncam_core.options import in_range, option


@attrs.frozen
class ExpectedGradients:
    """Expected Gradients: Integrated Gradients averaged over several baselines, by sampling; GradientSHAP.

    Notes:
        M_p = ⟨Σ_c (x − b)_pc g_pc(b + α (x − b))⟩   over baselines b and α uniform on (0, 1)

        x: the picture as the model receives it; g = ∂S/∂x.  M: (N, *space), signed.  Stratified: each
        baseline has its share m of the samples; the j-th, j = 0…m − 1, is at α = a_j + u (a_j+1 − a_j) with
        a_j = j²/m² and counts by that width: closer near the baseline, where trained networks decide.  Half
        of the samples have u, drawn for each baseline, the other half 1 − u.  The account has Σ_p M_p, which
        tends to S(x) − ⟨S(b)⟩, and the standard error from the halves, which is rather too large.  With one
        baseline it tends to Integrated Gradients.

    Differences:
        captum's GradientShap draws 5 samples by default and adds SmoothGrad's noise, shap's 200; neither
        stratifies, nor prints an error.

    References:
        Erion et al., "Improving performance of deep learning models with axiomatic attribution priors and
        expected gradients", Nature Machine Intelligence 2021, arXiv:1906.10670.
    """

    baselines: str | np.ndarray = option(
        "black,white",
        help="black, grey, white, zero, mean, blur:10 or noise, with commas between several; in Python "
        "also a stack of pictures as the model receives them",
        validator=hidden_kind(several=True),
    )
    n: int = option(200, help="number of samples, shared by the baselines", validator=in_range(4, 100_000))
    family: ClassVar[str] = "gradient"
    on: ClassVar[str] = "input"
    needs: ClassVar[frozenset[str]] = frozenset({"gradients-elsewhere"})

    def __call__(self, evidence: Evidence) -> Attribution:
        """Return the raw map (N, *space), what it adds up to and how sure it is."""
        return Attribution.joined([self._one(one) for one in evidence.each()])

    def _one(self, one: Evidence) -> Attribution:
        x, kinds = ops.to_numpy(one.inputs), self.baselines
        named = [kind.strip() for kind in kinds.split(",")] if isinstance(kinds, str) else [kinds]
        b = np.concatenate([one.hidden(kind) for kind in named])
        if self.n < 2 * len(b):
            raise OptionError(
                f"n={self.n} is too few for {len(b)} baselines, each of which is sampled in both halves; "
                f"pass n={2 * len(b)} or more, or fewer baselines"
            )
        u = np.random.default_rng(one.seed).random(len(b))
        first = self._half(one, x, b, self.n // 2, u)
        second = self._half(one, x, b, self.n - self.n // 2, 1 - u)
        before = ops.to_numpy(one.score_inputs(lambda i: b[i], len(b)))
        expected = float(one.score[0]) - float(before.mean(dtype=np.float64))
        found = Estimate((first + second) / 2, (first, second))
        total = float(found.values.sum(dtype=np.float64))
        account = Account(name_of(kinds), total, expected, found.error, found.repeats, self.n)
        return Attribution(found.values, (account,))

    def _half(self, one: Evidence, x: np.ndarray, b: np.ndarray, count: int, u: np.ndarray) -> np.ndarray:
        i = np.arange(count)
        which, j, m = i % len(b), i // len(b), np.bincount(i % len(b))[i % len(b)]
        low, high = (j / m) ** 2, ((j + 1) / m) ** 2
        alpha = (low + u[which] * (high - low)).reshape(-1, *(1,) * (x.ndim - 1)).astype(x.dtype)
        M = one.mean_gradients(
            lambda k: b[which[k]] + alpha[k] * (x - b[which[k]]),
            count,
            (high - low) / len(b),
            lambda g, k: ((x - b[which[k]]) * g).sum(axis=-1),
        )
        return np.asarray(M)
