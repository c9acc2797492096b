"""The request of a run, as data that can go to another process: names and options, no open model."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs

from visioncam.batch.fingerprint import Facts, facts_of
from visioncam.batch.write import Writing
from visioncam_core.engine.model_card import ModelCard, card_of, set_model_card
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.models import check_file, located, mark_of, open_model
from visioncam_core.pipeline.request import Request
from visioncam_core.plugins.default import registry
from visioncam_core.results.provenance import model_mark


@attrs.frozen(eq=False)
class Packed:
    """A model in memory, as its engine packs it, with its card."""

    engine: str
    content: Any = attrs.field(repr=False)
    card: ModelCard | None = None

    @classmethod
    def of(cls, model: Any) -> Packed:
        engine = registry().engine_of(model)
        return cls(engine.name, engine.pack(model), card_of(model))

    def model(self) -> Any:
        plugins = registry()
        model = plugins.open_engine(plugins.engine_spec(None, self.engine)).unpack(self.content)
        if self.card is not None:
            set_model_card(model, self.card)
        return model


@attrs.frozen(eq=False)
class RunRequest:
    """The request of a run."""

    model: str | None  # path of the model file, or its name; None for the embedded one
    custom_objects: tuple[str, ...]  # Python modules with classes that the file needs
    unsafe: bool  # run code that the file carries
    request: Request  # one method, its target where a picture's own row names none, and the settings
    writing: Writing
    batch: int  # pictures in a pass
    packed: Packed | None = None  # a model in memory; then `model` is None
    sha256: str | None = None  # the checksum that the model file must have, or None
    trust_savedmodel: bool = False  # take the folder of a SavedModel, a program
    weights: str | None = None  # a file with the weights of a model that is named

    @classmethod
    def of(cls, model: Any, request: Request, writing: Writing, batch: int) -> RunRequest:
        """Return the request for a model file, a model in memory, or the embedded one (None)."""
        path, packed = None, None
        if model is None or isinstance(model, str | os.PathLike):
            path = located(model)
            if path is not None:
                check_file(path)
            mark = mark_of(path)
        else:
            mark, packed = model_mark(model), Packed.of(model)
        return cls(path, (), False, request, attrs.evolve(writing, model=mark), batch, packed)

    @property
    def facts(self) -> Facts:
        return run_facts(self.request, self.writing)

    def explainer(self, progress: Any = None, load: Callable[..., Any] | None = None) -> Explainer:
        """Load the model and return its explainer.

        Args:
            progress: called between the passes of slow methods.
            load: opens the model file, called with its path, `custom_objects` and `unsafe`.
        """
        how: dict[str, Any] = {
            "sha256": self.sha256, "trust_savedmodel": self.trust_savedmodel, "weights": self.weights
        }  # fmt: skip
        load = load or partial(open_model, **{name: value for name, value in how.items() if value})
        if self.packed is not None:
            model = self.packed.model()
        else:
            model = load(self.model, custom_objects=self.custom_objects, unsafe=self.unsafe)
        settings = attrs.evolve(self.request.settings, progress=progress)
        return Explainer.of(model, attrs.evolve(self.request, settings=settings))


def run_facts(request: Request, writing: Writing) -> Facts:
    """Return everything that decides what a run with one method writes."""
    (named,) = request.methods
    return facts_of(writing.model, named.name, named.options, request.target, request.settings, writing.facts)
