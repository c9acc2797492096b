"""The fields of an explanation: what drawing, saving and comparing take."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.results.accounts import Account, RegionTable
from visioncam_core.results.diagnostics import Diagnostic


@attrs.frozen
class TargetInfo:
    """What was explained.

    Attributes:
        index: class index, or None where the target is a function.
        name: class name, or None where it is not known.
        probability: the model's probability for the class, or None where the output is no probability.
        label: how the target reads in a title, such as "tiger cat (282)".
    """

    index: int | None
    name: str | None
    probability: float | None
    label: str


@attrs.frozen
class Prediction:
    """One row of what the model sees: class index, name, and the model's own output for it."""

    index: int
    name: str | None
    value: float

    @property
    def short_name(self) -> str:
        """The first of the class's names, or `class 7`."""
        return self.name.split(",")[0] if self.name else f"class {self.index}"

    def amount(self, probable: bool) -> str:
        """Return the model's output in text: a share where the outputs are probabilities."""
        return f"{self.value:.1%}" if probable else f"{self.value:.4g}"


@attrs.frozen(eq=False)
class ExplanationData:
    """The fields of an `Explanation`, which documents them."""

    raw: np.ndarray = attrs.field(repr=lambda a: f"<{a.shape}>")
    heatmap: np.ndarray = attrs.field(repr=lambda a: f"<{a.shape}>")
    picture: np.ndarray = attrs.field(repr=lambda a: f"<{a.shape} {a.dtype}>")
    target: TargetInfo
    score: float
    score_kind: str
    predictions: tuple[Prediction, ...] = attrs.field(repr=False)
    probabilities: bool = attrs.field(repr=False)
    layer: LayerChoice = attrs.field(repr=str)
    method: str
    method_title: str
    options: dict[str, Any]
    evidence: str
    diagnostics: tuple[Diagnostic, ...]
    provenance: dict[str, Any] = attrs.field(repr=False)
    account: Account | None = attrs.field(default=None, kw_only=True)
    regions: RegionTable | None = attrs.field(default=None, repr=False, kw_only=True)
    whole: ExplanationData | None = attrs.field(default=None, repr=False, kw_only=True)
