"""What the readers of a batch's maps should know: what holds for all of it, and of each picture."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import attrs
import numpy as np

from visioncam_core.images.preprocessing import check_range, turned_colours
from visioncam_core.images.sample import Sample
from visioncam_core.pipeline.apply import Applied, Method
from visioncam_core.pipeline.batch import Batch
from visioncam_core.pipeline.diagnosis import diagnose
from visioncam_core.pipeline.diagnosis.screen import Screen
from visioncam_core.pipeline.finish import ModelOutput
from visioncam_core.pipeline.gather import Observation
from visioncam_core.results.diagnostics import Diagnostic


@attrs.frozen(eq=False, slots=False)
class Caveats:
    """Diagnostics of a batch at one layer, for one target.

    Attributes:
        batch, observation: the pictures and what was seen of them.
        applied: each method's maps.
        probable: whether each asked for probabilities.
        told: what each said of samples, see `Observation`.
    """

    batch: Batch
    observation: Observation
    applied: list[Applied]
    probable: list[bool]
    told: list[list[tuple[int, str]]]

    @cached_property
    def shared(self) -> list[Diagnostic]:
        """Of every map."""
        (choice,), score = self.batch.layers, self.batch.view.score
        return [
            *_of_batch(self.batch),
            *diagnose.of_layer(choice),
            *diagnose.of_output(score.kind, self.observation.head.probable),
            *diagnose.of_composed(score),
        ]

    def every(self) -> list[tuple[Diagnostic, ...]]:
        """Return what is said of each method's maps where a picture gives no reason for more."""
        return [(*self.shared, *_of_method(method)) for _, method in self.batch.methods]

    def quiet(self) -> list[np.ndarray]:
        """Return for each method which pictures need no more than `every`, (N,) bool."""
        screen, found = Screen.of(self.batch, self.observation), []
        kind, evidence = self.batch.request.settings.evidence, self.observation.evidence
        known = self.batch.view.score.kind == "probability" or self.observation.head.own
        for (_, method), one, probable, told in zip(
            self.batch.methods, self.applied, self.probable, self.told, strict=True
        ):
            if one.raw is None:
                found.append(np.ones(len(self.batch.samples), bool))
                continue
            found.append(screen.quiet(method.method, one, evidence, kind, probable or known))
            found[-1][[i for i, _ in told]] = False
        return found

    def of(self, i: int, output: ModelOutput) -> list[tuple[Diagnostic, ...]]:
        """Return what is said of each method's map of one picture."""
        batch, settings, score = self.batch, self.batch.request.settings, self.batch.view.score
        (choice,), sample = batch.layers, batch.samples[i]
        evidence = self.observation.evidence.only(i)
        explained = float(np.asarray(evidence.score)[0])
        facts = diagnose.Facts.of(evidence, choice.row.path)
        size = max(abs(explained), float(score.kind == "logit" and output.scalar.index is not None))
        found = [*self.shared, *_of_sample(batch, sample)]
        found += diagnose.of_score(score.kind, output.target.probability)
        doubts = list(diagnose.of_assumed(output.head, output.answer))
        found += doubts if score.kind == "probability" or output.head.own else ()
        cancelling: dict[str, list[Diagnostic]] = {}
        every: list[tuple[Diagnostic, ...]] = []
        for k, ((_, method), one) in enumerate(zip(batch.methods, self.applied, strict=True)):
            if one.raw is None:
                every.append(())
                continue
            raw = one.raw[i]
            diagnostics = [*found, *facts.diagnostics(method.method, size)]
            if sums := diagnose.sums_of(method.method, raw, facts):
                if sums not in cancelling:  # the same for every method that adds them up
                    rows = batch.view.table.rows
                    cancelling[sums] = list(diagnose.of_sums(evidence, sums, choice.row, rows))
                diagnostics += cancelling[sums]
            diagnostics += (one for one in doubts if self.probable[k] and one not in found)
            diagnostics += (Diagnostic("baseline-assumed", word) for j, word in self.told[k] if j == i)
            diagnostics += diagnose.of_account(one.account(i))
            diagnostics += _of_method(method)
            if np.all(np.isfinite(raw)):
                diagnostics += diagnose.of_map(raw, settings.evidence)
                diagnostics += diagnose.of_bars(raw, settings.evidence, sample, choice.placement)
            every.append(tuple(diagnostics))
        return every


def _of_method(method: Method) -> Iterator[Diagnostic]:
    if getattr(method.method, "class_blind", False):
        yield Diagnostic("class-blind", f"{method.title} ignores the class")


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
