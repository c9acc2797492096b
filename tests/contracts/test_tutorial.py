"""The tutorial followed to the letter, in an empty folder with a photo, ends with the reader's own method."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.tutorial import Reader
from PIL import Image

import visioncam

CHECKOUT = Path(__file__).resolve().parents[2]
README = CHECKOUT / "plugins_example" / "README.md"
TESTS = "python -m pytest my-cam"  # run at the end; test_new_plugin.py runs those of a new plugin


@pytest.mark.slow
def test_the_tutorial_ends_with_a_method_of_ones_own(tmp_path: Path) -> None:
    shutil.copy(CHECKOUT / "examples" / "chelsea.png", tmp_path / "cat.jpg")  # its content says what it is
    reader = Reader(
        tmp_path,
        installs={'python -m pip install -e "./my-cam[test]"': "my-cam"},
        skips=("python -m venv", ". .venv/", "python -m pip", "python -m build", "python -m twine", TESTS),
    )
    tutorial, rule, tour = README.read_text("utf-8").partition("\n---\n")
    assert rule
    assert f'install "./visioncam-{visioncam.__version__}-py3-none-any.whl[demo]"' in tutorial
    reader.follow(tutorial)
    assert (len(reader.skipped), reader.skipped.count(TESTS)) == (8, 2)
    assert " passed" in reader.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "my-cam")
    assert "mycam  NormGrad, of my-cam" in reader.output("visioncam methods")
    assert "gamma=1.0" in reader.output("visioncam methods")
    (sheet,) = [printed for line, printed in reader.printed if line.endswith("-o compare.png")]
    assert "NormGrad" in sheet
    assert "failed" not in sheet
    assert "checks passed" in reader.output("visioncam plugins --check")
    assert "NormGrad {'gamma': 2.0}" in reader.printed[-3][1]
    for name in ("first.png", "compare.png", "cat_mycam.png"):
        with Image.open(tmp_path / name) as picture:
            assert np.asarray(picture.convert("RGB")).std() > 10
    assert "`block:4`" in tour
