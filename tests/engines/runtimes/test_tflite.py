"""TFLite files as models: their maps are the Keras model's, also where its numbers are whole."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.cli import run
from helpers.functions import SIZE
from helpers.hostile_models import crowded

import visioncam
from visioncam_core.errors import ModelError, OptionError, UnsafeModelError
from visioncam_core.plugins.default import registry
from visioncam_engines.runtimes.ports import Port


@pytest.fixture(scope="module")
def model() -> Any:
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((*SIZE, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, 2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def files(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tflite")
    pictures = np.random.default_rng(0).uniform(0, 255, (8, 1, *SIZE, 3)).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    (folder / "float.tflite").write_bytes(converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([one] for one in pictures)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    for kind in ("uint8", "int8"):
        converter.inference_input_type = converter.inference_output_type = getattr(tf, kind)
        with pytest.warns(UserWarning, match="Statistics for quantized inputs"):
            (folder / f"{kind}.tflite").write_bytes(converter.convert())
    return folder


@pytest.fixture
def picture(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (*SIZE, 3), np.uint8)


def test_a_map_is_the_keras_models_own(model: Any, files: Path, picture: np.ndarray) -> None:
    closed = visioncam.load_model(files / "float.tflite")
    settings: dict[str, Any] = {"score": "probability", "target": 1}
    wanted = visioncam.explain(model, picture, "occlusion", **settings)
    found = visioncam.explain(closed, picture, "occlusion", preprocess=None, **settings)
    np.testing.assert_allclose(found.raw, wanted.raw, atol=1e-6)
    assert found.score == pytest.approx(wanted.score, abs=1e-6)


@pytest.mark.parametrize("kind", ["uint8", "int8"])
def test_whole_numbers_stand_for_pixels(kind: str, model: Any, files: Path, picture: np.ndarray) -> None:
    closed = visioncam.load_model(files / f"{kind}.tflite")
    wanted = visioncam.explain(model, picture, "rise", score="probability", target=1)
    found = visioncam.explain(closed, picture, "rise", target=1)
    assert found.score == pytest.approx(wanted.score, abs=0.02)
    assert found.provenance["preprocess"] == "scaled"
    assert "preprocess-unknown" not in [one.code for one in found.diagnostics]
    low, high = closed.calls.range
    assert low == pytest.approx(0, abs=2)
    assert high == pytest.approx(255, abs=2)


def test_numbers_are_stored_and_meant_by_scale_and_zero() -> None:
    port = Port("x", (None, 3), "int8", 0.5, -3)
    stored = port.stored(np.array([[0.0, 1.0, 1e6]]))
    assert (stored.dtype, stored.tolist()) == (np.int8, [[-3, -1, 127]])
    np.testing.assert_array_equal(port.meant(stored), [[0, 1, 65]])


def test_gradients_are_refused(files: Path, picture: np.ndarray) -> None:
    with pytest.raises(OptionError, match=r"'gradcam' needs gradients.* 'tflite' does not provide"):
        visioncam.explain(visioncam.load_model(files / "float.tflite"), picture, "gradcam")


def test_commands_and_other_processes_take_a_file(files: Path, picture: np.ndarray, tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(picture).save(tmp_path / "a.png")
    path = files / "uint8.tflite"
    done = run(
        "explain", tmp_path / "a.png", "--model", path, "--method", "occlusion", "-o", tmp_path / "out"
    )
    assert done.code == 0, done.stderr
    told = run("inspect", path).stdout
    assert "a TFLite model" in told
    assert "found no reason not to load it" in told
    closed = visioncam.load_model(path)
    engine = registry().engine_of(closed)
    maps = [
        visioncam.explain(one, picture, "occlusion").raw
        for one in (closed, engine.unpack(engine.pack(closed)))
    ]
    np.testing.assert_array_equal(*maps)


def test_the_document_of_an_export_is_a_card(files: Path, picture: np.ndarray, tmp_path: Path) -> None:
    document = {
        "visioncam.export": 1,
        "model": "three",
        "class_names": ["a", "b", "c"],
        "picture": {
            "geometry": {"name": "Letterbox", "fill": 0},
            "preprocess": {
                "name": "scaled",
                "known": True,
                "order": [0, 1, 2],
                "mean": [0.0] * 3,
                "std": [2.0] * 3,
            },
        },
    }
    path = tmp_path / "m.tflite"
    path.write_bytes((files / "float.tflite").read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("visioncam.json", json.dumps(document))
    found = visioncam.explain(visioncam.load_model(path), picture, "occlusion", target="b")
    plain = visioncam.load_model(files / "float.tflite")
    wanted = visioncam.explain(plain, picture, "occlusion", target=1, preprocess=lambda x: x / 2)
    assert found.score == pytest.approx(wanted.score, abs=1e-6)
    assert found.provenance["geometry"] == "letterbox"
    crowded(tmp_path / "b.zip", path)
    path.write_bytes((files / "float.tflite").read_bytes() + (tmp_path / "b.zip").read_bytes())
    with pytest.raises(UnsafeModelError, match=r"m\.tflite': its list of members takes 46,000,004 bytes"):
        visioncam.load_model(path)


def test_a_file_with_another_content_is_named(tmp_path: Path) -> None:
    for name, content, words in (
        ("a.tflite", b"\x08\x07\x12\x07pytorch", r"is not a TFLite file \(it begins with"),
        ("a.onnx", b"\x1c\0\0\0TFL3\x14\0 \0", "is a model file of another kind; give it its own suffix"),
        ("b.onnx", b"\x89PNG\r\n\x1a\n", r"is not a model \(PNG\)"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelError, match=words):
            visioncam.load_model(tmp_path / name)


def test_a_file_that_takes_no_two_pictures_gets_one_at_a_time(picture: np.ndarray, tmp_path: Path) -> None:
    @tf.function(input_signature=[tf.TensorSpec((None, *SIZE, 3))])
    def means(x: Any) -> Any:
        return tf.reshape(tf.reduce_mean(x, [1, 2]), (1, 3))

    converter = tf.lite.TFLiteConverter.from_concrete_functions([means.get_concrete_function()], means)
    (tmp_path / "m.tflite").write_bytes(converter.convert())
    model = visioncam.load_model(tmp_path / "m.tflite")
    assert (model.calls.batch, model.file.inputs[0].shape) == (1, (1, *SIZE, 3))
    found = visioncam.explain(model, picture, "occlusion", target=2, preprocess=None)
    assert found.score == pytest.approx(picture[..., 2].mean(), rel=1e-5)
