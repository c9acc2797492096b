"""Similarity to another picture, for models that output embeddings."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.errors import TargetError, TargetTypeError
from visioncam_core.text import brief


def _embedding(reference: Any) -> np.ndarray:
    """Return a reference as (D,) float32, or raise a `TargetError`."""
    what = (
        "the reference of Similarity() is the model's own output for another picture, shape (D,) or (1, ...)"
    )
    try:
        array = ops.to_numpy(reference)
        array = array.astype(np.float32) if array.dtype.kind in "fiu" else array
    except (TypeError, ValueError) as error:
        raise TargetTypeError(f"{what}; received {brief(reference, 60)}") from error
    if array.dtype.kind != "f":
        raise TargetTypeError(f"{what}; received {brief(reference, 60)} of type {type(reference).__name__}")
    if array.ndim == 0 or (array.ndim > 1 and len(array) != 1) or array.size == 0:
        raise TargetError(f"{what}; received shape {array.shape}")
    if not np.all(np.isfinite(array)) or not array.any():
        found = "only zeros" if not array.any() else "NaN or infinite values"
        raise TargetError(f"{what}; received {found}")
    return array.reshape(-1)


@attrs.frozen(eq=False)
class Similarity:
    """Cosine similarity of the model's embedding with a reference embedding.

    Attributes:
        reference: (D,) embedding, or the output (1, ...) for one picture.
    """

    reference: Any = attrs.field(converter=_embedding)

    def __call__(self, values: Any) -> Any:
        """Return (b,) cosine similarities, in [-1, 1]."""
        xp = ops.backend(values)
        flat = xp.reshape(values, (int(values.shape[0]), -1))
        reference = ops.like(self.reference, values)
        if int(flat.shape[-1]) != int(reference.shape[0]):
            raise TargetError(
                f"the reference embedding has {int(reference.shape[0])} values, the model's output "
                f"{int(flat.shape[-1])}; take it from this model's own output"
            )
        norms = ops.norm(flat) * ops.norm(reference)
        return xp.sum(flat * reference, axis=-1) / xp.maximum(norms, 1e-12)

    def label(self) -> str:
        """Return how the target reads in a title."""
        return "similarity to the reference"
