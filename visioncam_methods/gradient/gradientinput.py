"""Gradient times input."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.evidence import Account, Attribution, Evidence, hidden_kind, name_of
from visioncam_core.options import option


@attrs.frozen
class GradientInput:
    """Gradient × input: what each pixel would add to the score if the model were linear.

    Notes:
        M_p = Σ_c (x − x′)_pc g_pc

        x: the picture as the model receives it, x′ the baseline, g = ∂S/∂x at x.  M: (N, *space), signed.
        Where the model is linear M is exact, and Σ_p M_p = S(x) − S(x′).  In a network of linear layers,
        ReLU and max pooling without biases, against "zero", it equals Integrated Gradients and sums to S.
        Of several baselines x′ is the mean.

    Differences:
        Others always take 0 in the model's input as the baseline, which "zero" is, too: a grey pixel or
        ImageNet's mean colour for most models.  Pass baseline="black" for a black one.

    References:
        Shrikumar, Greenside, Shcherbina and Kundaje, "Not just a black box: Learning important features
        through propagating activation differences", 2016, arXiv:1605.01713.
    """

    baseline: str | np.ndarray = option(
        "zero",
        help="zero, black, grey, white, mean, blur:10 or noise; in Python also an array",
        validator=hidden_kind(),
    )
    family: ClassVar[str] = "gradient"
    on: ClassVar[str] = "input"
    needs: ClassVar[frozenset[str]] = frozenset({"gradients"})

    def __call__(self, evidence: Evidence) -> Attribution:
        """Return the raw map (N, *space)."""
        return Attribution.joined([self._one(one) for one in evidence.each()])

    def _one(self, one: Evidence) -> Attribution:
        x, g = ops.to_numpy(one.inputs), ops.to_numpy(one.gradients)
        below = one.hidden(self.baseline).mean(axis=0, keepdims=True)
        M = ((x - below) * g).sum(axis=-1)
        return Attribution(M, (Account(name_of(self.baseline)),))
