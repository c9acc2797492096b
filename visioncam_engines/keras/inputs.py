"""What a model says of its inputs."""

from __future__ import annotations

from typing import Any

from visioncam_core.engine.model_inputs import ModelInput, ModelInputs
from visioncam_engines.keras.first_layers import leaves
from visioncam_engines.keras.recording import walk


def model_inputs(model: Any, nest: Any) -> ModelInputs:
    """Return what a model that was checked says of its inputs; nothing is traced.

    Args:
        model: a Keras model.
        nest: what flattens and packs its inputs: `tf.nest`, or `keras.tree`.
    """
    structure: Any = 0
    found: list[ModelInput] = []
    declared = declared_inputs(model)
    if declared is not None:
        # Keras 3 keeps the packed structure in `_inputs_struct`; a Sequential has one input.
        packed = getattr(model, "_inputs_struct", None)
        packed = packed if packed is not None else declared
        flat = nest.flatten(packed)
        if isinstance(packed, list | tuple) and len(flat) == 1:
            packed = flat[0]
        structure = nest.pack_sequence_as(packed, list(range(len(flat)))) if nest.is_nested(packed) else 0
        names = [str(getattr(tensor, "name", position)).split(":")[0] for position, tensor in enumerate(flat)]
        for name, tensor in zip(names, flat, strict=True):
            found.append(
                ModelInput(name, tuple(tensor.shape[1:]), str(getattr(tensor.dtype, "name", tensor.dtype)))
            )
    else:
        shapes = _built_shapes(model)
        if shapes is None:
            found.append(ModelInput("input", None, "float32"))
        else:
            flat_shapes, structure = shapes
            found.extend(
                ModelInput(str(i), shape, "float32", strict=False) for i, shape in enumerate(flat_shapes)
            )
    return ModelInputs(tuple(found), structure, image_among(found), _channels_first(model))


def image_among(found: list[ModelInput]) -> int:
    ranks = [len(one.shape or ()) for one in found]
    return max(range(len(found)), key=lambda i: (ranks[i], -i))


def _built_shapes(model: Any) -> tuple[list[tuple[int | None, ...]], Any] | None:
    """Return the input shapes a subclassed model was built with, batch axis left out."""
    known = getattr(model, "_build_shapes_dict", None) or {}
    value = next(iter(known.values())) if len(known) == 1 else getattr(model, "_build_input_shape", None)
    if value is None:
        return None
    shapes: list[tuple[int | None, ...]] = []

    def visit(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: visit(part[key]) for key in sorted(part)}
        items = list(part)
        if all(n is None or isinstance(n, int) for n in items):
            shapes.append(tuple(items[1:]))
            return len(shapes) - 1
        return [visit(item) for item in items]

    structure = visit(value)
    return shapes, structure


def _channels_first(model: Any) -> bool:
    """Return whether the picture is (K, *space): what the first layer that says so takes it as.

    A model that moves the channels first (one converted from PyTorch, say) takes it the other way round.
    """
    moved = False
    for unit in (unit for leaf in leaves(model) for unit in (leaf, *(inner for _, inner in walk(leaf)))):
        data_format = getattr(unit, "data_format", None)
        if data_format:
            return bool(data_format == "channels_first") != moved
        moved = moved != _moves_channels(unit)
    return False


def _moves_channels(unit: Any) -> bool:
    """Return whether a unit changes the order of a picture: a `Permute`, or a transposition of its axes."""
    order = getattr(unit, "dims", None) or getattr(unit, "axes", None)
    if type(unit).__name__ not in ("Permute", "Transpose") or order is None:
        return False
    inner = tuple(int(axis) for axis in order if axis)
    return inner in ((3, 1, 2), (2, 3, 1), (4, 1, 2, 3), (2, 3, 4, 1))


def declared_inputs(model: Any) -> Any:
    try:
        return model.inputs or None
    except (AttributeError, ValueError):
        return None
