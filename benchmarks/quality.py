"""What the approximate options of Score-CAM cost in quality, on the embedded model and its photo."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kept import Line

PHOTO = Path(__file__).resolve().parents[1] / "examples" / "chelsea.png"
LAYERS = ("block5c_add", "top_activation")
OPTIONS: tuple[dict[str, Any], ...] = (
    *({"channels": count} for count in (16, 32, 64, 128, 256)),
    *({"until": bound} for bound in (0.9, 0.97, 0.99)),
)


def measured() -> Iterator[Line]:
    """Yield (options, layer, error and time) against the exact map: all channels."""
    import visioncam
    from visioncam_core.engine.batches import COUNTERS
    from visioncam_core.results.agreement import rank_correlation

    model = visioncam.demo.load()

    def ask(layer: str, **options: Any) -> tuple[Any, float, int]:
        before, start = COUNTERS.snapshot()["forward"], time.process_time()
        e = visioncam.explain(model, str(PHOTO), "scorecam", layer=layer, **options)
        return e, time.process_time() - start, COUNTERS.snapshot()["forward"] - before - 1

    for layer in LAYERS:
        ask(layer, channels=4)
        exact, seconds, passes = ask(layer)
        channels = int(exact.layer.shape[-1])
        yield "all channels", f"{layer}, K = {channels}", f"exact; {passes} pictures, {seconds:.1f} s of CPU"
        for options in OPTIONS:
            if options.get("channels", 0) >= channels:
                continue
            e, seconds, passes = ask(layer, **options)
            error = float(np.abs(e.heatmap - exact.heatmap).mean())
            likeness = rank_correlation(e.heatmap, exact.heatmap)
            name = ", ".join(f"`{key}={value}`" for key, value in options.items())
            text = f"mean error {error:.3f}, rank correlation {likeness:.3f}"
            yield name, f"{layer}, K = {channels}", f"{text}; {passes} pictures, {seconds:.1f} s of CPU"
