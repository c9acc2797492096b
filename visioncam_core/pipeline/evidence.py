"""Evidence: what a method may look at.  Computed once, shared by every method that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.batches import FEWER
from visioncam_core.engine.records import Change, Make
from visioncam_core.errors import PluginError
from visioncam_core.images.regions import Regions, regions_of
from visioncam_core.ops import wide
from visioncam_core.pipeline.sources import (
    ArraySource,
    Source,
    Tell,
    Which,
    checked,
    kept,
    kept_labels,
    with_rest,
)
from visioncam_core.progress import Progress

Of = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(gradients (b, *space, C), indices (b,)) -> (b, ...) what is averaged; see `Evidence.mean_gradients`."""


@attrs.frozen(eq=False)
class Evidence:
    """Activations, gradients and scores of N pictures, and the means to ask for more.

    Attributes:
        activations: (N, *grid, K) A, at least float32.
        score: (N,) S, the scalar being explained.
        seed: seed for whatever a method draws at random.
    """

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

    def each(self) -> Iterator[Evidence]:
        """Yield the evidence of one picture at a time (N = 1), as perturbation methods need it."""
        for i, picture in enumerate(self._pictures):
            part = slice(i, i + 1)
            gradients = None if self._gradients is None else self._gradients[part]
            yield attrs.evolve(
                self,
                activations=self.activations[part],
                score=self.score[part],
                gradients=gradients,
                pictures=(picture,),
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

        Only the part of the model behind the layer is run.  `make` returns (b, *grid, K); the rest is
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

        Only the part of the model behind the layer is run, and of that only what mixes channels.

        Args:
            channels: (L,) int channels of the activations.
            which: as in `score_inputs`.
        """
        source, A, count = self._need_source(), self.activations, len(channels)
        if hasattr(source, "score_without"):
            found: Any = source.score_without(self._only(), A, channels, which, self._telling(count))
            return found
        return self.score_activations(lambda each: ops.without_channels(A, channels[each]), count, which)

    def at(self, images: Any) -> Evidence:
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

    def mean_gradients(self, make: Make, count: int, weights: Any = None, of: Of | None = None) -> Any:
        """Return Σ_i w_i g(x_i) over changed pictures x_i, (1, *space, C); for evidence of one picture.

        Few gradients exist at a time.  At the input (`on = "input"`) g is ∂S/∂x, at a layer ∂S/∂A.

        Args:
            make: as in `score_inputs`.
            count: how many pictures in all.
            weights: (count,) w; 1/count by default.
            of: given the gradients (b, *space, C) in float64 and the indices (b,) of their pictures, returns
                the (b, ...) numbers that are summed in their place, such as their squares.
        """
        w = np.full(count, 1 / count) if weights is None else np.asarray(weights, np.float64)
        made = self._reporting(checked(make, self._picture_shape(), "image inputs"), count)
        total: Any = 0.0
        for start in range(0, count, FEWER):
            indices = np.arange(start, min(start + FEWER, count), dtype=np.int32)
            G = ops.to_numpy(self._need_source().at(self._only(), made(indices))[1]).astype(np.float64)
            total = total + np.tensordot(w[indices], G if of is None else of(G, indices), 1)
        return np.asarray(total[None], np.float32)

    def tail_gradients(self, make: Make, count: int, weights: Any = None) -> Any:
        """Return Σ_i w_i G(A_i) over changed activations A_i, (1, *grid, K); for evidence of one picture.

        Only the part of the model behind the layer is run.  `make` and `count` as in `score_activations`,
        `weights` as in `mean_gradients`.
        """
        w = np.full(count, 1 / count) if weights is None else np.asarray(weights, np.float64)
        made = checked(make, tuple(self.activations.shape[1:]), "activations")
        found = self._need_source().tail_gradients(self._only(), self._reporting(made, count), count)
        return np.asarray(np.tensordot(w, ops.to_numpy(found).astype(np.float64), 1)[None], np.float32)

    def hidden(self, kind: Any, regions: Regions | None = None) -> np.ndarray:
        """Return (B, *space, C) pictures with nothing in them, as the model receives them; B is mostly 1.

        Args:
            kind: "black", "grey" or "white" are pixels, made ready as the picture was; "zero" is 0 in the
                model's input, "mean" each channel's mean, "regionmean" each region's, "blur:10" the picture
                blurred by so many pixels, "noise" uniform and seeded; or an array of the picture's shape, or
                a stack of them.
            regions: for "regionmean".

        Raises:
            OptionError: no such kind.
        """
        source, picture = self._need_source(), self._only()
        found, word = source.absent(picture).hidden(kind, None if regions is None else regions.labels)
        if word:
            source.tell(picture, word)
        return found

    def regions(self, spec: Any) -> Regions:
        """Return the regions that `regions=` means, on the model's input; for evidence of one picture.

        Args:
            spec: "grid:7", "slic:50", an integer array of labels on the user's picture, or a dict of names
                and masks there.

        Raises:
            OptionError: no such regions.
        """
        source, picture = self._need_source(), self._only()
        x = ops.to_numpy(self.inputs)[0]
        if hasattr(source, "fitted"):
            return regions_of(spec, x, lambda labels: source.fitted(picture, labels))
        return regions_of(spec, x, lambda labels: labels)

    def score_kept(
        self, regions: Regions, keep: np.ndarray, hidden: np.ndarray, which: Which = "target"
    ) -> np.ndarray:
        """Return the (L,) scores of the picture with some regions kept, the others hidden; of one picture.

        A model's scores are kept for the other methods of the call that ask for the same.

        Args:
            regions: R of them.
            keep: (L, R) bool.
            hidden: (1, *space, C) what is seen in the place of the others, as `hidden` returns it.
            which: as in `score_inputs`.
        """
        source, keep = self._need_source(), np.asarray(keep, bool)
        if keep.ndim != 2 or keep.shape[1] != regions.count or len(hidden) != 1:
            raise PluginError(
                f"score_kept takes keep of shape (L, {regions.count}) and one hidden picture; received "
                f"{keep.shape} and {len(hidden)}"
            )
        if hasattr(source, "score_kept"):
            found: Any = source.score_kept(
                self._only(), regions, keep, hidden, which, self._telling(len(keep))
            )
            return np.asarray(found)
        x, extra = self.inputs, (kept_labels(regions), hidden)
        rows = with_rest(keep)
        return ops.to_numpy(self.score_inputs(lambda each: kept(x, rows[each], *extra), len(keep), which))

    @classmethod
    def from_arrays(
        cls,
        activations: Any,
        gradients: Any = None,
        score: Any = None,
        *,
        inputs: Any = None,
        score_inputs: Callable[[Any], Any] | None = None,
        score_activations: Callable[[Any], Any] | None = None,
        at: Callable[[Any], tuple[Any, Any, Any]] | None = None,
        tail_gradients: Callable[[Any], Any] | None = None,
        convert: Callable[[np.ndarray], np.ndarray] | None = None,
        seed: int = 0,
    ) -> Evidence:
        """Return evidence made of arrays and plain functions: a method is tested without TensorFlow.

        As in evidence of a model, half precision is widened to float32 and float64 stays; so are the answers
        of the functions.

        Args:
            activations: (N, *grid, K).
            gradients: the same shape, for gradient methods.
            score: (N,); zeros by default.
            inputs: (N, *space, C) image inputs.
            score_inputs: (b, *space, C) -> (b,) scores.
            score_activations: (b, *grid, K) -> (b,) scores.
            at: (M, *space, C) -> (activations, gradients, score).
            tail_gradients: (b, *grid, K) -> (b, *grid, K) gradients there.
            convert: (N, h, w, C) pixels, 0 to 255, to image inputs, for hidden pictures.
            seed: seed for methods that draw at random.
        """
        count = int(activations.shape[0])
        source = ArraySource(inputs, score_inputs, score_activations, at, tail_gradients, convert, seed=seed)
        score = np.zeros(count, np.float32) if score is None else wide(score)
        gradients = None if gradients is None else wide(gradients)
        return cls(wide(activations), score, seed, gradients, source, tuple(range(count)))

    def _need_source(self) -> Source:
        if self._source is None:
            raise PluginError("this evidence cannot be asked for more: it has no model behind it")
        return self._source

    def _picture_shape(self) -> tuple[int, ...] | None:
        source = self._need_source()
        if isinstance(source, ArraySource) and source.inputs is None:
            return None
        return tuple(source.images().shape[1:])

    def _only(self) -> int:
        if len(self._pictures) != 1:
            raise PluginError(
                f"scores are asked for one picture at a time, and this evidence has {len(self._pictures)}; "
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
