"""The table of a traced model: every unit's output, where its positions lie, and what can be explained."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.graph.placing import MOST_WEIGHTS, going_on, placement_of
from visioncam_core.engine.graph.rows import Output, rows_of
from visioncam_core.engine.layer_table import LayerRow, LayerTable
from visioncam_core.engine.layouts import side_by_side
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.space import Space, of_picture
from visioncam_core.resize import STRETCHED, Placement
from visioncam_engines.jax.graph import COPIES, SHAPES, Graph, Step, Value
from visioncam_engines.jax.score import JaxScore
from visioncam_engines.jax.space import moving as _moving  # noqa: F401 - rules
from visioncam_engines.jax.space import sliding
from visioncam_engines.jax.space.walk import Looks, follow
from visioncam_engines.jax.tracing import Trace
from visioncam_engines.keras.recording import walk
from visioncam_engines.keras.records import Recorded

SUMS = ("dot_general", "reduce_sum", "reduce_max", "reduce_min", "reduce_prod")
KEPT = frozenset((*COPIES, "add", "add_any", "reshape", "broadcast_in_dim"))


@attrs.define(eq=False, slots=False)
class Places:
    """Where positions lie, for pictures of one size.

    Attributes:
        trace: the traced model.
        inputs: which of its inputs could be pictures.
    """

    trace: Trace
    inputs: ModelInputs
    _walked: tuple[bytes, dict[int, dict[Value, Space]]] = (b"-", {})
    _found: dict[tuple[str, str, bytes], Placement] = attrs.field(factory=dict)
    _centres: tuple[list[Any], dict[Step, np.ndarray], bytes] = ([], {}, b"")

    @cached_property
    def walks(self) -> dict[int, dict[Value, Space]]:
        """Position of an input -> value -> where that is in the picture, by geometry."""
        return self._followed({})

    def image(self, source: int) -> tuple[int, ...]:
        """Return the lengths of a picture's axes."""
        shape = self.trace.graph.inputs[source].shape[1:]
        return shape[1:] if self.inputs.channels_first else shape[:-1]

    def batch_axis(self, value: Value) -> int | None:
        """Return which axis of a value is the batch; None where windows or heads were folded into it."""
        for walked in self.walks.values():
            space = walked.get(value)
            if space is None:
                continue
            batch = [i for i, axis in enumerate(space.axes) if axis.batch]
            if batch:
                return batch[0] if space.axes[batch[0]].size == 1 else None
        return 0 if value.shape[:1] == (1,) else None

    def placement(self, row: LayerRow, name: str) -> Placement:
        """Return where the positions of a row lie; by the weights as they are now."""
        looks, key = self._energies() if name == "effective" else ({}, b"")
        with self.trace.lock:
            if (row.path, name, key) not in self._found:
                for old in [one for one in self._found if one[2] not in (b"", key)]:
                    del self._found[old]  # of other weights
                self._found[row.path, name, key] = self._placement(row, name, looks, key)
            return self._found[row.path, name, key]

    def _placement(self, row: LayerRow, name: str, looks: Looks, key: bytes) -> Placement:
        pictures = [i for i in (self.inputs.image, *self.inputs.images) if i in row.inputs]
        if not pictures or row.layout is None or not row.shape:
            return STRETCHED
        if looks and self._walked[0] != key:
            self._walked = key, self._followed(looks)
        walks = self._walked[1] if looks else self.walks
        values = self.trace.record(row.path).tensors
        space = side_by_side([first_batch(walks[pictures[0]].get(one)) for one in values])
        return placement_of(row, name, space, self.image(pictures[0]))

    def _followed(self, looks: Looks) -> dict[int, dict[Value, Space]]:
        graph, first = self.trace.graph, self.inputs.channels_first
        return {
            i: follow(graph, graph.inputs[i], of_picture(graph.inputs[i].shape[1:], first), looks)
            for i in self.inputs.images
        }

    def _energies(self) -> tuple[dict[Step, np.ndarray], bytes]:
        """Return the centre of each kernel's energy, Σ tap·w² / Σ w², by its convolution, and as bytes."""
        graph = self.trace.graph
        steps = self.trace.once("kernels", lambda: kernels(graph))
        if not steps:
            return {}, b""
        weights = self.trace.weights()
        held, found, key = self._centres
        if len(held) != len(weights) or not all(
            map(operator.is_, held, weights)
        ):  # arrays of JAX never change
            env = dict(zip(graph.weights, weights, strict=True))
            values = graph.evaluate(env, [step.inputs[1] for step in steps])
            found = {step: _centre(step, np.asarray(one)) for step, one in zip(steps, values, strict=True)}
            key = b"".join(one.tobytes() for one in found.values())
            self._centres = weights, found, key
        return found, key


def kernels(graph: Graph) -> list[Step]:
    """Return the convolutions whose kernels do not depend on the picture."""
    moving = graph.descendants(graph.inputs)
    return [step for step in graph.steps if sliding.window_of(step) and step.inputs[1] not in moving]


def _centre(step: Step, kernel: np.ndarray) -> np.ndarray:
    out, into, *axes = (int(i) for i in step.params["dimension_numbers"].rhs_spec)
    kernel = np.transpose(kernel, (*axes, into, out))
    channels = max(MOST_WEIGHTS * kernel.shape[-2] // kernel.size, 1)
    energy = np.square(kernel[..., :channels, :].astype(np.float32)).sum(axis=(-2, -1))
    whole = energy.sum()
    energy = energy if whole > 0 and np.isfinite(whole) else np.ones_like(energy)
    found = []
    for axis in range(energy.ndim):
        line = energy.sum(axis=tuple(i for i in range(energy.ndim) if i != axis))
        found.append((np.arange(len(line)) * line).sum() / line.sum())
    return np.array(found, np.float32)


def first_batch(space: Space | None) -> Space | None:
    """Return a space with the batch axis in front."""
    if space is None:
        return None
    place = next((i for i, axis in enumerate(space.axes) if axis.batch), 0)
    axes = space.axes
    return attrs.evolve(space, axes=(axes[place], *axes[:place], *axes[place + 1 :]))


def build_table(
    trace: Trace, model: weakref.ref[Any], score: JaxScore, inputs: ModelInputs, places: Places
) -> LayerTable:
    """Build the layer table for one explained output."""
    graph, image = trace.graph, inputs.image
    reached = graph.ancestors(score.values.parts)
    answers: set[Value] = set()
    for part in (*score.values.parts, *score.leaves):
        answers |= _parts_of(graph, part)
    from_inputs = [graph.descendants([one]) for one in graph.inputs]
    spaces = {i: places.image(i) for i in inputs.images}
    dense = len(score.shape) == len(spaces[image]) + 2 and any(n is None or n > 1 for n in score.shape[1:-1])
    kept = _going_on(graph, score, places.walks.get(image, {})) if dense else None
    outputs, data_format = [], ""
    for record in trace.records:
        data_format = record.data_format or data_format
        value = record.tensors[0] if not record.inside else Value((), np.dtype("float32"))
        axis = None if record.inside else places.batch_axis(value)
        same = graph.same(value)
        outputs.append(
            Output(
                path=record.path,
                bare=record.bare,
                kind=record.kind,
                shape=None if axis is None else (*value.shape[:axis], *value.shape[axis + 1 :]),
                key=value,
                same=same,
                moved=graph.same(value, COPIES | SHAPES) - same,
                inputs=tuple(i for i, held in enumerate(from_inputs) if value in held),
                walked={
                    i: side_by_side([first_batch(walked.get(one)) for one in record.tensors])
                    for i, walked in places.walks.items()
                },
                steps=len(record.tensors),
                channels_first=data_format == "channels_first",
                holds=record.holds,
                inside=record.inside,
                reaches_score=value in reached,
                is_score=value in answers,
                ends=kept is not None and value not in kept,
                projects=_projects(graph, record, value),
            )
        )
    return LayerTable(
        rows=rows_of(outputs, graph.inputs, image, spaces),
        image_shape=spaces[image],
        image=image,
        dense=dense,
        output=score.output,
        units=lambda: {} if (alive := model()) is None else dict(walk(alive)),
        model_name=str(getattr(model(), "name", "model")),
    )


def _parts_of(graph: Graph, part: Value) -> set[Value]:
    """Return the values that a part of the score is, in another shape, or put together from."""
    found: set[Value] = set()
    waiting = [part]
    while waiting:
        value = waiting.pop()
        step = graph.made_by.get(value)
        if value in found:
            continue
        found.add(value)
        if step is not None and step.name in COPIES | SHAPES:
            waiting.append(step.inputs[0])
        elif step is not None and step.name in ("concatenate", "stack"):
            waiting.extend(step.inputs)
    return found


def _going_on(graph: Graph, score: JaxScore, spaces: Mapping[Value, Space]) -> set[Value]:
    values = {id(one): one for one in (*graph.made_by, *graph.inputs)}

    def step_of(key: int) -> Step | None:
        return graph.made_by.get(values[key])

    def inputs_of(key: int) -> list[int]:
        step = step_of(key)
        return [] if step is None else [id(one) for one in step.inputs if id(one) in values]

    def sums(key: int) -> bool:
        step = step_of(key)
        if step is None or step.name not in SUMS:
            return False
        return all(graph.constant(one) is None for one in step.inputs)  # by constants it is resampled

    held = {id(one): space for one, space in spaces.items()}
    return {
        values[key] for key in going_on(id(score.values.parts[0]), held, inputs_of, sums) if key in values
    }


def _projects(graph: Graph, record: Recorded, value: Value) -> bool:
    """Whether the unit cuts the picture itself into patches: a convolution with stride = kernel > 1."""
    step = graph.made_by.get(value)
    while step is not None and record.kind.startswith("Conv") and step.name in KEPT:
        value = next(
            (one for one in step.inputs if graph.ancestors([one]) & set(graph.inputs)), step.inputs[0]
        )
        step = graph.made_by.get(value)
    kernel = None if step is None or not record.kind.startswith("Conv") else sliding.window_of(step)
    if step is None or kernel is None or not kernel[0] == step.params["window_strides"][0] > 1:
        return False
    earlier = graph.ancestors([step.inputs[0]])
    return not any(one.name == "conv_general_dilated" and one.outputs[0] in earlier for one in graph.steps)
