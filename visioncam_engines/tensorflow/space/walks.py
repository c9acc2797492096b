"""Walks through a traced model, one from each input that could be the picture."""

from __future__ import annotations

import functools

from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.space import Space, of_picture
from visioncam_engines.tensorflow.space import mixing, moving, sliding  # noqa: F401 - their rules
from visioncam_engines.tensorflow.space.walk import closed_shapes, follow
from visioncam_engines.tensorflow.tracing.trace_model import Trace


def walks_of(
    trace: Trace, inputs: ModelInputs, sizes: dict[int, tuple[int, ...]]
) -> dict[int, dict[int, Space]]:
    """Return position of an input -> id of a tensor -> where the tensor is in that picture.

    Args:
        trace: the traced model.
        inputs: which of its inputs could be pictures.
        sizes: of those, without the batch.
    """
    every = [sizes.get(i, tuple(tensor.shape)[1:]) for i, tensor in enumerate(trace.inputs)]
    closed = functools.cache(lambda: closed_shapes(trace.graph, list(trace.inputs), every))
    always = any(None in tuple(tensor.shape)[1:] for tensor in trace.inputs)
    goals = [tensor for record in trace.records if not record.inside for tensor in record.tensors]
    return {
        i: follow(goals, [(trace.inputs[i], of_picture(size, inputs.channels_first))], closed, always)
        for i, size in sizes.items()
    }
