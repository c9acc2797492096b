"""Evidence from a model: the passes run, the targets fixed, the engine behind the scorers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.interface import Passes
from visioncam_core.engine.output import Head, looks_probable
from visioncam_core.engine.records import Cotangent
from visioncam_core.errors import GradientError
from visioncam_core.pipeline.batch import Batch
from visioncam_core.pipeline.engine_source import EngineSource, joined, no_gradient
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.pipeline.finish import ModelOutput
from visioncam_core.targets.resolve import Target, TargetSpec, fix_target, fix_targets, scores_of


@attrs.frozen(eq=False)
class Observation:
    """The evidence of a batch at one layer for one target, with what was decided on the way.

    Attributes:
        evidence: for the methods.
        targets: the scalar explained of each sample.
        values: (N, ...) score values.
        answer: (N, ...) output of the model.
        head: the explained output, better known now that the model has run.
        asked: what methods have asked of other pictures: "probability", "remainder" or "target".
        told: (sample, what the reader of its map should know), from methods.
    """

    evidence: Evidence
    targets: list[Target]
    values: np.ndarray
    answer: np.ndarray
    head: Head
    asked: set[str]
    told: list[tuple[int, str]]

    def output(self, i: int) -> ModelOutput:
        """Return what the model gave for one sample; of a list of classes a copy, which may be kept."""
        values, answer = self.values[i], self.answer[i]
        if not self.head.dense:
            values, answer = values.copy(), answer.copy()
        return ModelOutput(self.targets[i], values, answer, self.head)


def gather_what_can(
    batch: Batch, passes: Passes, specs: Sequence[Sequence[TargetSpec]]
) -> tuple[Batch, list[Observation]]:
    """Gather; where the layer has no gradient, for the methods that need none, the batch refusing the others.

    Raises:
        GradientError: every method needs one.
    """
    try:
        return batch, gather(batch, passes, specs)
    except GradientError as found:
        error = no_gradient(batch, found)
        methods = tuple(
            attrs.evolve(one, refusal=error) if "gradients" in one.needs and one.on == batch.on else one
            for one in batch.request.methods
        )
        if all(one.refusal is not None for one in methods if one.on == batch.on):
            raise error from found
        batch = attrs.evolve(batch, request=attrs.evolve(batch.request, methods=methods))
        return batch, gather(batch, passes, specs)


def gather(batch: Batch, passes: Passes, specs: Sequence[Sequence[TargetSpec]]) -> list[Observation]:
    """Run the passes that the methods need, once; of several targets only the gradients differ.

    `specs` are, for each target of the call, that of each sample; each gives an observation.
    """
    head, settings = batch.head, batch.request.settings
    gradients = any("gradients" in one.needs for _, one in batch.methods if one.refusal is None)
    plain = all(isinstance(spec, int) for spec in specs[0]) and not head.dense
    if gradients and plain and len(specs) == 1 and len(passes.score.shape) <= 2:
        results = [passes.probe(batch.flat, np.asarray(specs[0], np.int32))]
    else:
        slopes = [_slopes(batch, row) for row in specs] if gradients else []
        results = passes.watch(batch.flat, slopes)
    values, answer = ops.to_numpy(results[0].values), ops.to_numpy(results[0].answer)
    targets = [fix_targets(row, values, head, batch.engine, answer) for row in specs]
    unknown = batch.view.score.own is None and not batch.view.score.assumed
    if unknown and not head.probable and not head.dense and looks_probable(answer):
        # A softmax written by hand: never applied a second time.
        head = attrs.evolve(head, probable=True, assumed="")
        targets = [[attrs.evolve(one, head=head) for one in row] for row in targets]
    found = []
    shared: dict[Any, Any] | None = {} if len(specs) > 1 and values.ndim == 2 else None
    pool: dict[Any, Any] | None = {} if values.ndim == 2 else None
    for i, row in enumerate(targets):
        result = results[i if gradients else 0]
        evidence = Evidence(
            result.activations,
            scores_of(row, values),
            settings.seed,
            result.gradients,
            source := EngineSource(batch, passes, row, result.at_layer, shared, pool),
            tuple(range(len(row))),
            settings.progress,
        )
        found.append(Observation(evidence, row, values, answer, head, source.asked, source.told))
    return found


def _slopes(batch: Batch, specs: Sequence[TargetSpec]) -> Cotangent:
    """Return the gradient of each sample's target in the values, as a function of values, indices, answer."""

    def slopes(values: Any, indices: np.ndarray, answer: Any = None) -> Any:
        found = []
        for i, k in enumerate(indices):
            one, own = (None if x is None else x[i : i + 1] for x in (values, answer))
            own = None if own is None else ops.to_numpy(own)
            found.append(fix_target(specs[k], ops.to_numpy(one), batch.head, batch.engine, own).slope(one))
        return joined(found)

    return slopes
