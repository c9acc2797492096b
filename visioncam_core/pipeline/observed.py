"""What a pass has seen of pictures, and the scores of changed ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.records import Change, Make
from visioncam_core.errors import PluginError
from visioncam_core.pipeline.sources import (
    ArraySource,
    Source,
    Tell,
    Which,
    checked,
)
from visioncam_core.progress import Progress


@attrs.frozen(eq=False)
class Observed:
    """Activations, gradients and scores of N pictures, and the scores of changed ones; see `Evidence`."""

    activations: Any
    score: Any
    seed: int = 0
    _gradients: Any = None
    _source: Source | None = None
    _pictures: tuple[int, ...] = (0,)
    _progress: Progress | None = None

    @property
    def gradients(self) -> Any:
        """(N, *grid, K) G = ∂S/∂A."""
        if self._gradients is None:
            raise PluginError(
                "this evidence has no gradients: the method must declare them, "
                "needs = frozenset({'activations', 'gradients'})"
            )
        return self._gradients

    @property
    def has_gradients(self) -> bool:
        """Whether gradients were computed."""
        return self._gradients is not None

    @property
    def inputs(self) -> Any:
        """(N, *space, C) image inputs as the model receives them, channels last."""
        images = self._need_source().images()
        if len(self._pictures) == int(images.shape[0]):
            return images
        return images[self._pictures[0] : self._pictures[-1] + 1]

    def each(self) -> Iterator[Self]:
        """Yield the evidence of one picture at a time (N = 1), as perturbation methods need it."""
        yield from map(self.only, range(len(self._pictures)))

    def only(self, i: int) -> Self:
        """Return the evidence of one of its pictures."""
        part = slice(i, i + 1)
        gradients = None if self._gradients is None else self._gradients[part]
        return attrs.evolve(
            self,
            activations=self.activations[part],
            score=self.score[part],
            gradients=gradients,
            pictures=(self._pictures[i],),
        )

    def score_inputs(self, make: Make, count: int, which: Which = "target") -> Any:
        """Return the (count,) scores of changed pictures; for evidence of one picture.

        Args:
            make: given (b,) int32 indices, returns (b, *space, C) image inputs, channels last.
            count: how many there are in all.  They are made and scored in bounded batches.
            which: "target" for the scalar being explained, "probability" for its class probability.
        """
        made = checked(make, self._picture_shape(), "image inputs")
        return self._need_source().score_inputs(self._only(), self._reporting(made, count), count, which)

    def score_activations(self, make: Make, count: int, which: Which = "target") -> Any:
        """Return the (count,) scores of changed activations; for evidence of one picture.

        Only the part of the model after the layer is run.  `make` returns (b, *grid, K); the rest is
        as in `score_inputs`.
        """
        made = checked(make, tuple(self.activations.shape[1:]), "activations")
        return self._need_source().score_activations(self._only(), self._reporting(made, count), count, which)

    def score_changed(
        self, change: Change, maps: Any, which: Which = "target", extra: Sequence[np.ndarray] = ()
    ) -> Any:
        """Return the (L,) scores of the picture changed by each of L maps; for evidence of one picture.

        Args:
            change: given the picture (1, *space, C) as the model receives it, channels last, and maps
                (b, *grid), returns the b changed pictures (b, *space, C).  It becomes part of a graph, so
                it is written in `visioncam_core.ops`, and is best a function of a module: the graph is
                kept for it, with what it held and read when it was first called (a model is then not freed).
            maps: (L, *grid).
            which: as in `score_inputs`.
            extra: further arrays, given to `change` behind the maps as they are.
        """
        source, count = self._need_source(), int(maps.shape[0])
        if hasattr(source, "score_changed"):
            found: Any = source.score_changed(
                self._only(), change, maps, which, self._telling(count), tuple(extra)
            )
            return found
        x = self.inputs
        return self.score_inputs(
            lambda each: change(x, ops.backend(maps).take(maps, each, axis=0), *extra), count, which
        )

    def score_without(self, channels: np.ndarray, which: Which = "target") -> Any:
        """Return the (L,) scores with each of L channels set to zero; for evidence of one picture.

        Only the part of the model after the layer is run, and of that only what mixes channels.

        Args:
            channels: (L,) int channels of the activations.
            which: as in `score_inputs`.
        """
        source, A, count = self._need_source(), self.activations, len(channels)
        if hasattr(source, "score_without"):
            found: Any = source.score_without(self._only(), A, channels, which, self._telling(count))
            return found
        return self.score_activations(lambda each: ops.without_channels(A, channels[each]), count, which)

    def at(self, images: Any) -> Self:
        """Return the evidence, gradients included, at M other image inputs (M, *space, C); of one picture."""
        activations, gradients, score = self._need_source().at(self._only(), images)
        return attrs.evolve(
            self,
            activations=activations,
            gradients=gradients,
            score=score,
            source=None,
            pictures=tuple(range(int(score.shape[0]))),
        )

    def _need_source(self) -> Source:
        if self._source is None:
            raise PluginError("this evidence cannot give more: it has no model behind it")
        return self._source

    def _picture_shape(self) -> tuple[int, ...] | None:
        source = self._need_source()
        if isinstance(source, ArraySource) and source.inputs is None:
            return None
        return tuple(source.images().shape[1:])

    def _only(self) -> int:
        if len(self._pictures) != 1:
            raise PluginError(
                f"scores are computed one picture at a time, and this evidence has {len(self._pictures)}; "
                "loop over evidence.each()"
            )
        return self._pictures[0]

    def _telling(self, count: int) -> Tell | None:
        progress = self._progress
        return None if progress is None else lambda done: progress(done, count)

    def _reporting(self, make: Make, count: int) -> Make:
        progress = self._progress
        if progress is None:
            return make

        def reported(indices: np.ndarray) -> Any:
            progress(int(indices[0]), count)
            made = make(indices)
            if int(indices[-1]) == count - 1:
                progress(count, count)
            return made

        return reported
