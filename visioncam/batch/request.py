"""The request of a run, as data that can go to another process: names and options, no open model."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from visioncam.batch.fingerprint import Facts, facts_of
from visioncam.batch.write import Writing
from visioncam_core.errors import ModelError
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.models import check_file, located, mark_of, open_model
from visioncam_core.pipeline.request import Request
from visioncam_core.results.provenance import model_mark


@attrs.frozen(eq=False)
class RunRequest:
    """The request of a run."""

    model: str | None  # path of the model file, or its name; None for the embedded one
    custom_objects: tuple[str, ...]  # Python modules with classes that the file needs
    unsafe: bool  # run code that the file carries
    request: Request  # one method, its target where a picture's own row names none, and the settings
    writing: Writing
    batch: int  # pictures in a pass
    # a model in memory, as the bytes of a `.keras` file; then `model` is None
    payload: bytes | None = attrs.field(default=None, repr=False)
    sha256: str | None = None  # the checksum that the model file must have, or None
    trust_savedmodel: bool = False  # take the folder of a SavedModel, a program
    weights: str | None = None  # a file with the weights of a model that is named

    @classmethod
    def of(cls, model: Any, request: Request, writing: Writing, batch: int) -> RunRequest:
        """Return the request for a model file, a model in memory, or the embedded one (None)."""
        path, payload = None, None
        if model is None or isinstance(model, str | os.PathLike):
            path = located(model)
            if path is not None:
                check_file(path)
            mark = mark_of(path)
        else:
            mark, payload = model_mark(model), _saved(model)
        return cls(path, (), False, request, attrs.evolve(writing, model=mark), batch, payload)

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
        with tempfile.TemporaryDirectory(prefix="visioncam-") as folder:
            path = self.model
            if self.payload is not None:
                path = os.path.join(folder, "model.keras")
                Path(path).write_bytes(self.payload)
            model = load(path, custom_objects=self.custom_objects, unsafe=self.unsafe)
        settings = attrs.evolve(self.request.settings, progress=progress)
        return Explainer.of(model, attrs.evolve(self.request, settings=settings))


def run_facts(request: Request, writing: Writing) -> Facts:
    """Return everything that decides what a run with one method writes."""
    (named,) = request.methods
    return facts_of(writing.model, named.name, named.options, request.target, request.settings, writing.facts)


def _saved(model: Any) -> bytes:
    with tempfile.TemporaryDirectory(prefix="visioncam-") as folder:
        path = Path(folder, "model.keras")
        try:
            model.save(path)
        except Exception as error:  # Keras raises anything for a model that is none
            raise ModelError(
                f"the model cannot be sent to a cluster ({type(error).__name__}: {error}); save it and "
                "pass the file's path, or the name of what makes it: 'package.module:function'"
            ) from error
        return path.read_bytes()
