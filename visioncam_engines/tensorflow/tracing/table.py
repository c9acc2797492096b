"""The table of a traced model: every unit's output, and what can be explained."""

from __future__ import annotations

import weakref
from typing import Any

import attrs

from visioncam_core.engine.layer_table import LayerRow, LayerTable
from visioncam_core.engine.space import Space
from visioncam_engines.keras.checks import is_saved
from visioncam_engines.keras.recording import walk
from visioncam_engines.tensorflow.graph.graph import COPIES, SHAPES, ancestors, descendants, identities
from visioncam_engines.tensorflow.layouts import Found, guess, layout_of, space_of
from visioncam_engines.tensorflow.space.mixing import going_on
from visioncam_engines.tensorflow.tracing.trace_model import Recorded, Trace


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
    placed = {id(tensor): "" for tensor in trace.inputs}
    from_inputs = [set(descendants([tensor])) for tensor in trace.inputs]
    rows: list[LayerRow] = []
    by_tensor: dict[int, str] = {}
    data_format = ""
    shape_of = score.shape
    dense = shape_of.rank == len(spaces[image]) + 2 and any(n is None or n > 1 for n in shape_of[1:-1])
    kept = going_on(score, walks.get(image, {})) if dense else None
    for record, shape in zip(trace.records, shapes, strict=True):
        data_format = record.data_format or data_format
        tensor = record.tensors[0]
        full = () if shape is None else _stacked(record, shape)
        same = [by_tensor[key] for key in identities(tensor) if key in by_tensor]
        if same and not record.holds and same[0].startswith(f"{record.bare}/"):
            # A layer made of layers is named itself, and its last one is the copy; a model names its layer.
            inner = next(number for number, row in enumerate(rows) if row.path == same[0])
            rows[inner] = attrs.evolve(rows[inner], copy_of=record.path)
            by_tensor.update((key, record.path) for key, path in by_tensor.items() if path == same[0])
            same = []
        by_tensor.setdefault(id(tensor), same[0] if same else record.path)
        depends = tuple(i for i, ids in enumerate(from_inputs) if id(tensor) in ids)
        source = image if image in depends else next((i for i in depends if i in spaces), image)
        space, found = spaces[source], Found()
        if shape is not None and depends:
            found = layout_of(space_of(record, walks.get(source, {})), full, space)
            if found.unknown:
                grids = [row.grid for row in reversed(rows) if len(row.grid) == len(space)]
                found = guess(full, space, data_format == "channels_first", grids)
        layout = found.layout
        stride = tuple(round(n / m, 3) for n, m in zip(space, layout.grid, strict=True)) if layout else ()
        rows.append(
            LayerRow(
                path=record.path,
                bare=record.bare,
                kind=record.kind,
                shape=full,
                layout=layout,
                stride=stride,
                inputs=depends,
                reaches_score=id(tensor.op) in reached,
                is_score=id(tensor) in answers,
                refused=_refused(record, shape, full, found, depends, spaces),
                projects=_projects(record),
                copy_of=same[0] if same and len(record.tensors) == 1 else "",
                guessed=found.unknown and layout is not None,
                ends=kept is not None and id(tensor) not in kept,
                raw=any(
                    key in placed and not placed[key].startswith(f"{record.bare}/")
                    for key in identities(tensor, (*COPIES, *SHAPES)) - identities(tensor)
                ),
            )
        )
        placed |= dict.fromkeys(identities(tensor), record.path) if layout else {}
    position = 0
    for number, row in enumerate(rows):
        if not row.refused:
            rows[number] = attrs.evolve(row, index=position)
            position += 1
    this = model()
    return LayerTable(
        rows=tuple(rows),
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


def _stacked(record: Recorded, shape: tuple[int, ...]) -> tuple[int, ...]:
    return (len(record.tensors), *shape) if len(record.tensors) > 1 else shape


def _refused(
    record: Recorded,
    shape: tuple[int, ...] | None,
    full: tuple[int, ...],
    found: Found,
    depends: tuple[int, ...],
    spaces: dict[int, tuple[int, ...]],
) -> str:
    if record.inside:
        return f"it is computed inside {record.inside}, where its values cannot be reached"
    if shape is None:
        return "its first axis is not the batch (windows or heads were folded into it)"
    if not depends:
        return "it does not depend on the model's input"
    if not set(depends) & set(spaces):
        return "it does not depend on the picture"
    if found.layout is None:
        return f"{found.why} (output shape {full})"
    return ""


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
