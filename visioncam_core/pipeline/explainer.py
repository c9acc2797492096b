"""The one pipeline: images in, explanations out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from visioncam_core.engine import cache
from visioncam_core.engine.interface import Engine, View
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.engine.model_card import ModelCard, card_of
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.output import head_of
from visioncam_core.engine.records import Hints
from visioncam_core.errors import LayerError, OptionTypeError
from visioncam_core.images.preprocessing import Preprocessing, wanted_by
from visioncam_core.images.reader import Reader
from visioncam_core.images.sample import Sample
from visioncam_core.layers.choose import select_layer
from visioncam_core.layers.queries import any_row
from visioncam_core.pipeline.apply import Method, with_refusal
from visioncam_core.pipeline.batch import Batch, blank_inputs, joined_inputs, mixing, picture_of, split
from visioncam_core.pipeline.build import Answer, build, grouped
from visioncam_core.pipeline.fusion import fuse_layers
from visioncam_core.pipeline.gather import gather_what_can
from visioncam_core.pipeline.request import Request
from visioncam_core.pipeline.settings import Settings
from visioncam_core.pipeline.tiled import WindowTargets, join_windows
from visioncam_core.plugins.default import registry
from visioncam_core.results.comparison import Comparison
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.provenance import versions
from visioncam_core.targets.class_names import load_class_names
from visioncam_core.targets.resolve import specs_of_call, stack_size


@attrs.frozen(eq=False)
class Explainer:
    """A request and an opened model: for loops, servers and threads.

    Calls are safe from several threads.  The model is never changed.  Each call finds out whether the user
    has changed it; `with explainer:` declares that nobody does, which is checked where the block ends.

    Attributes:
        model: the user's model.
        request: methods and settings.
        engine: runs the model.
        hints: what the model says of itself.
        inputs: what it says of its inputs.
        reader: turns images into model inputs.
        preprocessing: what is done to pictures.
        expected: what the model itself seems to want, for the range check.
        names: class names, or None.
        versions: of what makes the maps.
    """

    model: Any
    request: Request
    engine: Engine
    hints: Hints
    inputs: ModelInputs
    reader: Reader
    preprocessing: Preprocessing
    expected: Preprocessing
    names: tuple[str, ...] | None
    versions: dict[str, Any]

    @classmethod
    def of(cls, model: Any, request: Request) -> Explainer:
        """Return the explainer of a model.

        Raises:
            ModelError: no engine runs it, or it is not built.
            BackendError: no TensorFlow, or Keras on another backend.
            OptionError: a setting out of its range, or a method that the engine cannot serve.
        """
        settings = request.settings
        spec = registry().engine_spec(model, settings.engine)
        engine = registry().open_engine(spec)
        cache.check(engine, model)
        methods = tuple(with_refusal(method, spec) for method in request.methods)
        refusals = [method.refusal for method in methods if method.refusal is not None]
        if refusals and len(refusals) == len(methods):
            raise refusals[0]
        card = card_of(model) or ModelCard()
        hints, inputs, made_by = cache.recalled(
            engine,
            model,
            hints=lambda: engine.hints(model),
            inputs=lambda: engine.inputs(model),
            versions=lambda: versions(engine.versions()),
        )
        inputs = inputs.with_channels(card.channels_first)
        preprocessing, expected, geometry = wanted_by(
            settings.preprocess, settings.geometry, hints, card, engine.picture_steps
        )
        frame, most, whole = settings.frame, settings.max_pixels, preprocessing.whole
        reader = Reader(inputs, preprocessing.function, geometry, frame, most, whole, settings.window)
        names = settings.class_names
        if names is None:
            names = card.class_names or hints.class_names
        return cls(
            model=model,
            request=attrs.evolve(request, methods=methods),
            engine=engine,
            hints=hints,
            inputs=inputs,
            reader=reader,
            preprocessing=preprocessing,
            expected=expected,
            names=names if isinstance(names, tuple) else load_class_names(names),
            versions=made_by,
        )

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods, in order."""
        return self.request.methods

    @property
    def settings(self) -> Settings:
        """Layer, score, preprocessing and so on."""
        return self.request.settings

    def with_settings(self, **settings: Any) -> Explainer:
        """Return the same explainer with other settings, of those that do not say how pictures are read."""
        changed = attrs.evolve(self.settings, **settings)
        return attrs.evolve(self, request=attrs.evolve(self.request, settings=changed))

    def with_methods(self, *methods: Method) -> Explainer:
        """Return the same explainer with other methods."""
        return attrs.evolve(self, request=attrs.evolve(self.request, methods=methods))

    def __enter__(self) -> Explainer:
        """Take the model as it is until the block ends, in this thread."""
        cache.hold(self.engine, self.model)
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Raise `ModelError` where the model was changed after all."""
        entry = cache.release()
        if error is None:
            cache.check_unchanged(self.engine, self.model, entry)

    def __call__(self, image: Any, target: Any = None) -> Any:
        """Explain one image, or a batch or list of them, with the first method.

        Args:
            image: as in `visioncam.explain`.
            target: as in `visioncam.explain`.

        Returns:
            One `Explanation` for one image; a list for a batch or list, also of length 1.  For
            `target="top5"` a list of the best classes in the place of each explanation.
        """
        if len(self.methods) != 1:
            if not self.methods:
                raise OptionTypeError("this explainer has no method; make it with one, or use with_methods")
            return self.with_methods(self.methods[0])(image, target)
        size = stack_size(target, self.names)
        answers, single = self._steady_answers(image, target, size)
        stacks = [[_only(one) for one in stack] for stack in grouped(answers, "picture")]
        found = stacks if size else [explanation for (explanation,) in stacks]
        return found[0] if single else found

    def compare(self, image: Any, target: Any = None) -> Comparison | list[Comparison]:
        """Explain with every method, evidence computed once; one that cannot apply is noted, not raised."""
        answers, single = self._steady_answers(image, target)
        found = [self._comparison(row) for row in grouped(answers, "picture")]
        return found[0] if single else found

    def layers(self, image: Any = None) -> tuple[View, LayerChoice | None]:
        """Return the view with its table, and what `settings.layer` chooses; None where "auto" finds nothing.

        Raises:
            LayerError: a layer was asked for, and cannot be explained.
        """
        flat = blank_inputs(self.inputs)
        if image is not None:
            flat = joined_inputs([next(self.reader.read(image)[0][0].parts())])
        with self.engine.running(self.model):
            view = self._view(self.engine.tensors(flat))
        try:
            return view, self._choose(view)[0]
        except LayerError:
            if not isinstance(self.settings.layer, str) or self.settings.layer != "auto":
                raise
            return view, None

    def batch(self, samples: list[Sample], pictures: list[int]) -> Batch:
        """Return samples of one input shape as a batch, with the model traced and the layers chosen for them.

        `pictures` are the positions of their pictures in the call.
        """
        arrays = joined_inputs(samples)
        flat = self.engine.tensors(arrays)
        with self.engine.running(self.model):
            view = self._view(flat)
            notes = view.notes
            layers = self._choose(view) if self.request.looks_at_layers() else []
            together = len(samples) > 1 or any("gradients" not in one.needs for one in self.methods)
            mixed = self.mixing(flat) if together and not view.exact else 0.0
        image = picture_of(layers, self.inputs)
        given = self.settings.class_names is not None
        head = head_of(view.score, self.names, given, view.table.image_shape)
        head = attrs.evolve(head, features=self.hints.features)
        return Batch(
            self.engine, self.request, samples, pictures, arrays, flat, view, layers, image, head,
            self.preprocessing, self.expected, self.versions, mixed,
            (*notes, *cache.notes_of(self.engine, self.model)),
        )  # fmt: skip

    def mixing(self, flat: list[Any]) -> float:
        """Return how far a picture's answers move with another in its batch, found out once for a model."""
        if self.settings.batch == 1:
            return 0.0

        def find() -> float:
            return mixing(self.engine, cache.open_trace(self.engine, self.model, self.inputs, flat), flat)

        found: float = cache.recalled(self.engine, self.model, mixing=find)[0]
        return found

    def _steady_answers(self, images: Any, target: Any, size: int = 0) -> tuple[list[Answer], bool]:
        """Return the answers of one call, which asks once whether the model has changed."""
        with cache.steady(self.engine, self.model):
            return self._answers(images, target, size)

    def _answers(self, images: Any, target: Any, size: int = 0) -> tuple[list[Answer], bool]:
        """Return an answer for each picture, target and method, and whether a single image was passed."""
        samples, single = self.reader.read(images)
        windows = None
        if any(sample.windows is not None for sample in samples):
            windows = WindowTargets(samples, self.settings.batch)
        found: list[Answer] = []
        for pictures, run in split(samples, self.settings.batch):
            batch = self.batch(run, pictures)
            if batch.image != self.inputs.image:
                return self._for_input(batch.image)._answers(images, target, size)
            with self.engine.running(self.model):
                specs = specs_of_call(target, size, len(samples), batch.head)
                if windows is not None:
                    specs = windows.of(specs, batch)
                targets = [[row[picture] for picture in pictures] for row in specs]
                for layer, here in batch.places():
                    reshape = self.settings.reshaping(batch.space) if here.on == "layer" else None
                    passes = batch.view.passes(here.layers[0], reshape, self.settings.budget)
                    here, observations = gather_what_can(here, passes, targets)
                    for t, observation in enumerate(observations):
                        found += build(here, layer, t, observation)
        if windows is not None:
            found = join_windows(found, samples)
        return fuse_layers(found, self.settings.fuse) if any(one.layer for one in found) else found, single

    def _for_input(self, image: int) -> Explainer:
        inputs = attrs.evolve(self.inputs, image=image)
        return attrs.evolve(self, inputs=inputs, reader=attrs.evolve(self.reader, inputs=inputs))

    def _view(self, flat: list[Any]) -> View:
        traced = cache.open_trace(self.engine, self.model, self.inputs, flat)
        return traced.view(self.inputs, flat, self.settings.output, self.settings.score)

    def _choose(self, view: View) -> list[LayerChoice]:
        layer = self.settings.layer
        queries = list(layer) if isinstance(layer, list | tuple) else [layer]
        if not queries:
            raise LayerError("layer=[] names no layer; pass at least one, or 'auto'")
        if self.settings.reshape is not None:
            return [any_row(view.table, query) for query in queries]
        return [self._placed(view, select_layer(view.table, query)) for query in queries]

    def _placed(self, view: View, choice: LayerChoice) -> LayerChoice:
        table, row, wanted = view.table, choice.row, self.settings.placement
        key = (id(table), row.path, wanted)  # the table is kept beside it, so that no other gets its number
        find = lambda: (table, table.placement(row, wanted))  # noqa: E731
        placement = cache.recalled_while_held(self.model, key, find)[1]
        return choice if placement == choice.placement else attrs.evolve(choice, placement=placement)

    def _comparison(self, answers: Sequence[Answer]) -> Comparison:
        answers = sorted(answers, key=lambda one: one.method)  # those for the picture came last
        rows = [(self.methods[one.method].name, one) for one in answers]
        return Comparison(
            explanations=tuple(one.explanation for one in answers if one.explanation is not None),
            seconds={name: one.applied.seconds for name, one in rows},
            passes={name: one.applied.passes for name, one in rows},
            failures={name: str(one.applied.failure) for name, one in rows if one.applied.failure},
        )


def _only(answer: Answer) -> Explanation:
    if answer.explanation is None:
        assert answer.applied.failure is not None
        raise answer.applied.failure
    return answer.explanation
