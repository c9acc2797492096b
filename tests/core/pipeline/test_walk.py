"""How many of our files one warm call enters, so that a reader can follow it.

`python tests/core/pipeline/test_walk.py` prints the files, then the functions of `pipeline/`, in order.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import CodeType

import keras
import numpy as np
from keras import layers as L  # noqa: N812  -- as everybody writes it

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from helpers.walk import files, functions, walk

import visioncam

FILES = 40
"""The plan's bound."""


def warm_walk() -> list[CodeType]:
    """Return what the second `explain` of a picture enters."""
    model = keras.Sequential(
        [
            L.Input((16, 16, 3)),
            L.Conv2D(4, 3, activation="relu"),
            L.GlobalAveragePooling2D(),
            L.Dense(3, activation="softmax"),
        ]
    )
    array = np.random.default_rng(0).random((16, 16, 3), dtype=np.float32)
    visioncam.explain(model, array)
    return walk(lambda: visioncam.explain(model, array))


def test_a_warm_call_enters_few_files() -> None:
    found = files(warm_walk())
    assert found[0] == "visioncam/api.py"
    assert "visioncam_methods/cam/gradcam.py" in found
    assert len(found) < FILES, found


def test_the_walk_is_in_order_and_leaves_the_profiler_as_it_was() -> None:
    before = sys.getprofile()
    entered = walk(lambda: visioncam.geometry.Resize()((8, 8), (4, 4)))
    assert sys.getprofile() is before
    assert files(entered)[-1] == "visioncam_core/images/geometry.py"
    assert walk(lambda: None) == []


if __name__ == "__main__":
    entered = warm_walk()
    found = files(entered)
    print(f"{len(found)} files, the plan wants fewer than {FILES}", *found, "", sep="\n")
    print("functions of pipeline/:", *functions(entered, "visioncam_core/pipeline"), sep="\n")
