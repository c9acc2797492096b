"""What a run asks, as data that can travel to another process: names and options, no model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from visioncam.batch.fingerprint import Facts, facts_of, model_file_mark
from visioncam.batch.writing import Writing
from visioncam.registered import registry
from visioncam_core.running import Named
from visioncam_core.settings import Settings

if TYPE_CHECKING:
    from visioncam.cli.terminal import Output
    from visioncam_core.explainer import Explainer


@attrs.frozen(eq=False)
class Recipe:
    """What a run asks.

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

    @property
    def named(self) -> Named:
        """The method itself."""
        return Named.of(*registry().make_method(self.method, self.options))

    @property
    def facts(self) -> Facts:
        """What decides the results; reads the model file, but loads no TensorFlow."""
        named = self.named
        return facts_of(
            model_file_mark(self.model),
            named.name,
            named.options,
            self.target,
            self.settings,
            self.writing.facts,
        )

    def open(self, output: Output, passes: Any = None) -> Explainer:
        """Load the model and return what asks it.

        Args:
            output: where loading is told.
            passes: called between the passes of slow methods.
        """
        from visioncam.cli.models import open_model
        from visioncam_core.explainer import Explainer

        model = open_model(output, self.model, self.custom_objects, self.unsafe)
        return Explainer.of(model, registry(), [self.named], attrs.evolve(self.settings, progress=passes))
