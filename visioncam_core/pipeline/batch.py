"""Answering for one chunk of pictures at one layer: evidence once, every method, an explanation each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.interface import Engine, View
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.images.preprocessing import Preprocessing, check_range
from visioncam_core.images.sample import Item
from visioncam_core.pipeline import diagnose as checks
from visioncam_core.pipeline.apply import Applied, Named, apply
from visioncam_core.pipeline.build import Context, finish, predictions, target_info
from visioncam_core.pipeline.gather import Observed, observe
from visioncam_core.pipeline.settings import Settings
from visioncam_core.plugins.registry import Registry
from visioncam_core.results.diagnostics import Diagnostic
from visioncam_core.results.explanation import Explanation
from visioncam_core.targets.resolve import Head, Pick, Wish

Outcome = tuple[Applied, Explanation | None]


@attrs.frozen(eq=False)
class Row:
    """One picture's answer to one question.

    Attributes:
        outcomes: one for each method, in order.
        pick: what was explained.
        values: (...) score values of the picture.
        answer: (...) output of the model for it.
        head: the explained output.
    """

    outcomes: list[Outcome]
    pick: Pick
    values: np.ndarray
    answer: np.ndarray
    head: Head


@attrs.frozen(eq=False)
class Answering:
    """What all chunks of a call have in common.

    Attributes:
        settings: how the question is asked.
        registry: for rendering.
        methods: the methods, in order.
        preprocessing: what is done to pictures.
        expected: what the model itself seems to want, for the range check.
        image: position of the image input.
        engine: of the model.
    """

    settings: Settings
    registry: Registry
    methods: tuple[Named, ...]
    preprocessing: Preprocessing
    expected: Preprocessing
    image: int
    engine: Engine

    def chunk(
        self,
        seen: View,
        choice: LayerChoice,
        head: Head,
        chunk: list[Item],
        flat: list[Any],
        asked: list[list[Wish]],
    ) -> list[list[Row]]:
        """Return the answers to each question about a chunk, one row a picture.

        Args:
            seen: the traced model.
            choice: the layer.
            head: the explained output.
            chunk: the pictures.
            flat: their flat input tensors.
            asked: for each question, what is asked of each picture.
        """
        every = observe(
            self.engine,
            seen.passes(choice, self.settings.reshaping, self.settings.budget),
            flat,
            seen.image,
            seen.channels_first,
            asked,
            head,
            any("gradients" in one.needs for one in self.methods if one.refusal is None),
            self.settings.seed,
            self.settings.progress,
        )
        return [self._rows(seen, choice, chunk, observed) for observed in every]

    def _rows(self, seen: View, choice: LayerChoice, chunk: list[Item], observed: Observed) -> list[Row]:
        """Return the answers to one question."""
        context = Context(
            settings=self.settings,
            registry=self.registry,
            head=observed.head,
            score_kind=seen.score.kind,
            assumed=seen.score.assumed,
            choice=choice,
            model_name=seen.table.model_name,
            preprocessing=self.preprocessing.name,
            versions=self.engine.versions(),
        )
        applied = [apply(named, observed.evidence) for named in self.methods]
        shared = [*self._shared(seen, chunk), *checks.of_layer(choice.row)]
        shared += [*checks.of_output(seen.score.kind, observed.head.probable)]
        facts = [checks.Facts.of(one, choice.path) for one in observed.evidence.each()]
        return [
            self._row(context, item, i, observed, applied, facts[i], shared) for i, item in enumerate(chunk)
        ]

    def _row(
        self,
        context: Context,
        item: Item,
        i: int,
        observed: Observed,
        applied: list[Applied],
        facts: checks.Facts,
        shared: list[Diagnostic],
    ) -> Row:
        pick, answer, values = observed.picks[i], observed.answer[i], observed.values[i]
        score = float(np.asarray(observed.evidence.score)[i])
        info = target_info(pick, answer, values, context.head)
        best = predictions(values, answer, context.head)
        about = [*shared, *(Diagnostic("picture-note", note) for note in item.notes), *self._range(item)]
        about += checks.of_view(item.geometry) if item.whole else ()
        about += checks.of_score(context.score_kind, info.probability)
        about += checks.of_assumed(answer) if context.assumed else ()
        outcomes: list[Outcome] = []
        for named, outcome in zip(self.methods, applied, strict=True):
            explanation = None
            if outcome.raw is not None:
                raw = outcome.raw[i]
                found = [*about, *facts.diagnostics(named.method)]
                if np.all(np.isfinite(raw)):
                    found += checks.of_map(raw, self.settings.evidence)
                explanation = finish(context, item, named, raw, info, score, best, found)
            outcomes.append((outcome, explanation))
        return Row(outcomes, pick, values, answer, context.head)

    def _shared(self, seen: View, chunk: list[Item]) -> Iterator[Diagnostic]:
        """Yield what is true of the whole call."""
        for code, note in seen.notes:
            yield Diagnostic(code, note)
        if len(seen.outputs) > 1 and self.settings.output is None:
            names = ", ".join(seen.outputs)
            yield Diagnostic(
                "output-chosen",
                f"the model has the outputs {names}; {seen.score.output!r} is explained",
            )
        if any(item.geometry is not None for item in chunk) and not self.preprocessing.known:
            yield Diagnostic("preprocess-unknown", self.preprocessing.why)

    def _range(self, item: Item) -> Iterator[Diagnostic]:
        message = check_range(item.flat[self.image], self.expected) if self.expected.known else None
        if message:
            yield Diagnostic("pixel-range", message)
