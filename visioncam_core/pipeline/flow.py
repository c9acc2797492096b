"""How far the gradient of the score reaches into a layer, seen while a method looks at it."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.pipeline.apply import Named
from visioncam_core.pipeline.evidence import Evidence


@attrs.define(eq=False)
class Flow:
    """A method that is watched: what gradients it was given.

    Attributes:
        method: the method.
    """

    method: Named
    _positions: list[np.ndarray] = attrs.field(factory=list)
    _channels: list[np.ndarray] = attrs.field(factory=list)
    _largest: float = 0.0

    @property
    def named(self) -> Named:
        """The same method, watched."""
        return attrs.evolve(self.method, method=_Watched(self.method.method, self._see))

    def told(self) -> str:
        """Return what was seen, in one line; of the last layer where there are several."""
        if not self._positions:
            return f"{self.method.name} asks for none"
        positions, channels = self._positions[-1], self._channels[-1]
        return (
            f"reaches {positions.mean():.0%} of {positions.size} positions and {channels.mean():.0%} of "
            f"{channels.size} channels, up to {self._largest:.3g}"
        )

    def _see(self, evidence: Evidence) -> None:
        if "gradients" not in self.method.needs or not evidence.has_gradients:
            return
        gradients = np.abs(ops.to_numpy(evidence.gradients)[0])
        flat = gradients.reshape(-1, gradients.shape[-1]) > 0
        self._positions.append(flat.any(axis=1))
        self._channels.append(flat.any(axis=0))
        self._largest = float(np.nan_to_num(gradients).max(initial=0.0))


class _Watched:
    """A method that tells what it is given; in all else the method itself."""

    def __init__(self, method: Any, see: Any) -> None:
        self._method, self._see = method, see

    def __call__(self, evidence: Evidence) -> Any:
        self._see(evidence)
        return self._method(evidence)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._method, name)
