"""The one pipeline: images in, explanations out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.answering import Answering, Row
from visioncam_core.cards import ModelCard, card_of
from visioncam_core.class_names import load_class_names
from visioncam_core.engine.batches import running
from visioncam_core.engine.cache import check, recalled
from visioncam_core.engine.inputs import ModelInputs, model_inputs
from visioncam_core.engine.view import View, view
from visioncam_core.errors import LayerError
from visioncam_core.explanation import Comparison
from visioncam_core.fusion import fuse
from visioncam_core.heads import head_of
from visioncam_core.inputs import Item, Reader
from visioncam_core.layers import LayerChoice
from visioncam_core.picks import wishes
from visioncam_core.preprocess import Preprocessing, preprocessing_for
from visioncam_core.registry import Registry
from visioncam_core.running import Named
from visioncam_core.selectors import any_row
from visioncam_core.settings import Settings
from visioncam_core.stacks import stack_size, stacked


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
        automatic, inputs = recalled(
            model, auto=lambda: preprocessing_for(model, "auto"), inputs=lambda: model_inputs(model)
        )
        auto = isinstance(settings.preprocess, str) and settings.preprocess == "auto"
        wanted = card.preprocess if auto and card.preprocess else settings.preprocess
        preprocessing = automatic if auto and not card.preprocess else preprocessing_for(model, wanted)
        if auto and card.preprocess:
            preprocessing = attrs.evolve(preprocessing, why="from the model's card")
        geometry = settings.geometry if settings.geometry is not None else card.geometry or "resize"
        return cls(
            model=model,
            registry=registry,
            methods=tuple(methods),
            settings=settings,
            inputs=inputs,
            reader=Reader(inputs, preprocessing.function, geometry, settings.frame, settings.max_pixels),
            preprocessing=preprocessing,
            expected=preprocessing if auto else automatic,
            names=load_class_names(
                settings.class_names if settings.class_names is not None else card.class_names
            ),
        )

    def __call__(self, image: Any, target: Any = None) -> Any:
        """Explain one image, or a batch or list of them, with the first method.

        Args:
            image: as in `visioncam.explain`.
            target: as in `visioncam.explain`.

        Returns:
            One `Explanation` for one image; a list for a batch or list, also of length 1.  For
            `target="top5"` a list of the best classes in the place of each explanation.
        """
        size = stack_size(target, self.names)
        if size:
            return stacked(self, image, size)
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
        flat = _blank(self.inputs) if image is None else _stacked(self.reader.read(image)[0][:1])
        with running(self.model):
            seen = self._view(flat)
        try:
            return seen, self.registry.select_layer(seen.table, self.settings.layer)
        except LayerError:
            return seen, None

    def _run(self, image: Any, target: Any) -> tuple[list[Row], bool]:
        items, single = self.reader.read(image)
        answering = Answering(
            self.settings, self.registry, self.methods, self.preprocessing, self.expected, self.inputs.image
        )
        rows: list[Row] = []
        for chunk in _chunks(items, self.settings.batch):
            flat = _stacked(chunk)
            with running(self.model):
                seen = self._view(flat)
                choices = self._choices(seen)
                pictured = self._about(choices)
                if pictured is not self:
                    return pictured._run(image, target)
                head = head_of(seen.score, self.names, self.settings.class_names is not None)
                asked = wishes(target, len(items), head)[len(rows) : len(rows) + len(chunk)]
                by_layer = [answering.chunk(seen, choice, head, chunk, flat, asked) for choice in choices]
            rows.extend(self._fused(list(layers)) for layers in zip(*by_layer, strict=True))
        return rows, single

    def _view(self, flat: list[Any]) -> View:
        return view(self.model, self.inputs, flat, self.settings.output, self.settings.score)

    def _choices(self, seen: View) -> list[LayerChoice]:
        """Return the layer, or the several layers that are fused."""
        asked = self.settings.layer
        queries = list(asked) if isinstance(asked, list | tuple) else [asked]
        if not queries:
            raise LayerError("layer=[] names no layer; pass at least one, or 'auto'")
        if self.settings.reshape is not None:
            return [any_row(seen.table, query) for query in queries]
        return [self.registry.select_layer(seen.table, query) for query in queries]

    def _about(self, choices: list[LayerChoice]) -> Explainer:
        """Return the explainer whose picture is one that the layers depend on (of two images, say)."""
        shared = [i for i in self.inputs.images if all(i in choice.row.inputs for choice in choices)]
        if self.inputs.image in shared:
            return self
        if not shared:
            paths = ", ".join(choice.path for choice in choices)
            raise LayerError(f"the layers {paths} look at different pictures; explain them one at a time")
        inputs = attrs.evolve(self.inputs, image=shared[0])
        return attrs.evolve(self, inputs=inputs, reader=attrs.evolve(self.reader, inputs=inputs))

    def _fused(self, rows: list[Row]) -> Row:
        """Return one outcome a method from those of several layers; a failure at any layer is the failure."""
        if len(rows) == 1:
            return rows[0]
        fused: Row = []
        for outcomes in zip(*rows, strict=True):
            found = [explanation for _, explanation in outcomes if explanation is not None]
            failed = next((applied for applied, explanation in outcomes if explanation is None), None)
            applied = failed or attrs.evolve(
                outcomes[0][0],
                seconds=sum(one.seconds for one, _ in outcomes),
                passes=sum(one.passes for one, _ in outcomes),
            )
            fused.append((applied, None if failed else fuse(found, self.settings.fuse)))
        return fused

    def _comparison(self, row: Row) -> Comparison:
        pairs = list(zip(self.methods, row, strict=True))
        return Comparison(
            explanations=tuple(explanation for _, (_, explanation) in pairs if explanation is not None),
            seconds={named.name: outcome.seconds for named, (outcome, _) in pairs},
            passes={named.name: outcome.passes for named, (outcome, _) in pairs},
            failures={named.name: str(outcome.failure) for named, (outcome, _) in pairs if outcome.failure},
            registry=self.registry,
        )


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
