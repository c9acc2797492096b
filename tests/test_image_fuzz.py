"""Damage at random: every outcome is a picture or an ImageError, soon, and without a word of others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support_pictures import encoded, smooth

from visioncam_core.errors import ImageError
from visioncam_core.images import load_picture
from visioncam_core.picture_files import silence_decoders


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a file cut short, or with some bytes changed, mostly near its start."""
    if rng.random() < 0.3:
        return data[: rng.integers(0, len(data))]
    changed = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        place = int(min(rng.exponential(0.2), 0.999) * len(data))
        changed[place] = (
            rng.integers(0, 256) if rng.random() < 0.5 else changed[place] ^ (1 << rng.integers(0, 8))
        )
    return bytes(changed)


SEEDS: dict[str, Callable[[], bytes]] = {
    "png": lambda: encoded(smooth(), "PNG"),
    "png16": lambda: encoded(smooth()[..., 0].astype(np.uint16) * 257, "PNG"),
    "palette": lambda: encoded(Image.fromarray(smooth()).quantize(16), "PNG", transparency=3),
    "jpeg": lambda: encoded(smooth(), "JPEG"),
    "progressive": lambda: encoded(smooth(), "JPEG", progressive=True),
    "cmyk": lambda: encoded(Image.fromarray(smooth()).convert("CMYK"), "JPEG"),
    "webp": lambda: encoded(smooth(), "WEBP"),
    "tiff": lambda: encoded(smooth(), "TIFF"),
    "lzw": lambda: encoded(smooth(), "TIFF", compression="tiff_lzw"),
    "gif": lambda: encoded(smooth(), "GIF"),
    "bmp": lambda: encoded(smooth(), "BMP"),
}


@pytest.mark.parametrize("kind", SEEDS)
def test_damage_gives_a_picture_or_an_image_error(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A seeded sample; VISIONCAM_FUZZ=1000 runs that many of each kind."""
    silent = silence_decoders()
    rng = np.random.default_rng(86)
    seed = SEEDS[kind]()
    outcomes = {"picture": 0, "refused": 0}
    for _ in range(int(os.environ.get("VISIONCAM_FUZZ", "40"))):
        data = mutated(seed, rng)
        began = time.monotonic()
        try:
            picture = load_picture(data)
        except ImageError:
            outcomes["refused"] += 1
        else:
            assert picture.pixels.dtype == np.uint8
            outcomes["picture"] += 1
        assert time.monotonic() - began < 5
    assert outcomes["refused"] > 0
    if silent or kind not in ("tiff", "lzw"):
        assert capfd.readouterr().err == ""


QUIET = """
import sys
from visioncam_core.images import load_picture
from visioncam_core.picture_files import silence_decoders
if sys.argv[1] == "quiet":
    assert silence_decoders()
for path in sys.argv[2:]:
    try:
        load_picture(path)
    except ValueError:
        pass
"""


@pytest.mark.skipif(sys.platform != "linux", reason="libtiff is reached in another way")
def test_a_program_that_owns_the_terminal_can_have_silence(tmp_path: Path) -> None:
    rng = np.random.default_rng(86)
    paths = [tmp_path / f"{n}.tif" for n in range(40)]
    for path in paths:
        path.write_bytes(mutated(SEEDS["lzw"](), rng))
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    said = {}
    for mode in ("quiet", "as it is"):
        command = [sys.executable, "-c", QUIET, mode, *map(str, paths)]
        said[mode] = subprocess.run(command, capture_output=True, text=True, env=env, check=True).stderr
    assert said["quiet"] == ""
    assert "tempfile.tif" in said["as it is"]  # or there is nothing to silence any more
