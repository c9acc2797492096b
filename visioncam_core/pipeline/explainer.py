"""The one pipeline: images in, explanations out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.cache import open_trace, recalled
from visioncam_core.engine.interface import Engine, View
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.engine.model_card import ModelCard, card_of
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.output import Head, head_of
from visioncam_core.engine.records import Hints
from visioncam_core.errors import LayerError
from visioncam_core.images.arrays import input_dtype
from visioncam_core.images.preprocessing import Preprocessing, preprocessing_for
from visioncam_core.images.reader import Reader
from visioncam_core.images.sample import Item
from visioncam_core.layers.queries import any_row
from visioncam_core.pipeline.apply import Named
from visioncam_core.pipeline.batch import Answering, Row
from visioncam_core.pipeline.fusion import fuse_rows
from visioncam_core.pipeline.settings import Settings
from visioncam_core.pipeline.tiled import Windowed
from visioncam_core.plugins.engines import refusal
from visioncam_core.plugins.registry import Registry
from visioncam_core.plugins.specs import EngineSpec
from visioncam_core.results.comparison import Comparison
from visioncam_core.results.explanation import Explanation
from visioncam_core.targets.class_names import load_class_names
from visioncam_core.targets.resolve import questions, stack_size


@attrs.frozen(eq=False)
class Explainer:
    """A model made ready to be asked: for loops, servers and threads.

    Calls are safe from several threads.  The model is never changed.

    Attributes:
        model: the model.
        engine: what runs it.
        hints: what it says of itself.
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
    engine: Engine
    hints: Hints
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
            OptionError: a setting out of its range, or a method that the engine cannot serve.
        """
        spec = registry.engine_spec(model, settings.engine)
        engine = registry.open_engine(spec)
        engine.check(model)
        methods = tuple(_served(named, spec, registry) for named in methods)
        refused = [named.refusal for named in methods if named.refusal is not None]
        if refused and len(refused) == len(methods):
            raise refused[0]
        card = card_of(model) or ModelCard()
        hints, inputs = recalled(
            engine, model, hints=lambda: engine.hints(model), inputs=lambda: engine.inputs(model)
        )
        automatic = preprocessing_for(hints, "auto")
        auto = isinstance(settings.preprocess, str) and settings.preprocess == "auto"
        wanted = card.preprocess if auto and card.preprocess else settings.preprocess
        preprocessing = automatic if auto and not card.preprocess else preprocessing_for(hints, wanted)
        if auto and card.preprocess:
            preprocessing = attrs.evolve(preprocessing, why="from the model's card")
        geometry = (
            settings.geometry
            if settings.geometry is not None
            else card.geometry or hints.geometry or "resize"
        )
        return cls(
            model=model,
            engine=engine,
            hints=hints,
            registry=registry,
            methods=methods,
            settings=settings,
            inputs=inputs,
            reader=Reader(inputs, preprocessing.function, geometry, settings.frame, settings.max_pixels),
            preprocessing=preprocessing,
            expected=preprocessing if auto else automatic,
            names=load_class_names(
                settings.class_names
                if settings.class_names is not None
                else card.class_names or hints.class_names
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
        rows, single = self._run(image, target, size)
        stacks = [[_only(row) for row in answers] for answers in rows]
        found = stacks if size else [explanation for (explanation,) in stacks]
        return found[0] if single else found

    def compare(self, image: Any, target: Any = None) -> Comparison | list[Comparison]:
        """Explain with every method, evidence computed once; one that cannot apply is noted, not raised."""
        rows, single = self._run(image, target)
        found = [self._comparison(row) for (row,) in rows]
        return found[0] if single else found

    def layers(self, image: Any = None) -> tuple[View, LayerChoice | None]:
        """Return the view with its table, and what `settings.layer` chooses; None where "auto" finds nothing.

        Raises:
            LayerError: a layer was asked for, and cannot be explained.
        """
        flat = (
            _blank(self.inputs) if image is None else _stacked([next(self.reader.read(image)[0][0].parts())])
        )
        with self.engine.running(self.model):
            seen = self._view(self.engine.tensors(flat))
        try:
            return seen, self._choices(seen)[0]
        except LayerError:
            if not isinstance(self.settings.layer, str) or self.settings.layer != "auto":
                raise
            return seen, None

    def opened(self, items: list[Item]) -> Opened:
        """Return the model opened for pictures of one input shape: the trace, the layers, the output."""
        flat = self.engine.tensors(_stacked(items))
        with self.engine.running(self.model):
            seen = self._view(flat)
            choices = self._choices(seen)
            head = self._head(seen)
        return Opened(self._about(choices), flat, seen, choices, head)

    def _run(self, image: Any, target: Any, stack: int = 0) -> tuple[list[list[Row]], bool]:
        """Return the answers about each picture, one a question (each class of a stack), and `single`."""
        items, single = self.reader.read(image)
        answering = Answering(
            self.settings,
            self.registry,
            self.methods,
            self.preprocessing,
            self.expected,
            self.inputs.image,
            self.engine,
        )
        by_layer: list[list[list[Row]]] = []
        windows = Windowed(items, self.settings.batch, self.engine)
        for owners, chunk in _chunks(windows.parts(), self.settings.batch):
            flat = self.engine.tensors(_stacked(chunk))
            with self.engine.running(self.model):
                seen = self._view(flat)
                choices = self._choices(seen)
                pictured = self._about(choices)
                if pictured is not self:
                    return pictured._run(image, target, stack)
                head = self._head(seen)
                every = windows.settled(
                    questions(target, stack, len(items), head), owners, seen, choices[0], head
                )
                asked = [[wishes[owner] for owner in owners] for wishes in every]
                found = [answering.chunk(seen, choice, head, chunk, flat, asked) for choice in choices]
            by_layer = by_layer or [[[] for _ in asked] for _ in choices]
            for columns, more in zip(by_layer, found, strict=True):
                for column, rows in zip(columns, more, strict=True):
                    column.extend(rows)
        merged = [[windows.merged(rows, self.settings.evidence) for rows in columns] for columns in by_layer]
        return [
            [fuse_rows(layers, self.settings.fuse) for layers in zip(*answers, strict=True)]
            for answers in zip(*(zip(*columns, strict=True) for columns in merged), strict=True)
        ], single

    def _view(self, flat: list[Any]) -> View:
        traced = open_trace(self.engine, self.model, self.inputs, flat)
        return traced.view(self.inputs, flat, self.settings.output, self.settings.score)

    def _head(self, seen: View) -> Head:
        given = self.settings.class_names is not None
        return head_of(seen.score, self.names, given, seen.table.image_shape)

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

    def _comparison(self, row: Row) -> Comparison:
        pairs = list(zip(self.methods, row.outcomes, strict=True))
        return Comparison(
            explanations=tuple(explanation for _, (_, explanation) in pairs if explanation is not None),
            seconds={named.name: outcome.seconds for named, (outcome, _) in pairs},
            passes={named.name: outcome.passes for named, (outcome, _) in pairs},
            failures={named.name: str(outcome.failure) for named, (outcome, _) in pairs if outcome.failure},
            registry=self.registry,
        )


@attrs.frozen(eq=False)
class Opened:
    """A model opened for pictures of one input shape.

    Attributes:
        explainer: whose picture is one that the layers depend on; mostly the one that was asked.
        flat: flat input tensors of the pictures.
        view: the traced model.
        choices: the layer, or the several that are fused.
        head: the explained output.
    """

    explainer: Explainer
    flat: list[Any]
    view: View
    choices: list[LayerChoice]
    head: Head


def _only(row: Row) -> Explanation:
    """Return the explanation of the one method, or raise why there is none."""
    ((applied, explanation),) = row.outcomes
    if explanation is None:
        assert applied.failure is not None
        raise applied.failure
    return explanation


def _served(named: Named, spec: EngineSpec, registry: Registry) -> Named:
    """Return a method with why the engine cannot serve it, if so."""
    why = refusal(spec, named.name, named.needs, registry.methods())
    return named if why is None else attrs.evolve(named, refusal=why)


def _chunks(parts: Iterable[tuple[int, Item]], size: int) -> Iterator[tuple[list[int], list[Item]]]:
    """Yield runs of items of equal input shapes with their owners, at most `size` long."""
    owners: list[int] = []
    chunk: list[Item] = []
    for owner, item in parts:
        shapes = [x.shape for x in item.flat]
        if chunk and (len(chunk) == size or shapes != [x.shape for x in chunk[0].flat]):
            yield owners, chunk
            owners, chunk = [], []
        owners.append(owner)
        chunk.append(item)
    if chunk:
        yield owners, chunk


def _stacked(items: list[Item]) -> list[np.ndarray]:
    """Return the flat inputs of several items."""
    columns = zip(*(item.flat for item in items), strict=True)
    return [column[0] if len(column) == 1 else np.concatenate(column) for column in columns]


def _blank(inputs: ModelInputs) -> list[np.ndarray]:
    """Return blank inputs of batch 1; open axes are 224 long."""
    shapes = [one.shape if one.shape is not None else (224, 224, 3) for one in inputs.inputs]
    return [
        np.zeros([1, *(224 if n is None else n for n in shape)], input_dtype(one.dtype))
        for shape, one in zip(shapes, inputs.inputs, strict=True)
    ]
