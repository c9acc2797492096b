"""A small network in NumPy, in closed form: evidence for any method, without TensorFlow."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.records import Make
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.pipeline.sources import ArraySource, Which


@attrs.frozen(eq=False)
class ArrayNet:
    """A two-part network whose activations, score and gradient are known exactly.

    Notes:
        P = mean of x over blocks of 2 along every spatial axis
        A_p = max(P_p E, 0)                                        the layer that is explained
        S = λ Σ_p q_p Σ_h r_h max(A_p·V_h + c_h, 0)                 the score
        G_p = ∂S/∂A_p = λ q_p Σ_h r_h V_h  over the h with A_p·V_h + c_h > 0

        x: (N, *space, C), every axis of `space` twice that of `grid`; A and G: (N, *grid, K).

    Attributes:
        E: (C, K) from the picture's channels to the layer's.
        V: (K, H) from the layer's channels to the hidden ones.
        r: (H,) weights of the hidden channels in the score.
        q: (*grid) weights of the positions in the score.
        c: (H,) biases of the hidden channels, or 0.
        scale: λ, a factor on the score.
        signed: leave out the ReLU that makes A ≥ 0.
    """

    E: np.ndarray
    V: np.ndarray
    r: np.ndarray
    q: np.ndarray
    c: Any = 0.0
    scale: float = 1.0
    signed: bool = False

    @classmethod
    def random(
        cls,
        grid: tuple[int, ...] = (3, 5),
        channels: int = 6,
        seed: int = 0,
        *,
        biases: bool = False,
        signed: bool = False,
    ) -> ArrayNet:
        """Return a net with random weights, positive and negative, for pictures of 3 channels.

        Args:
            grid: positions along one, two or three axes.
            channels: K.
            seed: of the weights.
            biases: whether the hidden channels have biases.
            signed: whether activations may be negative.
        """
        rng = np.random.default_rng(seed)
        return cls(
            E=rng.normal(size=(3, channels)),
            V=rng.normal(size=(channels, 7)),
            r=rng.normal(size=7) + 0.3,
            q=rng.normal(size=grid) + 0.7,
            c=rng.normal(size=7) if biases else 0.0,
            signed=signed,
        )

    @property
    def grid(self) -> tuple[int, ...]:
        """Positions along each axis."""
        return tuple(self.q.shape)

    def pictures(self, count: int = 1, seed: int = 0) -> np.ndarray:
        """Return (count, *space, C) random pictures with values from −0.5 to 1."""
        space = [2 * n for n in self.grid]
        return np.random.default_rng(1000 + seed).uniform(-0.5, 1.0, (count, *space, len(self.E)))

    def activations(self, x: np.ndarray) -> np.ndarray:
        """Return A, (N, *grid, K), of pictures (N, *space, C)."""
        blocks = [part for n in self.grid for part in (n, 2)]
        pooled = x.reshape(len(x), *blocks, x.shape[-1]).mean(axis=tuple(range(2, 2 * len(self.grid) + 1, 2)))
        A: np.ndarray = pooled @ self.E
        return A if self.signed else np.maximum(A, 0)

    def tail(self, A: np.ndarray) -> np.ndarray:
        """Return S, (N,), of activations."""
        hidden = np.maximum(A @ self.V + self.c, 0) @ self.r
        score: np.ndarray = self.scale * (hidden * self.q).reshape(len(A), -1).sum(axis=1)
        return score

    def gradients(self, A: np.ndarray) -> np.ndarray:
        """Return G = ∂S/∂A, the shape of A."""
        on = (A @ self.V + self.c > 0) * self.r
        slope: np.ndarray = self.scale * self.q[..., None] * (on @ self.V.T)
        return slope

    def score(self, x: np.ndarray) -> np.ndarray:
        """Return S, (N,), of pictures."""
        return self.tail(self.activations(x))

    def at(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (A, G, S) of pictures."""
        A = self.activations(x)
        return A, self.gradients(A), self.tail(A)

    def at_pictures(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (x, ∂S/∂x, S) of pictures: what `at` is where the layer is the picture itself."""
        A, G, S = self.at(x)
        g = (G if self.signed else G * (A > 0)) @ self.E.T
        for axis in range(1, x.ndim - 1):
            g = np.repeat(g, 2, axis=axis) / 2
        return x, g, S

    def evidence(
        self, x: np.ndarray, *, gradients: bool = True, seed: int = 0, on: str = "layer"
    ) -> Evidence:
        """Return the evidence of pictures (N, *space, C).

        Args:
            x: the pictures.
            gradients: whether to include them, as the engine does for methods that need them.
            seed: for methods that draw at random.
            on: "layer", or "input" for a method whose map lies on the picture itself.
        """
        layer = on == "layer"
        A, G, S = self.at(x) if layer else self.at_pictures(x)
        return Evidence.from_arrays(
            A,
            G if gradients else None,
            S,
            inputs=x,
            score_inputs=self.score,
            score_activations=self.tail if layer else None,
            at=self.at if layer else self.at_pictures,
            tail_gradients=self.gradients if layer else None,
            seed=seed,
        )

    def in_chunks(self, x: np.ndarray, size: int, *, gradients: bool = True, on: str = "layer") -> Evidence:
        """Return the same evidence, except that versions are scored `size` at a time, as the engine does."""
        evidence = self.evidence(x, gradients=gradients, on=on)
        assert isinstance(evidence._source, ArraySource)
        fields = attrs.asdict(evidence._source, recurse=False)
        return attrs.evolve(evidence, source=_ChunkSource(**fields, size=size))

    def permuted(self, order: np.ndarray) -> ArrayNet:
        """Return the same function with the layer's channels in another order."""
        return attrs.evolve(self, E=self.E[:, order], V=self.V[order])

    def flipped(self) -> ArrayNet:
        """Return the net that gives pictures flipped along their last axis this one's score."""
        return attrs.evolve(self, q=self.q[..., ::-1])


@attrs.frozen(eq=False)
class _ChunkSource(ArraySource):
    """A source that makes and scores `size` versions at a time, as the engine does."""

    size: int = attrs.field(kw_only=True)

    def score_inputs(self, picture: int, make: Make, count: int, which: Which) -> Any:
        return self._in_chunks(super().score_inputs, picture, make, count, which)

    def score_activations(self, picture: int, make: Make, count: int, which: Which) -> Any:
        return self._in_chunks(super().score_activations, picture, make, count, which)

    def _in_chunks(self, score: Any, picture: int, make: Make, count: int, which: Which) -> Any:
        chunks = np.split(np.arange(count, dtype=np.int32), range(self.size, count, self.size))
        scores = [score(picture, lambda k, own=own: make(own[k]), len(own), which) for own in chunks]
        return np.concatenate(scores)
