"""What a model says of its inputs."""

from __future__ import annotations

from typing import Any

from visioncam_core.engine.model_inputs import ModelInput, ModelInputs
from visioncam_engines.tensorflow.checks import is_saved
from visioncam_engines.tensorflow.first_layers import leaves
from visioncam_engines.tensorflow.graph.saved_model import endpoint_of
from visioncam_engines.tensorflow.tracing.recording import walk


def model_inputs(model: Any) -> ModelInputs:
    """Return what a model that was checked says of its inputs; nothing is traced."""
    if is_saved(model):
        return _saved_inputs(model)
    import tensorflow as tf

    structure: Any = 0
    found: list[ModelInput] = []
    declared = declared_inputs(model)
    if declared is not None:
        # Keras 3 keeps the packed structure in `_inputs_struct`; a Sequential has one input.
        packed = getattr(model, "_inputs_struct", None)
        packed = packed if packed is not None else declared
        flat = tf.nest.flatten(packed)
        if isinstance(packed, list | tuple) and len(flat) == 1:
            packed = flat[0]
        structure = (
            tf.nest.pack_sequence_as(packed, list(range(len(flat)))) if tf.nest.is_nested(packed) else 0
        )
        names = [str(getattr(tensor, "name", position)).split(":")[0] for position, tensor in enumerate(flat)]
        for name, tensor in zip(names, flat, strict=True):
            found.append(ModelInput(name, tuple(tensor.shape[1:]), tf.as_dtype(tensor.dtype).name))
    else:
        shapes = _built_shapes(model)
        if shapes is None:
            found.append(ModelInput("input", None, "float32"))
        else:
            flat_shapes, structure = shapes
            found.extend(
                ModelInput(str(i), shape, "float32", strict=False) for i, shape in enumerate(flat_shapes)
            )
    return ModelInputs(tuple(found), structure, _image_among(found), _channels_first(model))


def _image_among(found: list[ModelInput]) -> int:
    ranks = [len(one.shape or ()) for one in found]
    return max(range(len(found)), key=lambda i: (ranks[i], -i))


def _saved_inputs(model: Any) -> ModelInputs:
    endpoint = endpoint_of(model)
    found = [
        ModelInput(
            str(spec.name or position),
            None if spec.shape.rank is None else tuple(spec.shape[1:]),
            spec.dtype.name,
        )
        for position, spec in enumerate(endpoint.specs)
    ]
    return ModelInputs(tuple(found), endpoint.structure, _image_among(found), endpoint.channels_first)


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


def open_specs(model: Any, flat: list[Any]) -> list[Any]:
    """Return a spec of each input: the batch open, and what the model leaves open."""
    import tensorflow as tf

    inputs = endpoint_of(model).specs if is_saved(model) else declared_inputs(model)
    declared = None if inputs is None else [tuple(one.shape) for one in tf.nest.flatten(inputs)]
    specs = []
    for position, tensor in enumerate(flat):
        shape: list[int | None] = [None, *tensor.shape[1:]]
        if declared is not None and len(declared) == len(flat) and len(declared[position]) == len(shape):
            wanted = declared[position]
            if None in wanted[1:] and _in_steps(model):
                wanted = tuple(shape)
            shape[1:] = [
                None if want is None else size
                for want, size in zip(wanted[1:], tensor.shape[1:], strict=True)
            ]
        specs.append(tf.TensorSpec(shape, tensor.dtype))
    return specs


def _in_steps(model: Any) -> bool:
    """Return whether a layer is called at each step in time: Keras counts open steps by the batch (3.15)."""
    return any(type(unit).__name__ == "TimeDistributed" for _, unit in walk(model))


def closed_specs(flat: list[Any]) -> list[Any]:
    """Return the spec of exactly these inputs, a batch of one."""
    import tensorflow as tf

    return [tf.TensorSpec([1, *tensor.shape[1:]], tensor.dtype) for tensor in flat]
