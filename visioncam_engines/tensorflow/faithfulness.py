"""Whether the traced graph answers as the model itself does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visioncam_engines.tensorflow.graph import functions as cuts
from visioncam_engines.tensorflow.graph.restore import Held
from visioncam_engines.tensorflow.tracing.recording import walk
from visioncam_engines.tensorflow.tracing.trace_model import Trace, leaves, stateless

LOOSE, LOOSE_HALF = 1e-3, 5e-2
"""Shares of the largest value that rounding may explain, in float32 and in half precision."""


def apart(model: Any, trace: Trace, flat: Sequence[Any]) -> float:
    """Return how far the trace's outputs are from the model's own, as a share of the largest value.

    The model is called once and left as it was.

    Args:
        model: the traced model.
        trace: its trace.
        flat: its flat inputs, a batch of one.

    Returns:
        The largest difference; infinite where only one of them is finite, or their shapes differ.
    """
    import tensorflow as tf

    inputs = [tf.convert_to_tensor(x) for x in flat]
    held = [Held.of(unit.__dict__) for unit in (model, *(unit for _, unit in walk(model)))]
    try:
        with stateless(model):
            answer = model(tf.nest.pack_sequence_as(trace.structure, inputs), training=False)
    finally:
        for one in held:
            one.put_all_back()
    own = [np.asarray(value, np.float64) for _, value in leaves(answer) if value is not None]
    traced = [np.asarray(value, np.float64) for value in cuts.outputs(trace)(*inputs)]
    if [one.shape for one in own] != [one.shape for one in traced]:
        return float("inf")
    shares = [
        float(np.abs(a - b).max(initial=0.0) / max(np.abs(a).max(initial=0.0), 1e-30))
        for a, b in zip(own, traced, strict=True)
        if not np.array_equal(a, b, equal_nan=True)
    ]
    return max((share if np.isfinite(share) else float("inf") for share in shares), default=0.0)


def loose(trace: Trace) -> float:
    """Return the difference that rounding may explain."""
    half = any(record.tensors[0].dtype.size < 4 for record in trace.records)
    return LOOSE_HALF if half else LOOSE
