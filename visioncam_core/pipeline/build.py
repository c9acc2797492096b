"""From evidence to answers: each method applied, its map scaled and brought onto the picture's own pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs
import numpy as np

from visioncam_core.images.sample import Sample
from visioncam_core.pipeline.apply import Applied, apply
from visioncam_core.pipeline.batch import Batch
from visioncam_core.pipeline.diagnosis.caveats import Caveats
from visioncam_core.pipeline.finish import Common, Finish, ModelOutput, Shown
from visioncam_core.pipeline.gather import Observation
from visioncam_core.results.accounts import RegionTable
from visioncam_core.results.data import made_later
from visioncam_core.results.explanation import Explanation


@attrs.frozen(eq=False)
class Answer:
    """One map, or why there is none.

    Attributes:
        picture, target, layer, method: positions in the call and in the request.
        explanation: None where the method failed.
        applied: what the method cost, and its failure.
        output: what the model gave.
    """

    picture: int
    target: int
    layer: int
    method: int
    explanation: Explanation | None
    applied: Applied
    output: ModelOutput


def grouped(answers: Iterable[Answer], *names: str) -> list[list[Answer]]:
    """Return the answers that agree in these positions together, in the order of the first of each."""
    groups: dict[tuple[int, ...], list[Answer]] = {}
    for one in answers:
        groups.setdefault(tuple(getattr(one, name) for name in names), []).append(one)
    return list(groups.values())


def build(batch: Batch, layer: int, target: int, observation: Observation) -> Iterator[Answer]:
    """Apply every method to the evidence and yield an answer for each sample and method.

    Args:
        batch: the samples.
        layer: position of the layer among the batch's.
        target: position of the target in the call.
        observation: their evidence at that layer, for that target.
    """
    applied, probable, told = [], [], []
    methods, options = batch.methods, [method.options for _, method in batch.methods]
    for _, method in methods:
        observation.asked.clear()
        observation.told.clear()
        applied.append(apply(method, observation.evidence))
        probable.append(bool(observation.asked - {"target"}))
        told.append(list(observation.told))
    caveats = Caveats(batch, observation, applied, probable, told)
    quiet, every = caveats.quiet(), caveats.every()
    scores, head = np.asarray(observation.evidence.score).tolist(), observation.head
    common = Common.of(batch)
    shared = {
        "score_kind": batch.view.score.kind,
        "probabilities": head.probable or head.scored,
        "layer": batch.layers[0],
        "evidence": batch.request.settings.evidence,
        "whole": None,
    }
    for i, sample in enumerate(batch.samples):
        output, shown = observation.output(i), Shown(common, sample)
        noisy = None if all(one[i] for one in quiet) else caveats.of(i, output)
        about: dict[str, Any] = {**shared, "score": scores[i]}
        if output.scalar.index is None or head.dense:  # what they are made from is too large to be kept
            about |= {"target": output.target, "predictions": output.predictions()}
        for k, ((m, method), one) in enumerate(zip(methods, applied, strict=True)):
            explanation = None
            if one.raw is not None:
                about["diagnostics"] = every[k] if noisy is None or quiet[k][i] else noisy[k]
                finite = np.where(np.isfinite(raw := one.raw[i]), raw, np.float32(0))  # a diagnostic says so
                explanation = made_later(
                    Explanation,
                    Finish(shown, method, finite, None if "target" in about else output),
                    raw=finite,
                    method=method.name,
                    method_title=method.title,
                    options=dict(options[k]),
                    account=one.account(i),
                    regions=_on_picture(one.regions[i], sample) if one.regions else None,
                    **about,
                )
            yield Answer(batch.pictures[i], target, layer, m, explanation, one, output)


def _on_picture(table: RegionTable, sample: Sample) -> RegionTable | None:
    """Return a table of regions whose labels lie on the picture; None for a window of it."""
    if not sample.whole:
        return None
    if sample.geometry is None:
        return table
    labels = table.labels
    if labels.ndim == 3:
        return attrs.evolve(table, labels=np.stack([sample.geometry.to_picture(one) for one in labels]))
    return attrs.evolve(table, labels=sample.geometry.to_picture(labels))
