"""What makes numbers worthless, to be said first: scores that are alike or broken, maps that are flat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from visioncam_core.results.agreement import alike


def of_scores(scores: Sequence[np.ndarray], unlike: bool) -> str:
    """Return why nothing can be told of a model from its scores on these pictures, or nothing.

    Args:
        scores: of each picture, logits where the model has them.
        unlike: whether any two of the pictures differ.
    """
    count = len(scores)
    if not any(np.isfinite(one).all() for one in scores):
        return f"the model's scores are NaN or infinite on all {count} pictures; check its weights and input"
    if count > 1 and not unlike:
        return f"the model receives {count} times the same picture; pass unlike ones"
    if count > 1 and len({one.shape for one in scores}) == 1 and alike(scores):
        return (
            f"the model answers alike for all {count} pictures: its scores are the same up to rounding; "
            "check its weights, and the range of the pictures (preprocess=)"
        )
    return ""


def of_maps(flat: Mapping[str, int], layer: str, count: int) -> list[str]:
    """Return in words whose maps are flat: method -> on how many of the pictures."""
    said = [f"{name} on {n} of {count}" for name, n in flat.items()]
    return [f"flat maps at {layer}, the same everywhere or blank: {', '.join(said)} pictures"] if said else []
