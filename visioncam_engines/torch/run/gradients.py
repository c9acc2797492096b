"""torch's own gradients, and a word where there are none."""

from __future__ import annotations

from typing import Any

import torch

from visioncam_core.errors import GradientError
from visioncam_core.text import error_text


def gradient_of(passes: Any, values: Any, leaf: Any, slope: Any, last: bool) -> Any:
    """Return torch's gradient of Σ values · slope in a leaf.

    Raises:
        GradientError: there is none.
    """
    found = None
    why = (
        "a step between them cannot be differentiated (argmax, rounding, a stopped gradient, a checkpoint "
        "with use_reentrant=True)"
    )
    if values.requires_grad:
        try:
            (found,) = torch.autograd.grad(values, leaf, slope, retain_graph=not last, allow_unused=True)
        except (RuntimeError, NotImplementedError) as error:
            if "derivative for" not in str(error) and "not implemented" not in str(error):
                raise
            why = error_text(error)
    if found is None:
        raise GradientError(
            f"the score of output {passes.score.output!r} has no gradient at layer {passes.record.path!r}: "
            f"{why}; choose a later layer, or ScoreCAM, which needs no gradient"
        )
    return found
