"""Measurements that need a process of their own; each prints one JSON object."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def resident() -> float:
    """Return the resident memory of this process in MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak() -> float:
    """Return the highest resident memory this process ever had, in MB.

    Not `ru_maxrss`, which a child process inherits from the process that started it.
    """
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) * 1.024 / 1e3


def memory(name: str, method: str, layer: str, channels: str = "") -> dict[str, float]:
    """Measure the peak above the loaded and once called model, for one map; of so many channels, if named."""
    import visioncam
    from benchmarks.models import subject

    s = subject(name)
    picture = s.pictures(1)
    s.forward(picture)
    before = max(resident(), peak())
    e = visioncam.explain(
        s.model, picture[0], method, layer=layer, **({"channels": int(channels)} if channels else {})
    )
    return {"MB": max(0.0, peak() - before), "channels": float(e.layer.shape[-1])}


def torch_memory(method: str) -> dict[str, float]:
    """Measure the peak above the loaded and once called embedded network in PyTorch, for one map.

    Where loading it took more than the map, this is what loading took: the map's is at most that.
    """
    import torch

    import visioncam

    model, x = visioncam.demo.load("torch"), torch.rand(3, 224, 224) * 2 - 1
    with torch.inference_mode():
        model(x[None])
    before = resident()
    visioncam.explain(model, x, method, target=282, baseline="zero")
    return {"MB": max(0.0, peak() - before)}


def first_call(name: str) -> dict[str, float]:
    """Measure the first explanation of a loaded model, and what a second layer, class and size trace."""
    import visioncam
    from benchmarks.models import subject
    from visioncam_core.engine.batches import COUNTERS

    s = subject(name)
    picture = s.pictures(1)
    s.forward(picture)
    start = time.perf_counter()
    visioncam.explain(s.model, picture[0])
    seconds = time.perf_counter() - start
    before = COUNTERS.snapshot()["traces"]
    visioncam.explain(s.model, s.pictures(3), "hirescam", target=7, layer=-20)
    return {"seconds": seconds, "further_traces": float(COUNTERS.snapshot()["traces"] - before)}


def first_answer(name: str) -> dict[str, float]:
    """Measure the first compiled forward pass, the first explanation, and the first at another layer."""
    import tensorflow as tf

    import visioncam
    from benchmarks.models import subject

    s = subject(name)
    x = s.pictures(1)
    tf.function(lambda x: x + 1)(tf.constant(x))  # the first function of a process prepares TensorFlow
    start = time.perf_counter()
    s.forward(x)
    forward = time.perf_counter()
    visioncam.explain(s.model, x)
    first = time.perf_counter()
    visioncam.explain(s.model, x, layer=-20)
    second = time.perf_counter()
    return {"forward": forward - start, "first": first - forward, "second": second - first}


def bare_answer(path: str) -> dict[str, float]:
    """Load a model and run one compiled forward pass, as one does without VisionCam."""
    import keras
    import numpy as np
    import tensorflow as tf

    model = keras.models.load_model(path)
    x = tf.constant(np.zeros((1, *model.input_shape[1:]), np.float32))
    return {"top": float(tf.function(lambda x: model(x, training=False))(x).numpy().max())}


def endurance(name: str, calls: str) -> dict[str, float]:
    """Explain many different pictures; report traces, memory growth after 50, and time per picture."""
    import visioncam
    from benchmarks.models import subject
    from visioncam_core.engine.batches import COUNTERS

    s = subject(name)
    ask = visioncam.explainer(s.model, "gradcam")
    times, level = [], 0.0
    for number in range(int(calls)):
        picture = s.pictures(1, seed=number)[0]
        start = time.perf_counter()
        ask(picture, number % 1000)
        times.append(time.perf_counter() - start)
        if number == 50:
            level = resident()
    tenth = len(times) // 10
    early, late = sorted(times[50 : 50 + tenth]), sorted(times[-tenth:])
    return {
        "traces": float(COUNTERS.snapshot()["traces"]),
        "growth_MB": resident() - level,
        "late_over_early": late[tenth // 2] / early[tenth // 2],
    }


def on_jax(rounds: str) -> dict[str, float]:
    """Measure Grad-CAM of MobileNetV2 on JAX against the jitted forward pass, in seconds of the processor."""
    import jax
    import keras
    import numpy as np

    import visioncam
    from benchmarks.timing import interleaved

    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2(weights=None)
    weights = [v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables]
    run = jax.jit(lambda trained, others, x: model.stateless_call(trained, others, x, training=False)[0])
    x = np.random.default_rng(0).uniform(-1, 1, (1, 224, 224, 3)).astype(np.float32)
    ask = visioncam.explainer(model, "gradcam")
    times = interleaved(
        int(rounds), clock=time.process_time, F=lambda: np.asarray(run(*weights, x)), ours=lambda: ask(x[0])
    )
    return {"ratio": times.ratio("ours", "F")}


TASKS: dict[str, Callable[..., dict[str, float]]] = {
    "memory": memory,
    "first_call": first_call,
    "first_answer": first_answer,
    "bare_answer": bare_answer,
    "endurance": endurance,
    "on_jax": on_jax,
    "torch_memory": torch_memory,
}

if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
