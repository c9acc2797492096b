"""`visioncam.export`: what is in the files, what they answer, and what is not written."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.cli import run
from keras import layers

import visioncam
from visioncam.exporting.check import rank_correlation
from visioncam_core.errors import GradientError, LayerError, ModelError, OptionError, OutputError
from visioncam_core.resize import read_at
from visioncam_engines.exported import onnx_file, tflite_file

FORMS = ("tflite", "onnx", "savedmodel")
CLASSES = 5


def network() -> Any:
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((20, 16, 3), name="photo"),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(8, 3, 2, padding="same", use_bias=False),
            layers.BatchNormalization(name="early"),
            layers.ReLU(6.0),
            layers.Conv2D(8, 3, groups=2, padding="same", activation="gelu"),
            layers.MaxPooling2D(3, 2, padding="same"),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.Conv2D(12, 1, activation="relu", name="late"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def model() -> Any:
    made = network()
    random = np.random.default_rng(0)
    made.set_weights([w + random.normal(0, 0.2, w.shape) * (w.ndim > 1) for w in made.get_weights()])
    return made


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 255, (2, 20, 16, 3)).astype(np.float32)


@pytest.fixture(scope="module", params=FORMS)
def written(request: pytest.FixtureRequest, model: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return an export of an early layer, told the class."""
    form = request.param
    if form == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    place = tmp_path_factory.mktemp(form) / {"savedmodel": "cat"}.get(form, f"cat.{form}")
    outputs = ("probabilities", "raw", "heatmap")
    names = [f"class {i}" for i in range(CLASSES)]
    return visioncam.export(
        model, place, layer="early", target="input", size=(30, 9), outputs=outputs, class_names=names
    )


def answers(path: Path, form: str, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what a file answers, run by its own runtime alone."""
    if form == "tflite":
        return tflite_file.runner(path)[0](given)
    if form == "onnx":
        return onnx_file.runner(path)[0](given)
    import tensorflow as tf

    serve = tf.saved_model.load(path).signatures["serving_default"]
    found = serve(**{name: tf.constant(one) for name, one in given.items()})
    return {name: one.numpy() for name, one in found.items()}


def test_a_file_answers_a_batch_as_explain_does(written: Any, model: Any, pictures: np.ndarray) -> None:
    found = answers(
        written.path, written.format, {"photo": pictures, "target": np.asarray([-1, 2], np.int32)}
    )
    np.testing.assert_allclose(found["probabilities"], model(pictures), atol=1e-5)
    for i, target in enumerate((None, 2)):
        wanted = visioncam.explain(model, pictures[i], layer="early", target=target)
        scale = np.abs(wanted.raw).max()
        np.testing.assert_allclose(found["raw"][i] / scale, wanted.raw / scale, atol=1e-4)
        pixels = [(np.arange(n) + 0.5) * side / n - 0.5 for n, side in ((30, 20), (9, 16))]
        heat = np.maximum(wanted.raw, 0) / wanted.raw.max()
        expected = read_at(heat, pixels, (20, 16), wanted.layer.placement)
        np.testing.assert_allclose(found["heatmap"][i], expected, atol=1e-4)


def test_its_record_and_its_metadata(written: Any) -> None:
    assert written.error < 1e-4
    assert written.same_class == (True, True, True)
    assert (written.layer, written.quantized, written.batch) == ("early", False, True)
    if written.format == "tflite":
        held = json.loads(zipfile.ZipFile(written.path).read("visioncam.json"))
    elif written.format == "onnx":
        import onnx

        made = onnx.load(written.path)
        assert [one.name for one in made.graph.output] == ["probabilities", "raw", "heatmap"]
        held = {one.key: one.value for one in made.metadata_props}
        held = json.loads(held["visioncam"])
        assert written.opset == 17
    else:
        held = json.loads((written.path / "assets.extra" / "visioncam.json").read_text())
    assert held == written.metadata
    assert held["inputs"] == [{"name": "photo", "shape": [20, 16, 3], "dtype": "float32"}]
    assert held["outputs"] == {"probabilities": [], "raw": [10, 8], "heatmap": [30, 9]}
    assert held["class_names"][3] == "class 3"
    assert (held["method"], held["layer"], held["target"]) == ("gradcam", "early", "input")
    assert len(held["weights_sha256"]) == 64
    assert held["picture"]["preprocess"]["mean"] == [0, 0, 0]


def test_a_file_is_opened_again_with_its_names(model: Any, pictures: np.ndarray, tmp_path: Path) -> None:
    names = [f"class {i}" for i in range(CLASSES)]
    found = visioncam.export(model, tmp_path / "m.tflite", layer="late", class_names=names)
    again = visioncam.load_model(found.path)
    one, other = (visioncam.explain(m, pictures[0], "occlusion") for m in (again, model))
    assert one.target.name == f"class {other.target.index}"
    assert one.target.probability == pytest.approx(other.target.probability, abs=1e-5)


METHODS = {
    "hirescam": {}, "xgradcam": {}, "gradcamplusplus": {}, "gradcamelementwise": {}, "respondcam": {},
    "layercam": {"gamma": 2.0}, "eigencam": {"centre": True},
}  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_one_pass(method: str, model: Any, tmp_path: Path) -> None:
    found = visioncam.export(model, tmp_path / "m", method, layer="late", size="input", **METHODS[method])
    assert found.error < 1e-4
    assert found.metadata["method"] == method


def test_eigencams_map_by_squaring_is_that_by_singular_values() -> None:
    import tensorflow as tf

    from visioncam_core.evidence import Evidence
    from visioncam_methods.cam.eigencam import EigenCAM

    for shape in ((2, 3, 4, 20), (2, 6, 5, 7)):
        A = np.random.default_rng(0).gamma(1, size=shape).astype(np.float32)
        for method in (EigenCAM(), EigenCAM(centre=True)):
            wanted = method(Evidence(A, None))
            found = method.in_graph(Evidence(tf.constant(A), None))
            np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


def test_at_the_last_map_the_kernel_is_stored_once(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    made = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(256, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2000),
        ]
    )
    paths = ["big.tflite", "big", *(["big.onnx"] if _has_onnx() else [])]
    for name in paths:
        found = visioncam.export(made, tmp_path / name)
        assert found.size < 4 * 1.02 * made.count_params() + 100_000


def _has_onnx() -> bool:
    from importlib.util import find_spec

    return all(find_spec(name) for name in ("onnx", "onnxruntime", "tf2onnx"))


def test_int8_is_measured_and_refused_below_the_bound(
    model: Any, pictures: np.ndarray, tmp_path: Path
) -> None:
    place = tmp_path / "small.tflite"
    with pytest.raises(ModelError, match=r"small.tflite was not written.*\(at_least=1\).*quantize="):
        visioncam.export(model, place, layer="late", quantize=[*pictures], at_least=1)
    assert list(tmp_path.iterdir()) == []
    found = visioncam.export(model, place, layer="late", quantize=[*pictures], at_least=0.5)
    assert found.quantized
    assert 1e-4 < found.error < 0.1  # 0.37 with the map in int8, too
    assert 0.97 < found.correlation < 1
    assert "int8" in found.lines()[0]


def test_rounding_around_zero_is_no_other_order() -> None:
    heat = np.zeros(40)
    heat[:5] = [0.2, 0.4, 0.6, 0.8, 1.0]
    noise = np.random.default_rng(0).normal(0, 1e-7, 40)
    assert rank_correlation(heat, heat + noise) == pytest.approx(1)
    assert rank_correlation(heat, heat[::-1]) < 0
    assert (rank_correlation(heat, noise), rank_correlation(noise, noise[::-1])) == (0, 1)


def test_an_operation_without_a_forward_gradient_is_named_with_the_next_layer(tmp_path: Path) -> None:
    import tensorflow as tf

    class Lrn(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return tf.nn.local_response_normalization(x, name="lrn")

    made = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, name="first"),
            Lrn(),
            layers.Conv2D(4, 3, name="second"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(3),
        ]
    )
    with pytest.raises(GradientError, match=r"x.tflite at first: .*\(LRN\).*layer='lrn' works"):
        visioncam.export(made, tmp_path / "x.tflite", layer="first")
    assert list(tmp_path.iterdir()) == []
    assert visioncam.export(made, tmp_path / "x", layer="first").error < 1e-4


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "scorecam": ({"method": "scorecam"}, OptionError, r"'scorecam' cannot be exported.*eigencam"),
    "suffix": ({"path": "x.pb"}, OutputError, r"'x.pb': end it in .tflite"),
    "pt2": ({"path": "x.pt2"}, ModelError, r"Keras model becomes .tflite, .onnx or a SavedModel, not '.pt2'"),
    "outputs": ({"outputs": ["probabilities"]}, OptionError, r"outputs=.*with a map among them"),
    "output": ({"outputs": ["heat", "raw"]}, OptionError, r"outputs=.*'heat'.*heatmap"),
    "size": ({"size": (0, 3)}, OptionError, r"size=\(0, 3\): pass 2 whole numbers"),
    "at least": ({"at_least": 2}, OptionError, r"at_least=2 is a rank correlation"),
    "int8": ({"path": "x.onnx", "quantize": []}, OptionError, r"'x.onnx' is none; end it in .tflite"),
    "target": ({"target": lambda y: y[:, 0]}, OptionError, r"a file explains the top class"),
    "tile": ({"geometry": "tile"}, OptionError, r"geometry='tile' takes a pass for each window"),
    "layers": ({"layer": ["early", "late"]}, LayerError, r"a file maps one layer"),
    "folder": ({"path": "there/x.tflite"}, OutputError, r"no such folder"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written_is_refused(
    name: str, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keywords, error, message = REFUSED[name]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        visioncam.export(model, **{"path": "x", **keywords})
    assert list(tmp_path.iterdir()) == []


def test_an_engine_that_writes_nothing_says_so(tmp_path: Path) -> None:
    black = visioncam.blackbox(lambda x: x.mean((1, 2)), (8, 8))
    with pytest.raises((ModelError, OptionError), match="blackbox"):
        visioncam.export(black, tmp_path / "x.tflite")


def test_the_command(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "m.keras")
    words = ("export-model", tmp_path / "m.tflite", "--model", tmp_path / "m.keras", "--layer", "late")
    done = run(*words, "--size", "5,4", "--outputs", "heatmap,logits", "--json")
    assert (done.code, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["metadata"]["outputs"] == {"heatmap": [5, 4], "logits": []}
    assert (tmp_path / "m.tflite").stat().st_size == found["size"]
    done = run(*words, "--size", "big")
    assert done.code == 2
    assert "--size takes H,W or input, received 'big'" in done.stderr
