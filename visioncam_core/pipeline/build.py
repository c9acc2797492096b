"""From evidence to answers: each method applied, its map scaled and brought onto the picture's own pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.engine.output import Head
from visioncam_core.images.preprocessing import check_range, shown_again, turned_colours
from visioncam_core.images.sample import Sample
from visioncam_core.pipeline import diagnose
from visioncam_core.pipeline.apply import Applied, Method, apply
from visioncam_core.pipeline.batch import Batch
from visioncam_core.pipeline.gather import Observation
from visioncam_core.results.accounts import RegionTable
from visioncam_core.results.data import Prediction, TargetInfo
from visioncam_core.results.diagnostics import Diagnostic
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.heat import heat, pooled
from visioncam_core.targets.functions import function_name
from visioncam_core.targets.resolve import Target


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
    (choice,), score = batch.layers, batch.view.score
    settings = batch.request.settings
    applied, probable, told = [], [], []
    for _, method in batch.methods:
        observation.asked.clear()
        observation.told.clear()
        applied.append(apply(method, observation.evidence))
        probable.append(bool(observation.asked - {"target"}))
        told.append(list(observation.told))
    shared = [*_of_batch(batch), *diagnose.of_layer(choice)]
    shared += diagnose.of_output(score.kind, observation.head.probable)
    shared += diagnose.of_composed(score)
    scores = np.asarray(observation.evidence.score)
    for i, (sample, evidence) in enumerate(zip(batch.samples, observation.evidence.each(), strict=True)):
        output = ModelOutput(
            observation.targets[i], observation.values[i], observation.answer[i], observation.head
        )
        facts = diagnose.Facts.of(evidence, choice.row.path)
        size = max(abs(float(scores[i])), float(score.kind == "logit" and output.scalar.index is not None))
        about = _about(batch, choice, sample, output, float(scores[i]))
        found = [*shared, *_of_sample(batch, sample)]
        found += diagnose.of_score(score.kind, about["target"].probability)
        doubts = list(diagnose.of_assumed(output.head, output.answer))
        found += doubts if score.kind == "probability" or output.head.own else ()
        cancelling: dict[str, list[Diagnostic]] = {}
        for k, ((m, method), one) in enumerate(zip(batch.methods, applied, strict=True)):
            explanation = None
            if one.raw is not None:
                raw = one.raw[i]
                diagnostics = [*found, *facts.diagnostics(method.method, size)]
                if sums := diagnose.sums_of(method.method, raw, facts):
                    if sums not in cancelling:  # the same for every method that adds them up
                        rows = batch.view.table.rows
                        cancelling[sums] = list(diagnose.of_sums(evidence, sums, choice.row, rows))
                    diagnostics += cancelling[sums]
                diagnostics += (one for one in doubts if probable[k] and one not in found)
                diagnostics += (Diagnostic("baseline-assumed", word) for j, word in told[k] if j == i)
                diagnostics += diagnose.of_account(one.account(i))
                if getattr(method.method, "class_blind", False):
                    diagnostics.append(Diagnostic("class-blind", f"{method.title} ignores the class"))
                if np.all(np.isfinite(raw)):
                    diagnostics += diagnose.of_map(raw, settings.evidence)
                    diagnostics += diagnose.of_bars(raw, settings.evidence, sample, choice.placement)
                explanation = _explanation(method, one, i, sample, about, diagnostics)
            yield Answer(batch.pictures[i], target, layer, m, explanation, one, output)


def _about(
    batch: Batch, choice: LayerChoice, sample: Sample, output: ModelOutput, score: float
) -> dict[str, Any]:
    """Return the fields of an explanation that do not depend on the method."""
    settings, whole = batch.request.settings, "model input as passed"
    return {
        "picture": _shown(batch, sample),
        "target": output.target,
        "score": score,
        "score_kind": batch.view.score.kind,
        "predictions": output.predictions(),
        "probabilities": output.head.probable or output.head.scored,
        "layer": choice,
        "evidence": settings.evidence,
        "provenance": {
            **batch.versions,
            "model": batch.view.table.model_name,
            "source": sample.source,
            "preprocess": whole if sample.geometry is None else batch.preprocessing.name,
            "geometry": whole if sample.geometry is None else sample.geometry.name,
            "seed": settings.seed,
            "batch_size": settings.batch,
            **({} if settings.window is None else {"window": list(settings.window)}),
            **({} if sample.affine is None else {"affine": sample.affine.tolist()}),
        },
    }


def _shown(batch: Batch, sample: Sample) -> np.ndarray:
    """Return the picture for display: values that were passed in as preprocessed are made a picture again."""
    if sample.geometry is not None:
        return sample.display
    how = batch.preprocessing if batch.preprocessing.inverse is not None else batch.expected
    return shown_again(sample.display, how)


def _explanation(
    method: Method,
    applied: Applied,
    i: int,
    sample: Sample,
    about: dict[str, Any],
    diagnostics: Iterable[Diagnostic],
) -> Explanation:
    assert applied.raw is not None
    finite = np.where(np.isfinite(raw := applied.raw[i]), raw, np.float32(0))  # a diagnostic says so
    single = method.on == "input" and getattr(method.method, "family", "") == "gradient"
    drawn = heat(pooled(finite) if single else finite, about["evidence"])
    shown = sample.project(drawn, about["layer"].placement)
    if place := sample.place(drawn.shape, about["layer"].placement):
        about = {**about, "provenance": {**about["provenance"], "place": place}}
    return Explanation(
        raw=finite,
        heatmap=np.clip(shown, -1.0 if about["evidence"] == "signed" else 0.0, 1.0),
        method=method.name,
        method_title=method.title,
        options=method.options,
        diagnostics=tuple(diagnostics),
        account=applied.account(i),
        regions=_on_picture(applied.regions[i], sample) if applied.regions else None,
        **about,
    )


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


def _of_batch(batch: Batch) -> Iterator[Diagnostic]:
    view = batch.view
    for code, note in batch.notes:
        yield Diagnostic(code, note)
    yield from diagnose.of_mixing(batch.mixes)
    if len(view.outputs) > 1 and batch.request.settings.output is None:
        names = ", ".join(view.outputs)
        yield Diagnostic(
            "output-chosen", f"the model has the outputs {names}; {view.score.output!r} is explained"
        )
    if any(sample.geometry is not None for sample in batch.samples) and not batch.preprocessing.known:
        yield Diagnostic("preprocess-unknown", batch.preprocessing.why)


def _of_sample(batch: Batch, sample: Sample) -> Iterator[Diagnostic]:
    for note in sample.notes:
        yield Diagnostic("picture-note", note)
    if sample.unused:
        yield Diagnostic("range-unused", sample.unused)
    values = sample.flat[batch.view.image]
    if batch.expected.known and (message := check_range(values, batch.expected)):
        yield Diagnostic("pixel-range", message)
    known = batch.expected.known or batch.preprocessing.inverse is not None
    if sample.geometry is None and not known and (colours := turned_colours(sample.display)):
        yield Diagnostic("picture-note", colours)
    if sample.whole and sample.geometry is not None:
        yield from diagnose.of_view(sample.geometry)
