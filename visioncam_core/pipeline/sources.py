"""Where scores and gradients of an evidence come from; one source is made of plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.records import Make, Reading
from visioncam_core.errors import PluginError
from visioncam_core.images.regions import Regions
from visioncam_core.ops import wide
from visioncam_core.pipeline.attention import Attention
from visioncam_core.pipeline.hidden import Absent

Tell = Callable[[int], None]
"""Called with the number of versions that are done."""
Which = Literal["target", "probability", "remainder"]
"""The scalar explained, its class's probability, or 1 minus it: the others' sum, exact near 0."""


class Source(Protocol):
    """Where further scores come from: a model's passes, or plain functions in a test.

    It may have `score_changed`, `score_without` and `score_kept` as `Evidence` has them, where it has a
    faster way, and `fitted(picture, labels)`, which brings labels from the user's picture to the input.
    """

    def images(self) -> Any:
        """Return (N, *space, C) image inputs, channels last."""

    def score_inputs(self, picture: int, make: Make, count: int, which: Which) -> Any:
        """Return (count,) scores of changed image inputs of one picture."""

    def score_activations(self, picture: int, make: Make, count: int, which: Which) -> Any:
        """Return (count,) scores of changed activations of one picture."""

    def at(self, picture: int, images: Any) -> tuple[Any, Any, Any]:
        """Return (activations, gradients, score) at other image inputs, for one picture's target."""

    def tail_gradients(self, picture: int, make: Make, count: int) -> Any:
        """Return (count, *grid, K) gradients at other activations of one picture, for its target."""

    def absent(self, picture: int) -> Absent:
        """Return what hidden pictures are made from."""

    def tell(self, picture: int, word: str) -> None:
        """Take note of what the reader of one picture's map should know."""


@attrs.frozen(eq=False)
class ArraySource:
    """A source made of plain functions; see `Evidence.from_arrays`."""

    inputs: Any
    by_inputs: Callable[[Any], Any] | None
    by_activations: Callable[[Any], Any] | None
    elsewhere: Callable[[Any], tuple[Any, Any, Any]] | None
    behind: Callable[[Any], Any] | None = None
    convert: Callable[[np.ndarray], np.ndarray] | None = None
    attended: Attention | None = None
    told: list[tuple[int, str]] = attrs.field(factory=list)
    seed: int = 0

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

    def tail_gradients(self, picture: int, make: Make, count: int) -> Any:
        """Call the function given."""
        return wide(_given(self.behind, "tail_gradients")(make(np.arange(count, dtype=np.int32))))

    def absent(self, picture: int) -> Absent:
        """Return what hidden pictures are made from."""
        return Absent(ops.to_numpy(self.images())[picture : picture + 1], self.convert, self.seed)

    def attention(self, reading: Reading | None, grid: tuple[int, ...]) -> Attention:
        """Return what was given."""
        found: Attention = _given(self.attended, "attention")
        return found

    def tell(self, picture: int, word: str) -> None:
        """Take note of it in `told`."""
        self.told.append((picture, word))


def kept(x: Any, keep: Any, labels: Any, hidden: Any) -> Any:
    """Return the picture (1, *space, C) where regions are kept, else `hidden`; see `Evidence.score_kept`.

    `keep` is (b, R + 1), its last column 1, and `labels` (*space) are between 0 and R.
    """
    xp = ops.backend(keep)
    on = xp.take(keep, xp.reshape(labels, (-1,)), axis=1)
    return xp.where(xp.reshape(on, (-1, *labels.shape, 1)) > 0.5, x, hidden)


def kept_labels(regions: Regions) -> np.ndarray:
    return np.where(regions.labels < 0, regions.count, regions.labels).astype(np.int32)


def with_rest(keep: np.ndarray) -> np.ndarray:
    """Return (L, R + 1) float32: what belongs to no region is always kept."""
    return np.concatenate([keep, np.ones((len(keep), 1), bool)], axis=1).astype(np.float32)


def _given(value: Any, name: str) -> Any:
    if value is None:
        raise PluginError(f"this method needs {name}; pass {name}= to Evidence.from_arrays")
    return value


def checked(make: Make, shape: tuple[int, ...] | None, what: str) -> Make:
    """Return the same function, which refuses versions of another number or shape before the model runs."""

    def made(indices: np.ndarray) -> Any:
        versions = make(indices)
        received = tuple(getattr(versions, "shape", ()))
        if received[:1] != (len(indices),) or (shape is not None and received[1:] != shape):
            one = "..." if shape is None else ", ".join(map(str, shape))
            raise ValueError(
                f"make(indices) returned {what} of shape {received} for {len(indices)} indices; one version "
                f"for each index is ({len(indices)}, {one})"
            )
        return versions

    return made
