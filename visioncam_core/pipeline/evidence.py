"""Evidence: what a method may look at.  Computed once, shared by every method that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, Protocol

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.records import Change, Make, Reading
from visioncam_core.errors import PluginError
from visioncam_core.ops import wide
from visioncam_core.pipeline.attention import Attention
from visioncam_core.progress import Progress

Tell = Callable[[int], None]
"""Called with the number of versions that are done."""
Which = Literal["target", "probability", "remainder"]
"""The scalar explained, its class's probability, or 1 minus it: the others' sum, exact near 0."""


class Source(Protocol):
    """Where further scores come from: a model's passes, or plain functions in a test.

    It may have `score_changed` and `score_without` as `Evidence` has them, where it has a faster way, and
    `attention(reading, grid)` of all pictures.
    """

    def images(self) -> Any:
        """Return (N, *space, C) image inputs, channels last."""

    def score_inputs(self, picture: int, make: Make, count: int, which: Which) -> Any:
        """Return (count,) scores of changed image inputs of one picture."""

    def score_activations(self, picture: int, make: Make, count: int, which: Which) -> Any:
        """Return (count,) scores of changed activations of one picture."""

    def at(self, picture: int, images: Any) -> tuple[Any, Any, Any]:
        """Return (activations, gradients, score) at other image inputs, for one picture's target."""


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
        made = _checked(make, self._picture_shape(), "image inputs")
        return self._need_source().score_inputs(self._only(), self._reporting(made, count), count, which)

    def score_activations(self, make: Make, count: int, which: Which = "target") -> Any:
        """Return the (count,) scores of changed activations; for evidence of one picture.

        Only the part of the model behind the layer is run.  `make` returns (b, *grid, K); the rest is
        as in `score_inputs`.
        """
        made = _checked(make, tuple(self.activations.shape[1:]), "activations")
        return self._need_source().score_activations(self._only(), self._reporting(made, count), count, which)

    def score_changed(self, change: Change, maps: Any, which: Which = "target") -> Any:
        """Return the (L,) scores of the picture changed by each of L maps; for evidence of one picture.

        Args:
            change: given the picture (1, *space, C) as the model receives it, channels last, and maps
                (b, *grid), returns the b changed pictures (b, *space, C).  It becomes part of a graph, so
                it is written in `visioncam_core.ops`, and is best a function of a module: the graph is
                kept for it, with what it held and read when it was first called (a model is then not freed).
            maps: (L, *grid).
            which: as in `score_inputs`.
        """
        source, count = self._need_source(), int(maps.shape[0])
        if hasattr(source, "score_changed"):
            found: Any = source.score_changed(self._only(), change, maps, which, self._telling(count))
            return found
        x = self.inputs
        return self.score_inputs(
            lambda each: change(x, ops.backend(maps).take(maps, each, axis=0)), count, which
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
        attention: Attention | None = None,
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
            attention: what `evidence.attention` returns, with whatever gradients the method asks for.
            seed: seed for methods that draw at random.
        """
        count = int(activations.shape[0])
        source = ArraySource(inputs, score_inputs, score_activations, at, attention)
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

    def attention(self, reading: Reading | None = None) -> Attention:
        """Return the attention A_l of every block, or raise `LayerError`: there is none on this grid.

        Gradients: "score" ∂S/∂A_l; "blocks" ∂s_l/∂A_l, s_l read off block l; "mean" off its tokens' mean.
        """
        source: Any = self._need_source()
        found: Attention = source.attention(reading, tuple(self.activations.shape[1:-1]))
        return found[self._pictures[0] : self._pictures[-1] + 1]


def _checked(make: Make, shape: tuple[int, ...] | None, what: str) -> Make:
    """Return the same function, which refuses versions of another number or shape before the model runs."""

    def checked(indices: np.ndarray) -> Any:
        made = make(indices)
        received = tuple(getattr(made, "shape", ()))
        if received[:1] != (len(indices),) or (shape is not None and received[1:] != shape):
            one = "..." if shape is None else ", ".join(map(str, shape))
            raise ValueError(
                f"make(indices) returned {what} of shape {received} for {len(indices)} indices; one version "
                f"for each index is ({len(indices)}, {one})"
            )
        return made

    return checked


@attrs.frozen(eq=False)
class ArraySource:
    """A source made of plain functions; see `Evidence.from_arrays`."""

    inputs: Any
    by_inputs: Callable[[Any], Any] | None
    by_activations: Callable[[Any], Any] | None
    elsewhere: Callable[[Any], tuple[Any, Any, Any]] | None
    attended: Attention | None = None

    def images(self) -> Any:
        """Return the image inputs given."""
        return _given(self.inputs, "inputs")

    def score_inputs(self, picture: int, make: Make, count: int, which: Which) -> Any:
        """Score all versions at once."""
        return wide(_given(self.by_inputs, "score_inputs")(make(np.arange(count, dtype=np.int32))))

    def score_activations(self, picture: int, make: Make, count: int, which: Which) -> Any:
        """Score all versions at once."""
        return wide(_given(self.by_activations, "score_activations")(make(np.arange(count, dtype=np.int32))))

    def at(self, picture: int, images: Any) -> tuple[Any, Any, Any]:
        """Call the function given."""
        activations, gradients, score = _given(self.elsewhere, "at")(images)
        return wide(activations), wide(gradients), wide(score)

    def attention(self, reading: Reading | None, grid: tuple[int, ...]) -> Attention:
        """Return what was given."""
        return _given(self.attended, "attention")


def _given(value: Any, name: str) -> Any:
    if value is None:
        raise PluginError(f"this method asks for {name}; pass {name}= to Evidence.from_arrays")
    return value
