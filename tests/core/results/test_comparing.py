"""Methods by classes, layers and pictures in any combination, from Python and the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cli import run
from PIL import Image

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import OptionError, OptionTypeError, TargetError


@pytest.fixture(scope="module")
def model() -> Any:
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="one")(inputs)
    x = keras.layers.Conv2D(4, 3, activation="relu", name="two")(x)
    x = keras.layers.Dense(3, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, x)


PICTURES = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 3), dtype=np.uint8)
UNIT: dict[str, Any] = {"preprocess": "unit"}


def test_every_combination_is_what_it_is_by_itself(model: Any) -> None:
    found = visioncam.compare(
        model, list(PICTURES), ["gradcam", "hirescam"], targets=[0, 2], layers=["one", "two"], **UNIT
    )
    assert (len(found), found.each, len(found.pictures)) == (8, 4, 2)  # type: ignore[union-attr]
    rows = iter(found)
    for picture in PICTURES:
        for target in (0, 2):
            for layer in ("one", "two"):
                row = next(rows)
                alone = visioncam.compare(
                    model, picture, ["gradcam", "hirescam"], target=target, layer=layer, **UNIT
                )
                assert [e.layer.path for e in row] == [layer] * 2
                assert [e.target.index for e in row] == [target] * 2
                for e, other in zip(row, alone, strict=True):
                    np.testing.assert_allclose(e.raw, other.raw, rtol=1e-4, atol=1e-6)
    assert found.sheet().shape[2] == 3  # type: ignore[union-attr]
    assert found._repr_png_().startswith(b"\x89PNG")


def test_a_stack_asks_for_each_pictures_own_best_classes(model: Any) -> None:
    found = visioncam.compare(model, list(PICTURES), ["gradcam"], targets="top5", **UNIT)
    assert len(found) == 6, "three classes each, as the model has no more"
    answers = model.predict(PICTURES / np.float32(255), verbose=0)
    for picture, rows in enumerate(found.pictures):  # type: ignore[union-attr]
        assert [row[0].target.index for row in rows] == list(np.argsort(-answers[picture]))


def test_another_class_or_layer_traces_nothing_new(model: Any) -> None:
    visioncam.compare(model, list(PICTURES), ["gradcam"], layers=["one", "two"], **UNIT)
    before = COUNTERS.snapshot()
    visioncam.compare(model, list(PICTURES), ["gradcam"], targets=[0, 1, 2], layers=["one", "two"], **UNIT)
    assert (COUNTERS.snapshot() - before)["traces"] == 0


def test_one_of_everything_is_one_comparison_and_a_list_is_a_list(model: Any) -> None:
    assert isinstance(visioncam.compare(model, PICTURES[0], ["gradcam"], **UNIT), visioncam.Comparison)
    found = visioncam.compare(model, list(PICTURES[:1]), ["gradcam"], **UNIT)
    assert isinstance(found, list)
    assert len(found) == 1


def test_bad_calls_say_what_to_do(model: Any) -> None:
    for keywords, error, message in (
        ({"target": 0, "targets": [1]}, OptionTypeError, "target and targets"),
        ({"layer": "one", "layers": ["two"]}, OptionTypeError, "layer and layers"),
        ({"targets": []}, OptionTypeError, r"targets takes a list with at least one entry, received \[\]"),
        (
            {"layers": "one"},
            OptionTypeError,
            "layers takes a list with at least one entry, received 'one'; for a single one use layer=",
        ),
        ({"target": "top2"}, TargetError, "as targets='top2' to visioncam.compare"),
        ({"targets": [0, 7]}, TargetError, "7"),
        ({"targets": "top9"}, TargetError, "top9"),
    ):
        with pytest.raises(error, match=message):
            visioncam.compare(model, PICTURES[0], ["gradcam"], **{**UNIT, **keywords})
    with pytest.raises(OptionError, match="one of 'map', 'method', 'all'"):
        visioncam.compare(model, PICTURES[0], ["gradcam"], **UNIT).sheet(scale="both")


def test_the_command_compares_in_any_combination(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "m.keras")
    names = ["a.png", "b.png"]
    for name, pixels in zip(names, PICTURES, strict=True):
        Image.fromarray(pixels).save(tmp_path / name)
    words = ["--model", tmp_path / "m.keras", "--methods", "gradcam,hirescam", "--preprocess", "unit"]
    words += ["--targets", "0,1", "--scale", "method"]
    words += ["--agreement", "--correlations", "--json", "-o", tmp_path / "sheet.png"]
    done = run("compare", *(tmp_path / name for name in names), "--layers", "one,two", *words)
    assert done.code == 0, done.stderr
    results = done.data["results"]
    keys = [(Path(one["image"]).name, one["target"]["index"], one["layer"]["path"]) for one in results]
    assert keys[::2] == [(name, c, layer) for name in names for c in (0, 1) for layer in ("one", "two")]
    assert all(one["seconds"] >= 0 and one["passes"] >= 0 for one in results)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.height > 1500
    fused = run("compare", tmp_path / "a.png", "--layer", "one", "--layer", "two", *words)
    assert fused.code == 0, fused.stderr
    assert len(fused.data["results"]) == 4, "two classes, two methods; the layers are fused"
    spoken = run("compare", tmp_path / "a.png", *(word for word in words if word != "--json"))
    assert spoken.stdout.count("hirescam") + spoken.stdout.count("HiResCAM") >= 2
