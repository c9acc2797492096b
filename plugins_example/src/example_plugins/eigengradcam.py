"""EigenGradCAM."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.errors import OptionError
from visioncam_core.evidence import Evidence
from visioncam_core.options import in_range, option


@attrs.frozen
class EigenGradCAM:
    """EigenGradCAM: what the channels' contributions to the score have in common.

    Notes:
        G ∘ A = U Σ Vᵀ                    singular value decomposition, positions in rows, channels in columns
        M_p = s Σ_k G_pk A_pk V_kc        c: the component, 1 for the largest singular value

        A: activations (N, *grid, K); G = ∂S/∂A, the same shape; each picture by itself as a (Z, K) matrix, Z
        positions.  M: (N, *grid), signed.

        The sign rule: a singular vector may as well point the other way, and which way a library returns it
        is an accident.  s = ±1 is chosen so that Σ_p M_p H_p ≥ 0, with H_p = Σ_k G_pk A_pk, HiResCAM's map:
        what speaks for the class is positive.

    Differences:
        pytorch-grad-cam, where it comes from, subtracts each channel's mean over the positions first, which
        `center=True` does, and leaves the sign to chance: its map shows the evidence against in half of all
        cases.

    References:
        Muhammad and Yeasin, "Eigen-CAM: Class activation map using principal components", IJCNN 2020,
        arXiv:2008.00299, for the component; the gradients are pytorch-grad-cam's.
    """

    component: int = option(
        1, help="which principal component, 1 for the strongest", validator=in_range(1, 64)
    )
    center: bool = option(False, help="subtract each channel's mean first")
    needs: ClassVar[frozenset[str]] = frozenset({"activations", "gradients"})

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        terms = ops.to_numpy(evidence.gradients * evidence.activations)
        X = terms.reshape(len(terms), -1, terms.shape[-1]).astype(np.float64)
        H = X.sum(axis=-1)
        if self.center:
            X = X - X.mean(axis=1, keepdims=True)
        if self.component > min(X.shape[1:]):
            raise OptionError(
                f"option 'component' of EigenGradCAM is {self.component}, but a layer of {X.shape[1]} "
                f"positions and {X.shape[2]} channels has {min(X.shape[1:])} components; pass a smaller one"
            )
        V = np.linalg.svd(X, full_matrices=False)[2][:, self.component - 1]
        M = np.einsum("nzk,nk->nz", X, V)
        turned = (M * H).sum(axis=1, keepdims=True) < 0
        return np.where(turned, -M, M).reshape(terms.shape[:-1])
