"""Grad-CAM's throughput on an accelerator, where TensorFlow finds one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.models import subject
from benchmarks.rows import Row
from benchmarks.timing import interleaved


def measured(rounds: int, name: str = "ResNet50", batch: int = 64) -> Iterator[Row]:
    """Yield a row for float32 and one for mixed precision; nothing without a GPU."""
    import keras
    import tensorflow as tf

    import visioncam

    if not tf.config.list_physical_devices("GPU"):
        return
    before = keras.config.dtype_policy()
    try:
        for policy in ("float32", "mixed_float16"):
            keras.config.set_dtype_policy(policy)
            s = subject(name)
            pictures = s.pictures(batch)
            x = tf.constant(pictures)
            ask = visioncam.explainer(s.model, "gradcam", batch_size=batch)
            times = interleaved(
                rounds,
                F=lambda s=s, x=x: s.forward(x),
                ours=lambda ask=ask, pictures=pictures: ask(np.asarray(pictures)),
            )
            yield Row(f"GradCAM on a GPU, batch {batch}, {policy}", s.name, times.ratio("ours", "F"), 1.15)
    finally:
        keras.config.set_dtype_policy(before)
