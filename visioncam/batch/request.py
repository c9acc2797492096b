"""The request of a run, as data that can go to another process: names and options, no open model."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from visioncam.batch.fingerprint import Facts, facts_of
from visioncam.batch.write import Writing
from visioncam_core.errors import ModelError
from visioncam_core.pipeline.apply import Named
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.models import open_model
from visioncam_core.pipeline.request import Request
from visioncam_core.pipeline.settings import Settings
from visioncam_core.plugins.default import registry
from visioncam_core.results.provenance import model_file_mark, model_mark


@attrs.frozen(eq=False)
class RunRequest:
    """The request of a run.

    Attributes:
        model: path of the model file; None for the embedded one.
        custom_objects: Python modules with classes that the file needs.
        unsafe: run code that the file carries.
        method: the method's name.
        options: its options.
        target: what is explained where a picture's own row says nothing.
        settings: the other keywords.
        writing: what is written, and where.
        batch: pictures in a pass.
        payload: a model in memory, as the bytes of a `.keras` file; then `model` is None.
    """

    model: str | None
    custom_objects: tuple[str, ...]
    unsafe: bool
    method: str
    options: Mapping[str, Any]
    target: Any
    settings: Settings
    writing: Writing
    batch: int
    payload: bytes | None = attrs.field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        model: Any,
        method: str,
        options: Mapping[str, Any],
        target: Any,
        settings: Settings,
        writing: Writing,
        batch: int,
    ) -> RunRequest:
        """Return the request for a model file, a model in memory, or the embedded one (None).

        Raises:
            ModelError: a model that cannot be saved, or a file that is none.
        """
        path, payload = None, None
        if model is None or isinstance(model, str | os.PathLike):
            if model is not None:
                path = os.path.abspath(os.fspath(model))
                registry().engine_for_file(path).check_file(path)
            mark = model_file_mark(path)
        else:
            mark, payload = model_mark(registry().engine_of(model), model), _saved(model)
        writing = attrs.evolve(writing, model=mark)
        return cls(path, (), False, method, options, target, settings, writing, batch, payload)

    def sized(self, batch: int) -> RunRequest:
        """Return it with another batch size."""
        return attrs.evolve(self, batch=batch)

    @property
    def named(self) -> Named:
        """The method itself."""
        return Named.of(*registry().make_method(self.method, self.options))

    @property
    def facts(self) -> Facts:
        """What decides the results; loads no TensorFlow."""
        writing, named = self.writing, self.named
        return facts_of(writing.model, named.name, named.options, self.target, self.settings, writing.facts)

    def explainer(self, progress: Any = None, load: Callable[..., Any] = open_model) -> Explainer:
        """Load the model and return its explainer.

        Args:
            progress: called between the passes of slow methods.
            load: opens the model file, called like `visioncam_core.pipeline.models.open_model`.
        """
        with tempfile.TemporaryDirectory(prefix="visioncam-") as folder:
            path = self.model
            if self.payload is not None:
                path = os.path.join(folder, "model.keras")
                Path(path).write_bytes(self.payload)
            model = load(path, custom_objects=self.custom_objects, unsafe=self.unsafe)
        return Explainer.of(model, Request((self.named,), attrs.evolve(self.settings, progress=progress)))


def _saved(model: Any) -> bytes:
    with tempfile.TemporaryDirectory(prefix="visioncam-") as folder:
        path = Path(folder, "model.keras")
        try:
            model.save(path)
        except Exception as error:  # Keras raises anything for a model that is none
            raise ModelError(
                f"the model cannot be sent to a cluster ({type(error).__name__}: {error}); save it and pass "
                "the file's path"
            ) from error
        return path.read_bytes()
