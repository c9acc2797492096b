"""What the model gave for a picture, and what of its explanation is made when it is first read."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.output import Head
from visioncam_core.images.preprocessing import Preprocessing, shown_again
from visioncam_core.images.sample import Sample
from visioncam_core.pipeline.apply import Method
from visioncam_core.pipeline.batch import Batch
from visioncam_core.resize import Placement
from visioncam_core.results.data import Maker, Prediction, TargetInfo
from visioncam_core.results.heat import heat, pooled
from visioncam_core.targets.functions import function_name
from visioncam_core.targets.resolve import Target

OF_PICTURE, OF_OUTPUT = ("heatmap", "picture", "provenance"), ("target", "predictions")


@attrs.frozen(eq=False)
class ModelOutput:
    """What the model gave for one sample.

    Attributes:
        scalar: what is explained.
        values: (...) values of the score.
        answer: (...) output of the model.
        head: the explained output.
    """

    scalar: Target
    values: np.ndarray
    answer: np.ndarray
    head: Head

    @property
    def target(self) -> TargetInfo:
        scalar, head = self.scalar, self.head
        if scalar.index is None:
            index = getattr(scalar.source, "class_", None)
            name = None if index is None else head.name(index)
            return TargetInfo(index, name, None, f"{name}: " * bool(name) + function_name(scalar.source))
        name = head.name(scalar.index)
        values, answer = self.values[None], self.answer[None]
        known = head.probabilities(values, answer) is not None
        probability = float(scalar.probability(values, answer)[0]) if known else None
        short = name.split(",")[0] if name else None
        plain = f"class {scalar.index}" if head.classes > 1 or head.varies else f"output {scalar.index}"
        return TargetInfo(scalar.index, name, probability, f"{short} ({scalar.index})" if short else plain)

    def predictions(self, count: int = 5) -> tuple[Prediction, ...]:
        """Return the model's best classes, best first; none where the output is no list of classes."""
        head = self.head
        if head.dense:
            return ()
        given = head.probabilities(self.values, self.answer)
        shown = (self.answer if given is None else given).reshape(-1)
        if head.binary:
            shown = np.asarray([1.0 - shown[0], shown[0]])
        best = np.argsort(-shown, kind="stable")[:count]
        return tuple(Prediction(int(i), head.name(int(i)), float(shown[i])) for i in best)


@attrs.frozen(eq=False)
class Common:
    """What explanations of one batch and layer have in common, without the batch itself."""

    evidence: str
    about: dict[str, Any]
    window: tuple[float, float] | None
    model: str
    placement: Placement
    preprocessing: Preprocessing
    expected: Preprocessing
    versions: dict[str, Any]

    @classmethod
    def of(cls, batch: Batch) -> Common:
        settings = batch.request.settings
        return cls(
            settings.evidence, {"seed": settings.seed, "batch_size": settings.batch}, settings.window,
            batch.view.table.model_name, batch.layers[0].placement, batch.preprocessing, batch.expected,
            batch.versions,
        )  # fmt: skip


class Shown:
    """A picture of a batch without its inputs, and what maps of it by several methods share."""

    def __init__(self, common: Common, sample: Sample) -> None:
        self.common, self.sample, self.lock = common, sample.without_inputs(), threading.RLock()

    @cached_property
    def picture(self) -> np.ndarray:
        """The picture for display: values that were passed in as preprocessed are made a picture again."""
        if self.sample.geometry is not None:
            return self.sample.display
        given = self.common.preprocessing
        how = given if given.inverse is not None else self.common.expected
        return shown_again(self.sample.display, how)


class Finish(Maker):
    """Makes what nobody may ask for, of one picture and method.  It holds no input and no activations."""

    def __init__(self, shown: Shown, method: Method, raw: np.ndarray, output: ModelOutput | None) -> None:
        super().__init__(shown.lock, *OF_PICTURE, *(OF_OUTPUT if output is not None else ()))
        self.shown, self.method, self.raw, self.output = shown, method, raw, output

    def heatmap(self) -> np.ndarray:
        single = self.method.on == "input" and getattr(self.method.method, "family", "") == "gradient"
        common = self.shown.common
        evidence = common.evidence
        drawn = heat(pooled(self.raw) if single else self.raw, evidence)
        shown = self.shown.sample.project(drawn, common.placement)
        return np.clip(shown, -1.0 if evidence == "signed" else 0.0, 1.0)

    def picture(self) -> np.ndarray:
        return self.shown.picture

    def target(self) -> TargetInfo:
        assert self.output is not None
        return self.output.target

    def predictions(self) -> tuple[Prediction, ...]:
        assert self.output is not None
        return self.output.predictions()

    def provenance(self) -> dict[str, Any]:
        sample, common, whole = self.shown.sample, self.shown.common, "model input as passed"
        place = sample.place(self.raw.shape, common.placement)
        return {
            **common.versions,
            "model": common.model,
            "source": sample.source,
            "preprocess": whole if sample.geometry is None else common.preprocessing.name,
            "geometry": whole if sample.geometry is None else sample.geometry.name,
            **common.about,
            **({} if common.window is None else {"window": list(common.window)}),
            **({} if sample.affine is None else {"affine": sample.affine.tolist()}),
            **({} if place is None else {"place": place}),
        }
