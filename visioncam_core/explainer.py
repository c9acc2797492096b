"""The one pipeline: images in, explanations out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core import checks
from visioncam_core.cards import ModelCard, card_of
from visioncam_core.class_names import load_class_names
from visioncam_core.diagnostics import Diagnostic
from visioncam_core.engine.batches import running
from visioncam_core.engine.cache import check
from visioncam_core.engine.inputs import ModelInputs, model_inputs
from visioncam_core.engine.view import View, looks_probable, view
from visioncam_core.explanation import Comparison, Explanation
from visioncam_core.finish import Context, finish, target_info
from visioncam_core.inputs import Item, Reader
from visioncam_core.layers import LayerChoice
from visioncam_core.observe import Observed, observe
from visioncam_core.picks import Head, Wish, wishes
from visioncam_core.preprocess import Preprocessing, check_range, preprocessing_for
from visioncam_core.registry import Registry
from visioncam_core.running import Applied, Named, apply
from visioncam_core.settings import Settings

Row = list[tuple[Applied, Explanation | None]]
"""One picture's outcome, one entry a method."""


@attrs.frozen(eq=False)
class Explainer:
    """A model made ready to be asked: for loops, servers and threads.

    Calls are safe from several threads.  The model is never changed.

    Attributes:
        model: the Keras model.
        registry: where methods and selectors come from.
        methods: the methods, in order.
        settings: how the question is asked.
        inputs: what the model says of its inputs.
        reader: turns images into model inputs.
        preprocessing: what is done to pictures.
        expected: what the model itself seems to want, for the range check.
        names: class names, or None.
    """

    model: Any
    registry: Registry
    methods: tuple[Named, ...]
    settings: Settings
    inputs: ModelInputs
    reader: Reader
    preprocessing: Preprocessing
    expected: Preprocessing
    names: tuple[str, ...] | None

    @classmethod
    def of(cls, model: Any, registry: Registry, methods: Sequence[Named], settings: Settings) -> Explainer:
        """Return the explainer of a model.

        Raises:
            ModelError: not a model, or not built.
            BackendError: no TensorFlow, or Keras on another backend.
            OptionError: a setting out of its range.
        """
        check(model)
        card = card_of(model) or ModelCard()
        own = isinstance(settings.preprocess, str) and settings.preprocess == "auto" and card.preprocess
        preprocessing = preprocessing_for(model, own or settings.preprocess)
        geometry = settings.geometry if settings.geometry is not None else card.geometry or "resize"
        inputs = model_inputs(model)
        return cls(
            model=model,
            registry=registry,
            methods=tuple(methods),
            settings=settings,
            inputs=inputs,
            reader=Reader(inputs, preprocessing.function, geometry),
            preprocessing=preprocessing,
            expected=preprocessing if own else preprocessing_for(model, "auto"),
            names=load_class_names(
                settings.class_names if settings.class_names is not None else card.class_names
            ),
        )

    def __call__(self, image: Any, target: Any = None) -> Explanation | list[Explanation]:
        """Explain one image, or a batch or list of them, with the first method.

        Args:
            image: as in `visioncam.explain`.
            target: as in `visioncam.explain`.

        Returns:
            One `Explanation` for one image; a list for a batch or list, also of length 1.
        """
        rows, single = self._run(image, target)
        found = []
        for ((applied, explanation),) in rows:
            if explanation is None:
                assert applied.failure is not None
                raise applied.failure
            found.append(explanation)
        return found[0] if single else found

    def compare(self, image: Any, target: Any = None) -> Comparison | list[Comparison]:
        """Explain with every method, evidence computed once; one that cannot apply is noted, not raised."""
        rows, single = self._run(image, target)
        found = [self._comparison(row) for row in rows]
        return found[0] if single else found

    def layers(self, image: Any = None) -> tuple[View, LayerChoice | None]:
        """Return the view with its table, and what `settings.layer` chooses; None where it finds nothing."""
        from visioncam_core.errors import LayerError

        flat = _blank(self.inputs) if image is None else _stacked(self.reader.read(image)[0][:1])
        with running(self.model):
            seen = self._view(flat)
        try:
            return seen, self.registry.select_layer(seen.table, self.settings.layer)
        except LayerError:
            return seen, None

    def _run(self, image: Any, target: Any) -> tuple[list[Row], bool]:
        items, single = self.reader.read(image)
        rows: list[Row] = []
        start = 0
        for chunk in _chunks(items, self.settings.batch):
            flat = _stacked(chunk)
            with running(self.model):
                seen = self._view(flat)
                head = self._head(seen)
                asked = wishes(target, len(items), head)[start : start + len(chunk)]
                rows.extend(self._chunk(seen, head, chunk, flat, asked))
            start += len(chunk)
        return rows, single

    def _view(self, flat: list[Any]) -> View:
        return view(self.model, self.inputs, flat, self.settings.output, self.settings.score)

    def _chunk(
        self, seen: View, head: Head, chunk: list[Item], flat: list[Any], asked: list[Wish]
    ) -> list[Row]:
        choice = (
            self.registry.select_layer(seen.table, self.settings.layer)
            if self.settings.reshape is None
            else (_any_layer(seen, self.settings.layer))
        )
        observed = observe(
            seen.passes(choice, self.settings.reshape, self.settings.batch),
            flat,
            seen.image,
            seen.channels_first,
            asked,
            head,
            any("gradients" in named.needs for named in self.methods),
            self.settings.seed,
            self.settings.progress,
        )
        if not head.probable and not head.dense and looks_probable(observed.answer):
            head = attrs.evolve(head, probable=True)
        context = Context(
            settings=self.settings,
            registry=self.registry,
            head=head,
            score_kind=seen.score.kind,
            choice=choice,
            model_name=seen.table.model_name,
            preprocessing=self.preprocessing.name,
        )
        applied = [apply(named, observed.evidence) for named in self.methods]
        shared = list(self._shared(seen, chunk))
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
        pick, answer = observed.picks[i], observed.answer[i]
        score = float(np.asarray(observed.evidence.score)[i])
        info = target_info(pick, answer, context.head)
        about = [*shared, *(Diagnostic("picture-note", note) for note in item.notes), *self._range(item)]
        about += checks.of_score(context.score_kind, info.probability)
        row: Row = []
        for named, outcome in zip(self.methods, applied, strict=True):
            explanation = None
            if outcome.raw is not None:
                raw = outcome.raw[i]
                found = [*about, *facts.diagnostics(named.method)]
                if np.all(np.isfinite(raw)):
                    found += checks.of_map(raw, self.settings.evidence)
                explanation = finish(context, item, named, raw, info, score, answer, found)
            row.append((outcome, explanation))
        return row

    def _head(self, seen: View) -> Head:
        values = seen.score.values.shape
        last = 1 if values.rank == 1 else int(values[-1] or 0)
        binary = last == 1 and (seen.score.kind == "probability" or bool(seen.score.activation))
        dense = values.rank > 2
        probable = seen.score.activation in ("softmax", "sigmoid", "log_softmax")
        middle = 0.5 if seen.score.kind == "probability" else 0.0
        return Head(
            2 if binary and not dense else last, binary and not dense, dense, self.names, probable, middle
        )

    def _shared(self, seen: View, chunk: list[Item]) -> Iterator[Diagnostic]:
        """Yield what is true of the whole call."""
        if seen.trace.note:
            yield Diagnostic("exact-shape-trace", seen.trace.note)
        if len(seen.trace.outputs) > 1 and self.settings.output is None:
            names = ", ".join(seen.trace.outputs)
            yield Diagnostic(
                "output-chosen",
                f"the model has the outputs {names}; {seen.score.output!r} is explained",
                "pass output=",
            )
        if any(item.geometry is not None for item in chunk) and not self.preprocessing.known:
            yield Diagnostic("preprocess-unknown", self.preprocessing.why)

    def _range(self, item: Item) -> Iterator[Diagnostic]:
        message = check_range(item.flat[self.inputs.image], self.expected) if self.expected.known else None
        if message:
            yield Diagnostic("pixel-range", message)

    def _comparison(self, row: Row) -> Comparison:
        pairs = list(zip(self.methods, row, strict=True))
        return Comparison(
            explanations=tuple(explanation for _, (_, explanation) in pairs if explanation is not None),
            seconds={named.name: outcome.seconds for named, (outcome, _) in pairs},
            passes={named.name: outcome.passes for named, (outcome, _) in pairs},
            failures={named.name: str(outcome.failure) for named, (outcome, _) in pairs if outcome.failure},
            registry=self.registry,
        )


def _any_layer(seen: View, query: Any) -> LayerChoice:
    """Return the layer for a `reshape=` of the user's own: any recorded output, by path or name."""
    from visioncam_core.selectors import unknown_layer

    rows = [
        row
        for row in seen.table.rows
        if isinstance(query, str) and query in (row.path, row.bare, row.bare.split("/")[-1])
    ]
    if len(rows) != 1:
        raise unknown_layer(seen.table, query)
    return LayerChoice(rows[0], "as asked, with a reshape= of your own")


def _chunks(items: list[Item], size: int) -> Iterator[list[Item]]:
    """Yield runs of items of equal input shapes, at most `size` long."""
    chunk: list[Item] = []
    for item in items:
        shapes = [x.shape for x in item.flat]
        if chunk and (len(chunk) == size or shapes != [x.shape for x in chunk[0].flat]):
            yield chunk
            chunk = []
        chunk.append(item)
    if chunk:
        yield chunk


def _stacked(items: list[Item]) -> list[Any]:
    """Return the flat input tensors of several items."""
    import tensorflow as tf

    columns = zip(*(item.flat for item in items), strict=True)
    return [tf.constant(column[0] if len(column) == 1 else np.concatenate(column)) for column in columns]


def _blank(inputs: ModelInputs) -> list[Any]:
    """Return blank inputs of batch 1; open axes are 224 long."""
    import tensorflow as tf

    shapes = [one.shape if one.shape is not None else (224, 224, 3) for one in inputs.inputs]
    return [
        tf.zeros([1, *(224 if n is None else n for n in shape)], one.dtype)
        for shape, one in zip(shapes, inputs.inputs, strict=True)
    ]
