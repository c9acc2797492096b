"""EigenCAM."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.errors import OptionError
from visioncam_core.evidence import Evidence
from visioncam_core.options import in_range, option


@attrs.frozen
class EigenCAM:
    """EigenCAM: what the channels of a layer have in common; no class and no gradients.

    Notes:
        A = U Σ Vᵀ                  singular value decomposition, positions in rows, channels in columns
        M_p = s Σ_k A_pk V_kc       c: the component, 1 for the largest singular value

        A: activations (N, *grid, K), each picture by itself as a (Z, K) matrix, Z positions.  M: (N, *grid),
        signed.  The target plays no part: every class gets the same map.

        The sign rule: a singular vector may as well point the other way, and which way a library returns it
        is an accident.  s = ±1 is chosen so that M is positive where |M| is largest.  Behind a ReLU, where
        A ≥ 0, the first component has one sign everywhere (Perron and Frobenius), and M ≥ 0.

    Differences:
        pytorch-grad-cam subtracts each channel's mean over the positions first, which `center=True` does, and
        leaves the sign to chance.

    References:
        Muhammad and Yeasin, "Eigen-CAM: Class activation map using principal components", IJCNN 2020,
        arXiv:2008.00299.
    """

    component: int = option(
        1, help="which principal component, 1 for the strongest", validator=in_range(1, 64)
    )
    center: bool = option(False, help="subtract each channel's mean first")
    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        A = ops.to_numpy(evidence.activations)
        X = A.reshape(len(A), -1, A.shape[-1]).astype(np.float64)
        if self.center:
            X = X - X.mean(axis=1, keepdims=True)
        if self.component > min(X.shape[1:]):
            raise OptionError(
                f"option 'component' of EigenCAM is {self.component}, but a layer of {X.shape[1]} positions "
                f"and {X.shape[2]} channels has {min(X.shape[1:])} components; pass a smaller one"
            )
        V = np.linalg.svd(X, full_matrices=False)[2][:, self.component - 1]
        M = np.einsum("nzk,nk->nz", X, V)
        largest = np.take_along_axis(M, np.abs(M).argmax(axis=1)[:, None], axis=1)
        return np.where(largest < 0, -M, M).reshape(A.shape[:-1])
