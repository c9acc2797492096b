"""Maps and scores of one picture at one layer, computed on demand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.interface import Passes
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.engine.model_inputs import in_place
from visioncam_core.engine.output import Score
from visioncam_core.errors import ImageError, LayerError, TargetError
from visioncam_core.images.box import Box
from visioncam_core.images.sample import Sample
from visioncam_core.metrics.case import Case, Questions
from visioncam_core.ops import to_numpy
from visioncam_core.pipeline.apply import Applied, Method, apply
from visioncam_core.pipeline.batch import Batch
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.gather import Observation, gather
from visioncam_core.pipeline.settings import Settings
from visioncam_core.resize import resize
from visioncam_core.results.heat import heat
from visioncam_core.targets.resolve import TargetSpec, target_specs


@attrs.frozen(eq=False)
class Probe:
    """Maps and scores of one picture at one layer, computed on demand.

    Attributes:
        number: of the picture.
        item: the picture.
        explainer: with the methods.
        batch: the picture alone, with the model traced for it.
        passes: through the model, at the layer.
        observation: what the passes gave for the picture.
        index: the explained class, fixed on the clean picture.
        beside: the same at the picture itself, where there are methods for it and others for the layer.
    """

    number: int
    item: Sample
    explainer: Explainer
    batch: Batch
    passes: Passes
    observation: Observation
    index: int
    beside: Probe | None = None

    def of(self, named: Method) -> Probe:
        """Return the probe at the place of a method's map: the layer, or the picture itself."""
        return self if self.beside is None or named.on == self.batch.on else self.beside

    @property
    def layer(self) -> LayerChoice:
        return self.batch.layers[0]

    @property
    def score(self) -> Score:
        return self.batch.view.score

    @property
    def evidence(self) -> Evidence:
        return self.observation.evidence

    @property
    def x(self) -> np.ndarray:
        """(*space, C) float32 the picture as the model receives it, channels last."""
        return np.asarray(to_numpy(self.evidence.inputs)[0], np.float32)

    @property
    def classes(self) -> int:
        return self.batch.head.classes

    def apply(self, named: Method) -> Applied:
        """Return a method's map of the picture with its cost, or why there is none."""
        with self._running():
            return apply(named, self.evidence)

    def maps(self, named: Method, inputs: np.ndarray, index: int | None = None) -> np.ndarray:
        """Return a method's (M, *grid) raw maps at other inputs (M, *space, C), or for another class."""
        view, engine = self.batch.view, self.batch.engine
        flat = in_place(inputs, self.batch.flat, view.image, view.channels_first)
        request = attrs.evolve(self.batch.request, methods=(named,))
        samples = self.batch.samples * len(inputs)
        batch = attrs.evolve(self.batch, flat=engine.tensors(flat), request=request, samples=samples)
        specs = [self.index if index is None else index] * len(inputs)
        with self._running():
            (seen,) = gather(batch, self.passes, [specs])
            applied = apply(named, seen.evidence)
        if applied.raw is None:
            assert applied.failure is not None
            raise applied.failure
        return applied.raw

    def blank(self) -> float:
        """Return the explained scalar when the layer gives zeros; the tail alone is run."""
        shape = tuple(int(n) for n in self.evidence.activations.shape[1:])
        found = self.evidence.score_activations(lambda ks: np.zeros((len(ks), *shape), np.float32), 1)
        return float(np.asarray(found)[0])

    def heat(self, raw: np.ndarray) -> np.ndarray:
        """Return the positive part of a map over its maximum, at the input's size: (*grid) -> (*space)."""
        part = heat(np.asarray(raw, np.float32), "for")
        return np.clip(resize(part, self.x.shape[:-1], self.layer.placement), 0, 1)

    def black(self) -> np.ndarray | None:
        """Return what a black pixel is as model input, (C,), or None for model input as passed."""
        if self.item.geometry is None:
            return None
        dark = np.zeros((1, *self.x.shape), np.float32)
        prepared = np.asarray(self.explainer.reader.preprocess(dark), np.float32)
        return np.asarray(prepared.reshape(-1, prepared.shape[-1])[0])

    def case(
        self,
        shown: np.ndarray,
        raw: np.ndarray | None,
        questions: Questions,
        truth: np.ndarray | None = None,
        boxes: tuple[Box, ...] = (),
    ) -> Case:
        """Return the case of a map, with the model behind its scores; the map is `shown`, as `Case.heat`."""
        explained, geometry = self.observation.targets[0], self.item.geometry
        values, answer = self.observation.values, self.observation.answer
        evidence = self.evidence

        def scores(make: Any, count: int, which: Any) -> np.ndarray:
            with self._running():
                return np.asarray(
                    evidence.score_inputs(lambda ks: np.asarray(make(ks), np.float32), count, which)
                )

        return Case(
            x=self.x,
            heat=shown,
            raw=raw,
            probability=float(explained.probability(values, answer)[0]),
            remainder=float(explained.remainder(values, answer)[0]),
            score=float(np.asarray(evidence.score)[0]),
            truth=truth,
            boxes=boxes,
            placement=self.layer.placement,
            pixel=None if geometry is None else (*[1.0] * (self.x.ndim - 3), *geometry.pixel),
            black=self.black(),
            picture=self.number,
            seed=evidence.seed,
            questions=attrs.evolve(questions, scores=scores),
        )

    def _running(self) -> AbstractContextManager[None]:
        return self.batch.engine.running(self.explainer.model)


def probes(explainer: Explainer, images: Any, target: Any = None) -> Iterator[Probe]:
    """Yield a probe for each picture; one pass forward and back each, whatever the methods.

    Args:
        explainer: with the methods that will be applied.
        images: as in `visioncam.explain`.
        target: a class, or None for the top class of each clean picture; a list has one for each.

    Raises:
        TargetError: a target that is no class: metrics use its probability.
        LayerError: several fused layers; give them one by one.
    """
    items, _ = explainer.reader.read(images)
    for number, item in enumerate(items):
        if item.windows is not None:
            raise ImageError(
                f"metrics measure pictures that are seen whole, but {item.source!r} is seen in windows; use "
                "geometry='resize' or 'center_crop'"
            )
        batch = explainer.batch([item], [number])
        if len(batch.layers) > 1:
            raise LayerError("a metric looks at one layer; pass several as layers=[...] to measure each")
        spec = target_specs(target, len(items), batch.head)[number]
        settings = explainer.settings
        with explainer.engine.running(explainer.model):
            seen = [_seen(here, settings, spec) for _, here in batch.places()]
        _, _, observation = seen[0]
        index = observation.targets[0].index
        if index is None:
            raise TargetError(
                f"metrics need the probability of a class, and target={spec!r} is not a class; pass an "
                "index or a name, or None for the top class"
            )
        here, *others = (Probe(number, item, explainer, *each, index) for each in seen)
        yield attrs.evolve(here, beside=others[0] if others else None)


def _seen(batch: Batch, settings: Settings, spec: TargetSpec) -> tuple[Batch, Passes, Observation]:
    reshape = settings.reshaping(batch.space) if batch.on == "layer" else None
    passes = batch.view.passes(batch.layers[0], reshape, settings.budget)
    return batch, passes, gather(batch, passes, [[spec]])[0]
