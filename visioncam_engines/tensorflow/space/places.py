"""Where the layers of a traced model look: a walk through it from each input that could be the picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from math import prod
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.graph.placing import MOST_WEIGHTS, placement_of
from visioncam_core.engine.layer_table import LayerRow
from visioncam_core.engine.layouts import side_by_side
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.space import Space, of_picture
from visioncam_core.resize import STRETCHED, Placement
from visioncam_engines.tensorflow.graph import functions as cuts
from visioncam_engines.tensorflow.graph.graph import COPIES, ancestors, descendants
from visioncam_engines.tensorflow.graph.inlining import CALLS
from visioncam_engines.tensorflow.space import mixing, moving, sliding  # noqa: F401 - rules
from visioncam_engines.tensorflow.space.shapes import body, closed_shapes
from visioncam_engines.tensorflow.space.walk import Centres, follow
from visioncam_engines.tensorflow.tracing.trace_model import Trace

KERNELS = ("Conv2D", "Conv3D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "Conv3DBackpropInputV2")


@attrs.define(eq=False, slots=False)
class Places:
    """Where positions lie, for pictures of one size.

    Attributes:
        trace: the traced model.
        inputs: which of its inputs could be pictures.
        sizes: of those, without the batch.
    """

    trace: Trace
    inputs: ModelInputs
    sizes: dict[int, tuple[int, ...]]
    _walked: tuple[bytes, dict[int, dict[int, Space]]] = (b"-", {})
    _found: dict[tuple[str, str, bytes], Placement] = attrs.field(factory=dict)

    @cached_property
    def walks(self) -> dict[int, dict[int, Space]]:
        """Position of an input -> id of a tensor -> where the tensor is in that picture, by geometry."""
        return self._followed(lambda name: None)

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
        self, row: LayerRow, name: str, energies: Mapping[str, np.ndarray], key: bytes
    ) -> Placement:
        source = next(
            (i for i in (self.inputs.image, *self.sizes) if i in row.inputs and i in self.sizes), None
        )
        record = self.trace.by_path.get(row.path)
        if source is None or record is None or row.layout is None or not row.shape:
            return STRETCHED
        size = self.sizes[source]
        image = size[1:] if self.inputs.channels_first else size[:-1]
        walks = self._walks(energies, key) if energies else self.walks
        space = side_by_side([walks[source].get(id(tensor)) for tensor in record.tensors])
        return placement_of(row, name, space, image)

    def _followed(self, centres: Centres) -> dict[int, dict[int, Space]]:
        tensors = list(self.trace.inputs)
        every = [self.sizes.get(i, tuple(tensor.shape)[1:]) for i, tensor in enumerate(tensors)]
        shapes: list[dict[str, tuple[int, ...]]] = []

        def closed() -> dict[str, tuple[int, ...]]:
            if not shapes:
                shapes.append(closed_shapes(self.trace.graph, tensors, every))
            return shapes[0]

        always = any(None in tuple(tensor.shape)[1:] for tensor in tensors)
        goals = [tensor for one in self.trace.records if not one.inside for tensor in one.tensors]
        first = self.inputs.channels_first
        return {
            i: follow(goals, [(tensors[i], of_picture(size, first))], closed, always, centres)
            for i, size in self.sizes.items()
        }

    def _walks(self, energies: Mapping[str, np.ndarray], key: bytes) -> dict[int, dict[int, Space]]:
        """Return the walks with every kernel looking where the energy of its weights lies."""
        if self._walked[0] != key:
            centres = {name: _centre(energy) for name, energy in energies.items()}
            self._walked = key, self._followed(centres.get)
        return self._walked[1]

    def _energies(self) -> dict[str, np.ndarray]:
        """Return name of an operation -> energy of each tap of its kernel, Σ w² over channels."""
        taps, run = cuts.once(self.trace, "energies", lambda: _energies_of(self.trace))
        if not taps:
            return {}
        every = np.split(np.asarray(run()[0]), np.cumsum([prod(shape) for shape in taps.values()])[:-1])
        return {name: one.reshape(shape) for (name, shape), one in zip(taps.items(), every, strict=True)}


def _centre(energy: np.ndarray) -> np.ndarray:
    """Return the centre of a kernel's energy, Σ tap·w² / Σ w², one an axis; the middle of none, or of NaN."""
    if not 0 < energy.sum() < np.inf:
        energy = np.ones_like(energy)
    axes = range(energy.ndim)
    lines = [energy.sum(axis=tuple(other for other in axes if other != axis)) for axis in axes]
    return np.asarray([(np.arange(len(line), dtype=np.float32) * line).sum() / line.sum() for line in lines])


def _energies_of(trace: Trace) -> tuple[dict[str, tuple[int, ...]], Any]:
    """Return the taps of each operation with a kernel, and the function of the energies of all of them."""
    import tensorflow as tf

    goals = [tensor for one in trace.records if not one.inside for tensor in one.tensors]
    from_input = descendants(list(trace.inputs))
    kernels = {
        name: (source, kernel)
        for op in ancestors(goals).values()
        for name, source, kernel in _kernels(op)
        if id(source) not in from_input
    }

    def energies() -> tuple[list[Any], list[Any]]:
        return [], [tf.concat([_energy(source, kernel) for source, kernel in kernels.values()], 0)]

    taps = {name: tuple(kernel.shape[:-2]) for name, (_, kernel) in kernels.items()}
    return taps, cuts.cut(trace, "energies of kernels", energies) if kernels else None


def _kernels(op: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the name, what the kernel is read from, and the kernel, of an operation or of those it calls."""
    if op.type in KERNELS:
        kernel = op.inputs[1]
        if kernel.shape.is_fully_defined() and prod(kernel.shape[:-2]) > 1:
            yield op.name, kernel, kernel
    elif op.type in CALLS and (called := body(op)) is not None:
        given = {id(one): tensor for one, tensor in zip(called.inputs, op.inputs, strict=True)}
        for inner in called.get_operations():
            for name, source, kernel in _kernels(inner):
                while source.op.type in (*COPIES, "ReadVariableOp"):
                    source = source.op.inputs[0]
                if id(source) in given:
                    yield f"{op.name}/{name}", given[id(source)], kernel


def _energy(source: Any, like: Any) -> Any:
    """Return the symbolic energy of each tap of a kernel, Σ w² over channels, as one row."""
    import tensorflow as tf

    kernel = source
    if source.dtype == tf.resource:
        kernel = tf.raw_ops.ReadVariableOp(resource=source, dtype=like.dtype)
        kernel = tf.ensure_shape(kernel, like.shape)
    channels = max(MOST_WEIGHTS * kernel.shape[-2] // prod(kernel.shape), 1)
    energy = tf.square(tf.cast(kernel[..., :channels, :], tf.float32))
    return tf.reshape(tf.reduce_sum(energy, axis=[-2, -1]), [-1])
