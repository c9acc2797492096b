"""The table of a traced model: every unit's output, and what can be explained."""

from __future__ import annotations

import weakref
from typing import Any

from visioncam_core.engine.graph.rows import Output, rows_of
from visioncam_core.engine.layer_table import LayerTable
from visioncam_core.engine.layouts import side_by_side
from visioncam_core.engine.space import Space
from visioncam_engines.keras.checks import is_saved
from visioncam_engines.keras.recording import walk
from visioncam_engines.keras.records import Recorded
from visioncam_engines.tensorflow.graph.graph import COPIES, SHAPES, ancestors, descendants, identities
from visioncam_engines.tensorflow.space.mixing import going_on
from visioncam_engines.tensorflow.tracing.trace_model import Trace


def build_table(
    trace: Trace,
    model: weakref.ref[Any],
    output: str,
    score: Any,
    image: int,
    spaces: dict[int, tuple[int, ...]],
    shapes: list[Any],
    walks: dict[int, dict[int, Space]],
    leaves: tuple[Any, ...] = (),
) -> LayerTable:
    """Build the layer table for one explained output.

    Args:
        trace: the traced model.
        model: for its name and units.
        output: name of the explained output.
        score: its symbolic logits.
        image: position of the image input.
        spaces: position -> spatial axes of each input that could be the picture.
        shapes: for each record its shape without the batch axis, or None where it is not batch-first.
        walks: position of an input that could be the picture -> id of a tensor -> where that is in it.
        leaves: what the score is put together from, where it is.
    """
    reached = ancestors([score])
    answers = set().union(*(_parts_of(one) for one in (score, *leaves)))
    from_inputs = [set(descendants([tensor])) for tensor in trace.inputs]
    shape_of = score.shape
    dense = shape_of.rank == len(spaces[image]) + 2 and any(n is None or n > 1 for n in shape_of[1:-1])
    kept = going_on(score, walks.get(image, {})) if dense else None
    outputs = []
    data_format = ""
    for record, shape in zip(trace.records, shapes, strict=True):
        data_format = record.data_format or data_format
        tensor = record.tensors[0]
        same = identities(tensor)
        held = {i: [walk.get(id(one)) for one in record.tensors] for i, walk in walks.items()}
        outputs.append(
            Output(
                path=record.path,
                bare=record.bare,
                kind=record.kind,
                shape=shape,
                key=id(tensor),
                same=same,
                moved=identities(tensor, (*COPIES, *SHAPES)) - same,
                inputs=tuple(i for i, ids in enumerate(from_inputs) if id(tensor) in ids),
                walked={i: side_by_side(one) for i, one in held.items()},
                channels_first=data_format == "channels_first",
                steps=len(record.tensors),
                holds=record.holds,
                inside=record.inside,
                reaches_score=id(tensor.op) in reached,
                is_score=id(tensor) in answers,
                ends=kept is not None and id(tensor) not in kept,
                projects=_projects(record),
            )
        )
    this = model()
    return LayerTable(
        rows=rows_of(outputs, [id(tensor) for tensor in trace.inputs], image, spaces),
        image_shape=spaces[image],
        image=image,
        dense=dense,
        output=output,
        units=lambda: {} if (alive := model()) is None else dict(walk(alive)),
        model_name="SavedModel" if is_saved(this) else str(getattr(this, "name", "model")),
    )


def _parts_of(score: Any) -> set[int]:
    """Return the ids of what the score is, in another shape, or put together from."""
    found: set[int] = set()
    waiting = [score]
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in found:
            continue
        found.add(id(tensor))
        if tensor.op.type in (*COPIES, *SHAPES):
            waiting.append(tensor.op.inputs[0])
        elif tensor.op.type in ("ConcatV2", "Pack"):
            waiting.extend(one for one in tensor.op.inputs if one.dtype.is_floating)
    return found


def _projects(record: Recorded) -> bool:
    """Whether the unit cuts the picture itself into patches: a convolution with stride = kernel > 1."""
    if not record.kind.startswith(("Conv", "BiasAdd")) or len(record.tensors) != 1:
        return False
    op = record.tensors[0].op
    while op.type in ("Identity", "BiasAdd", "Cast", "Reshape") and op.inputs:
        op = op.inputs[0].op
    if op.type not in ("Conv2D", "Conv3D"):
        return False
    kernel, steps = op.inputs[1].shape, op.get_attr("strides")
    size, step = kernel[0], steps[2]
    if size is None or not size == step > 1:
        return False
    return not any("Conv" in earlier.type for earlier in ancestors([op.inputs[0]]).values())
