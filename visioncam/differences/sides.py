"""One of the models that are compared: how it reads the pictures, and what it says of one."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from visioncam_core.engine.model_card import card_of
from visioncam_core.engine.output import Head
from visioncam_core.errors import ModelError, VisionCamError
from visioncam_core.images.sample import Read, Sample
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.results.explanation import Explanation


@attrs.frozen(eq=False)
class Side:
    """One of the models.

    Attributes:
        name: "old", "new" or "second".
        explain: its explainer.
        count: pictures.
        sample: reads one of them.
        borrowed: whether pictures are read as another model's, because this one says nothing of them.
    """

    name: str
    explain: Explainer
    count: int
    sample: Callable[[int], Sample]
    borrowed: bool

    @classmethod
    def of(cls, name: str, made: Explainer, images: Any, like: Explainer) -> Side:
        """Return a model and its pictures; files are read one by one, when they are asked for.

        Where it says nothing of its pictures they are read as those of `like`.
        """
        borrowed = like.preprocessing.known and not made.preprocessing.known
        if borrowed:
            how, fitted = like.preprocessing, like.reader.geometry
            read = attrs.evolve(made.reader, preprocess=how.function, geometry=fitted, whole=how.whole)
            made = attrs.evolve(made, preprocessing=how, reader=read)
        files = isinstance(images, list | tuple) and len(images) > 0
        files = files and all(isinstance(one, str | bytes | os.PathLike) for one in images)
        with about(name):
            if files and len(made.inputs.inputs) == 1 and len(made.inputs.image_shape or "HWC") == 3:
                count, sample = len(images), lambda number: made.reader.read([images[number]])[0][0]
            else:
                items, _ = made.reader.read(images)
                count, sample = len(items), items.__getitem__
        return cls(name, made.with_settings(progress=None), count, sample, borrowed)

    @property
    def title(self) -> str:
        """Name of the model for people."""
        card = card_of(self.explain.model)
        return card.title if card is not None and card.title else self.explain.hints.title

    def read(self, number: int) -> Sample:
        """Return a picture as this model takes it."""
        with about(self.name):
            return self.sample(number)

    def head(self, sample: Sample) -> Head:
        """Return what is known of the explained output."""
        with about(self.name):
            return self.explain.batch([next(sample.parts())], [0]).head

    def __call__(self, sample: Sample, target: Any) -> Explanation:
        """Explain a picture.

        Raises:
            ModelError: its score is not finite.
        """
        with about(self.name):
            found: Explanation = self.explain(Read([sample], False), [target])[0]
            if not math.isfinite(found.score):
                raise ModelError(
                    f"its score of {found.target.label} is {found.score}; check its weights, and what "
                    "pictures become (preprocess=)"
                )
        return found


@contextmanager
def about(name: str) -> Iterator[None]:
    """Let an error say which model it is about."""
    try:
        yield
    except VisionCamError as error:
        raise type(error)(f"the {name} model: {error}") from error
