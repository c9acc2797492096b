"""Where the layers of a model on tape look: a walk along it from each input that could be the picture."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from math import prod
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.graph.placing import MOST_WEIGHTS, placement_of
from visioncam_core.engine.layer_table import LayerRow
from visioncam_core.engine.space import Space, of_picture
from visioncam_core.resize import STRETCHED, Placement
from visioncam_engines.torch.mark import sampled
from visioncam_engines.torch.space import mixing, moving, sliding  # noqa: F401 - rules
from visioncam_engines.torch.space.walk import Centres, follow
from visioncam_engines.torch.tape.model_trace import Trace, at_rest
from visioncam_engines.torch.tape.records import Ref

KERNELS = frozenset(f"conv{kind}{rank}d" for kind in ("", "_transpose") for rank in (1, 2, 3))


@attrs.define(eq=False, slots=False)
class Places:
    """Where positions lie.

    Attributes:
        trace: the model on tape.
        image: position of the image input.
        images: positions of all inputs that could be the picture.
        channels_first: whether they are (K, *space).
    """

    trace: Trace
    image: int
    images: tuple[int, ...]
    channels_first: bool
    _walked: tuple[bytes, dict[int, dict[int, Space]]] = (b"-", {})
    _known: tuple[Any, dict[int, np.ndarray]] | None = None  # how the kernels looked, and their energies
    _found: dict[tuple[str, str, bytes], Placement] = attrs.field(factory=dict)

    @cached_property
    def walks(self) -> dict[int, dict[int, Space]]:
        """Position of an input -> value -> where the value is in that picture, by geometry."""
        return self._followed({})

    def space(self, i: int) -> tuple[int, ...]:
        """Return the lengths of an input's spatial axes."""
        shape = self.trace.shapes[self.trace.inputs[i]][1:]
        return shape[1:] if self.channels_first else shape[:-1]

    def placement(self, row: LayerRow, name: str) -> Placement:
        """Return where the positions of a row lie; by the weights as they are now."""
        energies = self._energies() if name == "effective" else {}
        key = b"".join(one.tobytes() for one in energies.values())
        with self.trace.lock:
            if (row.path, name, key) not in self._found:
                for old in [one for one in self._found if one[2] not in (b"", key)]:
                    del self._found[old]  # of other weights
                self._found[row.path, name, key] = self._placement(row, name, energies, key)
            return self._found[row.path, name, key]

    def _placement(
        self, row: LayerRow, name: str, energies: Mapping[int, np.ndarray], key: bytes
    ) -> Placement:
        sources = (i for i in (self.image, *self.images) if i in row.inputs and i in self.images)
        source = next(sources, None)
        record = next((one for one in self.trace.records if one.path == row.path), None)
        if source is None or record is None or not row.shape:
            return STRETCHED
        if energies and self._walked[0] != key:
            looks = {number: _centre(energy) for number, energy in energies.items()}
            self._walked = key, self._followed(looks)
        walks = self._walked[1] if energies else self.walks
        return placement_of(row, name, walks[source].get(record.value), self.space(source))

    def _followed(self, centres: Centres) -> dict[int, dict[int, Space]]:
        trace = self.trace
        return {
            i: follow(trace, value, of_picture(trace.shapes[value][1:], self.channels_first), centres)
            for i, value in ((i, trace.inputs[i]) for i in self.images)
        }

    @cached_property
    def _kernels(self) -> list[tuple[int, Any]]:
        """Number of a step -> its kernel, or the value of one that is computed from weights."""
        found = []
        for number, node in enumerate(self.trace.nodes):
            weight = node.args[1] if len(node.args) > 1 else node.kwargs.get("weight")
            if node.name not in KERNELS or weight is None:
                continue
            known = weight.index not in self.trace.moving if isinstance(weight, Ref) else True
            shape = self.trace.shapes[weight.index] if isinstance(weight, Ref) else tuple(weight.shape)
            if known and prod(shape[2:]) > 1:
                found.append((number, weight))
        return found

    def _energies(self) -> dict[int, np.ndarray]:
        """Return number of a step -> energy of each tap of its kernel, Σ w² over channels.

        Where the weights look as they did, what is known; on a device a look would cost as much.
        """
        if not self._kernels:
            return {}
        trace = self.trace
        computed = [one.index for _, one in self._kernels if isinstance(one, Ref)]
        kernels = [trace.replaced.get(id(one), one) for _, one in self._kernels if not isinstance(one, Ref)]
        if computed or any(one.device.type != "cpu" for one in kernels):
            return self._read(computed)
        looks = [*map(id, kernels)], sampled(kernels)
        if self._known is None or self._known[0] != looks:
            self._known = looks, self._read([])
        return self._known[1]

    def _read(self, computed: list[int]) -> dict[int, np.ndarray]:
        trace = self.trace
        with at_rest():
            made = dict(zip(computed, trace.cut([], computed)(1) if computed else (), strict=True))
            return {
                number: _energy(made[one.index] if isinstance(one, Ref) else trace.replaced.get(id(one), one))
                for number, one in self._kernels
            }


def _energy(kernel: Any) -> np.ndarray:
    channels = max(MOST_WEIGHTS * kernel.shape[1] // kernel.numel(), 1)
    energy: np.ndarray = kernel.detach()[:, :channels].float().square().sum((0, 1)).cpu().numpy()
    return energy


def _centre(energy: np.ndarray) -> np.ndarray:
    """Return the centre of a kernel's energy, Σ tap·w² / Σ w², one an axis; the middle of none, or of NaN."""
    energy = energy.astype(np.float64)
    if not (np.isfinite(energy).all() and energy.sum() > 0):
        energy = np.ones_like(energy)
    axes = range(energy.ndim)
    lines = [energy.sum(axis=tuple(other for other in axes if other != axis)) for axis in axes]
    return np.array([(np.arange(len(line)) * line).sum() / line.sum() for line in lines])
