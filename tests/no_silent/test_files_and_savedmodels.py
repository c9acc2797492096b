"""Model files that are almost right: Keras 2's are opened, others named; a SavedModel goes everywhere."""

from __future__ import annotations

import json
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from helpers.cli import run
from PIL import Image

import visioncam
from visioncam.gradcam import GradCAM
from visioncam_core.errors import ModelError, UnsafeModelError
from visioncam_core.results.provenance import weights_digest
from visioncam_engines.keras.files.load import load_model

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")
VALUES = np.random.default_rng(0).uniform(0, 1, (2, 16, 16, 3)).astype(np.float32)


def network(k: Any, step: Any = None) -> Any:
    """Return a model with another model inside, of either Keras."""
    inside = k.Input((16, 16, 3))
    conv = k.layers.Conv2D(4, 3, activation="relu", name="conv")(inside)
    outer = k.Input((16, 16, 3))
    x = k.Model(inside, conv, name="backbone")(outer)
    x = x if step is None else step(x)
    return k.Model(outer, k.layers.Dense(2)(k.layers.GlobalAveragePooling2D()(x)))


LEGACY = {
    "nested": None,
    "operations": lambda x: tf.nn.relu(x) * 2.0,
    "slices": lambda x: x[:, 1:, :-1],
}


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("kind", LEGACY)
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_file_of_keras_2_is_opened_with_tf_keras(kind: str, suffix: str, tmp_path: Path) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    model, path = network(tf_keras, LEGACY[kind]), tmp_path / f"model{suffix}"
    model.save(path)
    loaded = load_model(path)
    assert np.array_equal(np.asarray(loaded(VALUES)), np.asarray(model(VALUES)))
    picture = tmp_path / "picture.png"
    Image.fromarray((VALUES[0] * 255).astype(np.uint8)).save(picture)
    ended = run("explain", picture, "--model", path, "-o", tmp_path / "out.png")
    assert ended.code == 0, ended.stderr
    assert "is loaded with tf_keras" in ended.stderr


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_without_tf_keras_the_file_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    for kind in LEGACY:
        for suffix in (".h5", ".keras"):
            network(tf_keras, LEGACY[kind]).save(tmp_path / f"{kind}{suffix}")
    monkeypatch.setitem(sys.modules, "tf_keras", None)
    for path in tmp_path.iterdir():
        with pytest.raises(ModelError, match=r"saved by Keras 2.*install tf_keras") as caught:
            load_model(path)
        assert "name the Python module" not in str(caught.value)


def rewritten(path: Path, change: Any) -> None:
    """Change the description in an HDF5 file."""
    with h5py.File(path, "r+") as file:
        tree = json.loads(file.attrs["model_config"])
        change(tree["config"]["layers"])
        file.attrs["model_config"] = json.dumps(tree)


@pytest.mark.parametrize(
    ("node", "error"),
    [
        ({"class_name": "TFOpLambda", "config": {"name": "o", "function": "io.read_file"}}, UnsafeModelError),
        ({"class_name": "TFOpLambda", "config": {"name": "o", "function": "py_function"}}, UnsafeModelError),
        ({"class_name": "ClassMethod", "config": {"name": "o", "cls_symbol": "io.gfile"}}, UnsafeModelError),
        ({"class_name": "TensorFlowOpLayer", "config": {"name": "o", "node_def": "x"}}, UnsafeModelError),
        ({"module": "tf_keras.utils", "class_name": "function", "config": "get_file"}, UnsafeModelError),
        (
            {"module": "tf_keras.src.utils.data_utils", "class_name": "get_file", "config": {}},
            UnsafeModelError,
        ),
        (
            {"module": "keras.src.engine.training", "class_name": "enable_multi_worker", "config": {}},
            UnsafeModelError,
        ),
        ({"module": "numpy", "class_name": "load", "config": {}, "registered_name": "load"}, ModelError),
    ],
    ids=["read", "python", "class", "op", "function", "module", "engine", "import"],
)
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_what_tf_keras_would_run_is_refused(
    node: dict[str, Any], error: type[Exception], tmp_path: Path
) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    path = tmp_path / "model.h5"
    network(tf_keras).save(path)
    rewritten(path, lambda nodes: nodes.insert(1, {**node, "name": "o", "inbound_nodes": []}))
    with pytest.raises(error, match=r"not loaded|name the Python module"):
        load_model(path)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_name_from_a_trusted_module_opens_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    (tmp_path / "my_layers_of_a_test.py").write_text("def load(**_):\n    raise AssertionError\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "model.h5"
    network(tf_keras).save(path)
    node = {"module": "numpy", "class_name": "load", "config": {"name": "o"}, "registered_name": "x>load"}
    rewritten(path, lambda nodes: nodes.insert(1, {**node, "name": "o", "inbound_nodes": []}))
    with pytest.raises(ModelError, match=r"cannot be loaded by Keras 3"):
        load_model(path, custom_objects=["my_layers_of_a_test"])


def zipped(path: Path, member: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "x")


OTHERS = {
    "tflite": (b"\x1c\0\0\0TFL3\x14\0 \0", r"TFLite model without its suffix; call it name\.tflite"),
    "unnamed": (b"\x08\x07\x12\x07pytorch", r"ONNX model without its suffix; call it name\.onnx"),
    "m.mlmodel": (b"\x08\x07\x12\x07pytorch", "is a Core ML model"),
    "m.pb": (b"\n\x08abc", "is a frozen TensorFlow graph.*folder of the SavedModel"),
    "m.pkl": (pickle.dumps([1]), "is a pickle.*predict_proba"),
    "m.joblib": (b"\x78\x9c", "is a pickle"),
    "m.ckpt": ("archive/data.pkl", "checkpoint.*load_from_checkpoint.*--model package.module:function"),
    "m.ckpt.index": (b"\0\0\0", r"a TensorFlow checkpoint.*train\.Checkpoint"),
    "pytorch_model.bin": ("archive/data.pkl", "weights but no model.*hf:FOLDER"),
    "m.gguf": (b"GGUF\x03", "language model"),
    "m.engine": (b"ftrt", "TensorRT.*built from"),
    "m.plan": (b"ftrt", "TensorRT"),
    "m.caffemodel": (b"\n\x05net", "is a Caffe model.*readNetFromCaffe"),
    "m.msgpack": (b"\x81", "Flax"),
    "m.json": (b'{"class_name": "Functional"}', "configuration or weights"),
    "m.safetensors": (b"\x40\0\0\0\0\0\0\0" + b'{"a": 1}', "configuration or weights"),
    "saved_model.pb": (b"\n\x08abc", "pass its folder"),
    "lfs.keras": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "cat.png": (b"\x89PNG\r\n\x1a\n", r"is not a model \(PNG\)"),
    "m.pt": ("archive/data.pkl", "PyTorch"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_files_of_others_are_named(name: str, tmp_path: Path) -> None:
    content, words = OTHERS[name]
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else zipped(path, content)
    with pytest.raises(ModelError, match=words):
        load_model(path)


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ("Manifest.json Data", "Core ML"),
        ("config.json model.safetensors", "Hugging Face folder; name it hf:FOLDER"),
        ("config.json metadata.json model.weights.h5", r"KerasHub.*from_preset\(FOLDER\)"),
        ("_METADATA", r"Orbax.*visioncam\.blackbox"),
        ("checkpoint m.index m.data-00000-of-00001", r"a TensorFlow checkpoint.*train\.Checkpoint"),
        ("notes.txt", "is a folder; pass a .keras or .h5 file"),
    ],
)
def test_folders_of_others_are_named(held: str, words: str, tmp_path: Path) -> None:
    for name in held.split():
        (tmp_path / name).write_text("x")
    with pytest.raises(ModelError, match=words):
        load_model(tmp_path)
    if "m.index" in held:
        with pytest.raises(ModelError, match=words):
            load_model(tmp_path / "m")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Path]:
    """Return the folder of a SavedModel, its model, and a folder with a picture."""
    place = tmp_path_factory.mktemp("exported")
    model = network(keras)
    model.export(place / "model", verbose=False)
    (place / "pictures").mkdir()
    Image.fromarray((VALUES[0] * 255).astype(np.uint8)).save(place / "pictures" / "one.png")
    return place / "model", model, place / "pictures"


@pytest.mark.parametrize("command", ["explain", "compare", "report", "doctor", "layers", "batch"])
def test_every_command_takes_a_trusted_savedmodel(command: str, exported: Any, tmp_path: Path) -> None:
    folder, _, pictures = exported
    picture, out = pictures / "one.png", tmp_path / "out"
    words: list[Any] = {
        "explain": [picture, "-o", out],
        "compare": [picture, "-o", tmp_path / "out.png", "--methods", "gradcam"],
        "report": [tmp_path / "out.html", picture, "--methods", "gradcam"], "doctor": [picture],
        "layers": [], "batch": [pictures, "-o", out],
    }[command]  # fmt: skip
    ended = run(command, *words, "--model", folder, "--trust-savedmodel")
    assert ended.code == 0, ended.stderr
    if command == "report":
        assert f"SavedModel, {4 * 28 + 2 * 5} weights" in (tmp_path / "out.html").read_text()
    if command == "batch":
        assert run("verify", out, pictures, "--model", folder, "--trust-savedmodel").code == 0


def test_what_a_savedmodel_says_of_itself(exported: Any) -> None:
    folder, model, _ = exported
    saved = tf.saved_model.load(str(folder))
    assert visioncam.explainer(saved).hints.weights == model.count_params()
    assert "within 0e+00" in visioncam.doctor(saved, VALUES[0]).facts["trace"]
    engine = visioncam.registry().engine_of(model)
    assert weights_digest(engine, saved) == weights_digest(engine, model)
    assert repr(GradCAM(saved, 1)) == "GradCAM(<SavedModel>, 1, layer_name='auto')"
    twin = engine.copy(saved)
    assert sum(values.size for values in twin.get()) == model.count_params()
