"""The checks of tools/reliability.py about files: many photos in one report, damaged pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

Found = tuple[str, str]
ROOT = Path(__file__).resolve().parents[1]
PHOTOS = 1000
DAMAGED = 1000  # of each kind of file
LIMIT = 60_000_000  # bytes of a report
READ = """
import json, sys
from pathlib import Path
import numpy as np
from helpers.fuzz import pictures, silence_decoders
silence_decoders()
folder, count = Path(sys.argv[1]), int(sys.argv[2])
reader = pictures(folder)
rng = np.random.default_rng(86)
taken = sum(reader.attempt(kind, rng, folder) for kind in reader.seeds for _ in range(count))
print(json.dumps([count * len(reader.seeds), taken]))
"""


def report(root: Path) -> Found:
    """Explain a thousand photos, cut from the bundled ones, with one method, in one report."""
    photos = _cut(root / "in")
    out = root / "report.html"
    peak = _peak("-m", "visioncam", "report", str(out), *photos, "--methods", "gradcam")[0]
    size = out.stat().st_size
    assert size <= LIMIT, size
    assert out.read_text("utf-8").count("<article") == PHOTOS
    return (
        f"`visioncam report` of {PHOTOS:,} photos of 300 pixels with one method and the embedded model",
        f"{size / 1e6:.1f} MB in one page; at most {peak / 1024:.0f} MB of memory",
    )


def damaged(root: Path) -> Found:
    """Cut pictures short and change bytes in them, and decode what is left."""
    peak, told = _peak("-c", READ, str(root), str(DAMAGED))
    tried, taken = json.loads(told)
    assert peak < 200 * 1024, peak
    return (
        f"{tried:,} pictures (PNG, JPEG, WebP, TIFF, GIF, BMP), cut short or with changed bytes",
        f"{taken:,} decoded, {tried - taken:,} refused, no other outcome; "
        f"at most {peak / 1024:.0f} MB of memory",
    )


def _cut(folder: Path) -> list[str]:
    """Cut photos from the bundled ones, each another part, and return their paths."""
    folder.mkdir()
    rng = np.random.default_rng(94)
    whole = []
    for name in ("chelsea.png", "coffee.png", "rocket.jpg"):
        with Image.open(ROOT / "examples" / name) as image:
            whole.append(image.convert("RGB"))
    paths = []
    for number in range(PHOTOS):
        image = whole[number % len(whole)]
        side = int(rng.integers(200, min(image.size) + 1))
        left, top = (int(rng.integers(0, length - side + 1)) for length in image.size)
        part = image.crop((left, top, left + side, top + side)).resize((300, int(rng.integers(240, 340))))
        paths.append(str(folder / f"{number:04d}.jpg"))
        part.save(paths[-1], quality=92)
    return paths


def _peak(*words: str) -> tuple[int, str]:
    """Run Python and return the most memory it took, in KiB, and what it printed."""
    home = os.pathsep.join([str(ROOT), str(ROOT / "tests"), *filter(None, sys.path)])
    process = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": home}
    )
    assert process.stdout is not None
    told = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.returncode
    return used.ru_maxrss, told
