"""The words of a picture: what was explained, how, and what the colours measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visioncam_core.results.formats.figure import MEASURES

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation

ONE_SIDED = {"for": "evidence for the target only", "against": "evidence against the target only"}
NOTHING = {"for": "no positive evidence", "against": "no evidence against", "signed": "no evidence"}


def certainty(explanation: Explanation) -> tuple[str, str]:
    """Return what the model says of the target, and how much: `("probability", "38.5 %")`.

    Where the model gives no probability, the score: `("logit", "8.25")`.
    """
    share = explanation.target.probability
    if share is None:
        return explanation.score_kind, f"{explanation.score:.4g}"
    return "probability", "< 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"


def layer_name(explanation: Explanation) -> str:
    """Return the layer and its grid: `top_activation (7 × 7)`."""
    grid = " \u00d7 ".join(str(length) for length in explanation.layer.grid)
    return f"{explanation.layer.path} ({grid})"


def measure(explanation: Explanation) -> str:
    return MEASURES.get(explanation.evidence, "Evidence")


def nothing(explanation: Explanation) -> str:
    return NOTHING.get(explanation.evidence, "no evidence")
