"""Methods beyond CAM on the embedded network in PyTorch, beside captum in the same rounds, on one thread."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.kept import Line
from benchmarks.processes import asked
from benchmarks.rows import Row
from benchmarks.timing import Work, interleaved
from benchmarks.torch_rows import forward

NAME = "EfficientNet-Lite0, PyTorch"
BATCHES = (4, 8, 16, 32)
"""captum is given each of them, and its best counts."""


def measured(rounds: int) -> Iterator[Row | Line]:
    """Measure as ratios to `model(x)` in inference mode, batch 1, in seconds of the process on one thread."""
    import torch

    import visioncam

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = visioncam.demo.load("torch")
    x = torch.rand(1, 3, 224, 224) * 2 - 1
    few = max(3, rounds // 5)
    ours: dict[str, Work] = {
        "integratedgradients": _ours(model, x, "integratedgradients", baseline="zero", steps=32),
        "occlusion": _ours(model, x, "occlusion", hidden="zero", window=32, stride=16),
        "partitionshap": _ours(model, x, "partitionshap", hidden="zero"),
    }
    for name, theirs in (("integratedgradients", _captum_ig), ("occlusion", _captum_occlusion)):
        sides = {f"captum{batch}": theirs(model, x, batch) for batch in BATCHES}
        times = interleaved(few, 1, time.process_time, F=forward(model, x), ours=ours[name], **sides)
        best = min(sides, key=times.median)
        yield Row(
            f"{name}, beside captum", NAME, times.ratio("ours", best), 1.0, "of captum's time",
            note=f"{times.ratio('ours', 'F'):.1f} F; captum's best batch is {best.removeprefix('captum')}",
        )  # fmt: skip
    times = interleaved(3, 1, time.process_time, F=forward(model, x), ours=ours["partitionshap"])
    yield Row("partitionshap, 7×7 cells, 1,804 passes", NAME, times.ratio("ours", "F"), 1000)
    found = asked("torch_memory", "integratedgradients", OMP_NUM_THREADS="1")
    yield Row("integratedgradients, peak memory, 224 px", NAME, found["MB"], 600, "MB")
    yield from _shap(model, x)


def _ours(model: Any, x: Any, method: str, **options: Any) -> Work:
    import visioncam

    ask = visioncam.explainer(model, method, **options)
    return lambda: ask(x[0], 282)


def _captum_ig(model: Any, x: Any, batch: int) -> Work:
    from captum.attr import IntegratedGradients

    ig = IntegratedGradients(model)
    return lambda: ig.attribute(x, x * 0, target=282, n_steps=32, internal_batch_size=batch)


def _captum_occlusion(model: Any, x: Any, batch: int) -> Work:
    import torch
    from captum.attr import Occlusion

    occlusion = Occlusion(model)

    def run() -> Any:
        with torch.inference_mode():
            return occlusion.attribute(
                x, (3, 32, 32), strides=(3, 16, 16), target=282, perturbations_per_eval=batch
            )

    return run


def _shap(model: Any, x: Any) -> Iterator[Line]:
    """Measure shap's partition explainer, which goes down to single pixels of single channels."""
    work = "Partition SHAP, 500 evaluations"
    try:
        import shap
        import torch
    except ImportError as error:
        yield "shap", work, f"not here: {error}"
        return
    picture = x[0].permute(1, 2, 0).numpy()

    def scores(pictures: Any) -> Any:
        with torch.inference_mode():
            return model(torch.as_tensor(pictures, dtype=torch.float32).permute(0, 3, 1, 2))[:, 282].numpy()

    explain = shap.Explainer(scores, shap.maskers.Image(picture * 0, picture.shape))
    run = lambda: explain(picture[None], max_evals=500, batch_size=32, silent=True)  # noqa: E731
    times = interleaved(3, 1, time.process_time, F=forward(model, x), theirs=run)
    yield "shap", work, f"{times.ratio('theirs', 'F'):.0f} F"
