"""The fields of an explanation: what drawing, saving and comparing take."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

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


class Maker:
    """Makes some fields of a record, each with the method of its name; makers of the same lock take turns."""

    def __init__(self, lock: threading.RLock, *fields: str) -> None:
        self.lock, self.fields = lock, set(fields)


class MadeLater:
    """A record some of whose fields a `Maker` makes when they are first read, once for all threads."""

    __slots__ = ("_maker",)
    _maker: Maker | None

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:  # where a field is not set
            maker = None if name == "_maker" else self._maker
            if maker is not None:
                with maker.lock:
                    if name in maker.fields:
                        object.__setattr__(self, name, getattr(maker, name)())
                        maker.fields.discard(name)
                    if not maker.fields:
                        object.__setattr__(self, "_maker", None)  # it holds more than is needed now
            return None if name == "_maker" else object.__getattribute__(self, name)


R = TypeVar("R", bound=MadeLater)


def made_later(kind: type[R], maker: Maker, **known: Any) -> R:
    """Return a record of the fields that are known; the others are the maker's."""
    record = kind.__new__(kind)
    for name, value in known.items():
        object.__setattr__(record, name, value)
    object.__setattr__(record, "_maker", maker)
    return record


@attrs.frozen(eq=False)
class ExplanationData(MadeLater):
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
