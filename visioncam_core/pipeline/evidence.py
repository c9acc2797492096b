"""Evidence: what a method may read.  Computed once, shared by all methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.batches import FEWER
from visioncam_core.engine.records import Make, Reading
from visioncam_core.errors import PluginError
from visioncam_core.images.regions import Regions, regions_of
from visioncam_core.ops import wide
from visioncam_core.pipeline.attention import Attention
from visioncam_core.pipeline.observed import Observed
from visioncam_core.pipeline.sources import (
    ArraySource,
    Which,
    checked,
    kept,
    kept_labels,
    with_rest,
)

Of = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(gradients (b, *space, C), indices (b,)) -> (b, ...) what is averaged; see `Evidence.mean_gradients`."""


@attrs.frozen(eq=False)
class Evidence(Observed):
    """Activations, gradients and scores of N pictures, and ways to get more.

    Attributes:
        activations: (N, *grid, K) A, at least float32.
        score: (N,) S, the scalar being explained.
        seed: seed of a method's random numbers.
    """

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
        w = _weights(weights, count)
        made = self._reporting(checked(make, self._picture_shape(), "image inputs"), count)
        total: Any = 0.0
        for start in range(0, count, FEWER):
            indices = np.arange(start, min(start + FEWER, count), dtype=np.int32)
            G = ops.to_numpy(self._need_source().at(self._only(), made(indices))[1])
            G = G if of is None else of(G.astype(np.float64), indices)
            total = total + np.einsum("n,n...->...", w[indices], G, dtype=np.float64)
        return np.asarray(total[None], np.float32)

    def tail_gradients(self, make: Make, count: int, weights: Any = None) -> Any:
        """Return Σ_i w_i G(A_i) over changed activations A_i, (1, *grid, K); for evidence of one picture.

        Only the part of the model after the layer is run.  `make` and `count` as in `score_activations`,
        `weights` as in `mean_gradients`.
        """
        w = _weights(weights, count)
        made = checked(make, tuple(self.activations.shape[1:]), "activations")
        found = self._need_source().tail_gradients(self._only(), self._reporting(made, count), count)
        return np.asarray(np.tensordot(w, ops.to_numpy(found).astype(np.float64), 1)[None], np.float32)

    def hidden(self, kind: Any, regions: Regions | None = None) -> np.ndarray:
        """Return (B, *space, C) pictures with nothing in them, as the model receives them; B is mostly 1.

        Args:
            kind: "black", "grey" or "white" are pixels, preprocessed like the picture; "zero" is 0 in the
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

        A model's scores are kept for the other methods of the call that need the same.

        Args:
            regions: R of them.
            keep: (L, R) bool.
            hidden: (1, *space, C) what replaces the others, as `hidden` returns it.
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

    def attention(self, reading: Reading | None = None) -> Attention:
        """Return the attention A_l of every block, or raise `LayerError`: there is none on this grid.

        Gradients: "score" ∂S/∂A_l; "blocks" ∂s_l/∂A_l, s_l read off block l; "mean" off its tokens' mean.
        """
        source: Any = self._need_source()
        found: Attention = source.attention(reading, tuple(self.activations.shape[1:-1]))
        return found[self._pictures[0] : self._pictures[-1] + 1]

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
            tail_gradients: (b, *grid, K) -> (b, *grid, K) gradients there.
            convert: (N, h, w, C) pixels, 0 to 255, to image inputs, for hidden pictures.
            attention: what `evidence.attention` returns, with the gradients the method needs.
            seed: seed for methods that draw at random.
        """
        count = int(activations.shape[0])
        source = ArraySource(
            inputs, score_inputs, score_activations, at, tail_gradients, convert, attention, seed=seed
        )
        score = np.zeros(count, np.float32) if score is None else wide(score)
        gradients = None if gradients is None else wide(gradients)
        return cls(wide(activations), score, seed, gradients, source, tuple(range(count)))


def _weights(weights: Any, count: int) -> np.ndarray:
    return np.full(count, 1 / count) if weights is None else np.asarray(weights, np.float64)
