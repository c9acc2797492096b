"""What a photo of 20 megapixels costs beyond the model's own work: `python tools/large_photo.py`.

A photo is decoded, explained with Grad-CAM by the embedded model, drawn and saved; the same with a small one
is subtracted.  Packing 20 megapixels as PNG takes a third of it all, so JPEG is told beside it.  Needs
the extra `demo` and Linux, which says how much memory was held at most.
"""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import visioncam
import visioncam.demo

LARGE, SMALL = (3651, 5478), (300, 451)  # rows and columns: 20.0 megapixels, and a small photo
SECONDS, BYTES = 2.0, 1_000_000_000


def held(name: str) -> int:
    """Return a figure of this process's memory in bytes: `VmHWM` the most, `VmRSS` now."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    assert found is not None
    return int(found[1]) * 1024


def cost(model: object, path: Path, suffix: str) -> tuple[float, float, int]:
    """Return seconds by the clock, seconds of the processor, and the most memory beyond what was held."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # forgets the most so far
    before, start, spent = held("VmRSS"), time.perf_counter(), time.process_time()
    explanation = visioncam.explain(model, path)
    explanation.save(path.with_suffix(f".map{suffix}"))  # type: ignore[union-attr]
    return time.perf_counter() - start, time.process_time() - spent, held("VmHWM") - before


def main() -> None:
    """Print the figures."""
    model = visioncam.demo.load()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for height, width in (SMALL, LARGE):
            coarse = rng.integers(0, 256, (height // 50 + 1, width // 50 + 1, 3), dtype=np.uint8)
            path = Path(folder) / f"{width}.jpg"
            Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(path, quality=90)
            paths.append(path)
        small, large = paths
        cost(model, small, ".jpg")  # traces
        for suffix in (".jpg", ".png"):
            base, found = cost(model, small, suffix), min(cost(model, large, suffix) for _ in range(3))
            clock, processor, memory = (one - other for one, other in zip(found, base, strict=True))
            print(
                f"{suffix}: {clock:.2f} s by the clock, {processor:.2f} s of the processor (limit "
                f"{SECONDS:.0f}), {memory / 1e6:.0f} MB (limit {BYTES / 1e6:.0f})"
            )


if __name__ == "__main__":
    main()
