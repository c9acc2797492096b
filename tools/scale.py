"""Measure pictures a second: one core, two cores, one and two Ray workers.

    python tools/scale.py photos=200

The embedded network (EfficientNet-Lite0, 224 pixels), Grad-CAM, raw map and picture written; the time
is from the first finished picture to the last, so loading and tracing are left out.  Processor time is
what this takes of a core whatever runs beside it; of Ray's workers it is not known here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def pictures(folder: Path, count: int) -> Path:
    """Fill a folder with photos of 451 × 300 pixels, no two alike."""
    import numpy as np
    from PIL import Image

    folder.mkdir()
    with Image.open(ROOT / "examples" / "chelsea.png") as opened:
        photo = np.asarray(opened.convert("RGB"))
    for number in range(count):
        Image.fromarray(np.roll(photo, 3 * number, axis=1)).save(folder / f"{number:05d}.jpg", quality=90)
    return folder


def measured(cores: int, actors: int, folder: Path, out: Path) -> tuple[float, float]:
    """Return pictures a second, by the clock and of processor time, of a run in a process of its own."""
    code = (
        "import os, sys, time\n"
        f"os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:{cores}]))\n"
        "import visioncam\nfrom visioncam import distributed\n"
        "times = []\n"
        "def tell(event):\n"
        "    event['event'] == 'done' and times.append((time.perf_counter(), time.process_time()))\n"
        f"folder, out = {str(folder)!r}, {str(out)!r}\n"
    )
    if actors:
        code += f"distributed.explain(folder, out=out, actors=({actors}, {actors}), progress=tell)\n"
    else:
        code += "visioncam.explain_dataset(visioncam.demo.load(), folder, out, progress=tell)\n"
    code += "print(*((len(times) - 1) / (end - start) for start, end in zip(times[0], times[-1])))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    clock, processor = map(float, done.stdout.split()[-2:])
    return clock, processor


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1].rpartition("=")[2]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory(prefix="visioncam-scale-") as root:
        folder = pictures(Path(root, "in"), count)
        for what, cores, actors in (
            ("one process, one core", 1, 0),
            ("one process, two cores", 2, 0),
            ("one Ray worker", 2, 1),
            ("two Ray workers", 2, 2),
        ):
            start = time.perf_counter()
            clock, processor = measured(cores, actors, folder, Path(root, f"out{cores}{actors}"))
            if actors:  # their results come in blocks: the whole run counts, with its start
                clock = count / (time.perf_counter() - start)
            each = "" if actors else f"{processor:.1f}"
            print(f"| {what} | {clock:.1f} | {each} | {time.perf_counter() - start:.0f} s |", flush=True)
        files = [path for path in Path(root, "out10").glob("*.*z") if path.suffix == ".npz"]
        mean = sum(path.stat().st_size for path in files) / len(files)
        shown = [path.stat().st_size for path in Path(root, "out10").glob("*.png")]
        print(f"raw map {mean:.0f} bytes, picture {sum(shown) / len(shown):.0f} bytes, manifest line "
              f"{Path(root, 'out10', 'manifest.jsonl').stat().st_size / count:.0f} bytes")  # fmt: skip


if __name__ == "__main__":
    main()
