"""Damage at random: every outcome is a picture or an ImageError, soon, and without a word of others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.fuzz import PICTURES, mutated, silence_decoders

from visioncam_core.errors import ImageError
from visioncam_core.images.decode import load_picture


@pytest.mark.parametrize("kind", PICTURES)
def test_damage_gives_a_picture_or_an_image_error(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A seeded sample; VISIONCAM_FUZZ=1000 runs that many of each kind."""
    silent = silence_decoders()
    rng = np.random.default_rng(86)
    seed = PICTURES[kind]()
    outcomes = {"picture": 0, "refused": 0}
    for _ in range(int(os.environ.get("VISIONCAM_FUZZ", "300"))):
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
from visioncam_core.images.decode import load_picture
from helpers.fuzz import silence_decoders
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
        path.write_bytes(mutated(PICTURES["lzw"](), rng))
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    said = {}
    for mode in ("quiet", "as it is"):
        command = [sys.executable, "-c", QUIET, mode, *map(str, paths)]
        said[mode] = subprocess.run(command, capture_output=True, text=True, env=env, check=True).stderr
    assert said["quiet"] == ""
    assert "tempfile.tif" in said["as it is"]  # or there is nothing to silence any more
