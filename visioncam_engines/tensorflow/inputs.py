"""What a model on TensorFlow says of its inputs, and the specs that it is traced for."""

from __future__ import annotations

from typing import Any

from visioncam_core.engine.model_inputs import ModelInput, ModelInputs
from visioncam_engines.keras import inputs
from visioncam_engines.keras.checks import is_saved
from visioncam_engines.keras.inputs import declared_inputs, image_among
from visioncam_engines.keras.recording import walk
from visioncam_engines.tensorflow.graph.saved_model import endpoint_of


def model_inputs(model: Any) -> ModelInputs:
    """Return what a model that was checked says of its inputs; nothing is traced."""
    import tensorflow as tf

    return _saved_inputs(model) if is_saved(model) else inputs.model_inputs(model, tf.nest)


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
    return ModelInputs(tuple(found), endpoint.structure, image_among(found), endpoint.channels_first)


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
