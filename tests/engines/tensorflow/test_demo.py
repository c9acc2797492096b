"""The embedded model: right numbers, right names, a cache that heals itself."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import visioncam
from visioncam import demo
from visioncam_core.engine.model_card import card_of
from visioncam_core.images.geometry import CenterCrop, Resize, fit
from visioncam_core.pipeline.models import open_model
from visioncam_engines.demo import weights
from visioncam_engines.keras.demo import cache, network

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "data" / "golden" / "efficientnet_lite0_maps.npz"
CHELSEA = ROOT / "examples" / "chelsea.png"


@pytest.fixture(scope="module")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of our own, so that no test sees or touches the user's."""
    home = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home))
        yield home


@pytest.fixture(scope="module")
def model(cache_home: Path) -> Any:
    return demo.load()


def cached_file(home: Path) -> Path:
    (path,) = home.rglob("*.keras")
    return path


def softmax(logits: np.ndarray) -> np.ndarray:
    powers: np.ndarray = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def top(model: Any, pixels: np.ndarray) -> tuple[int, float]:
    probabilities = np.asarray(model(demo.preprocess(pixels)[None], training=False))[0]
    return int(probabilities.argmax()), float(probabilities.max())


# the network


def test_logits_agree_with_the_golden_file(model: Any) -> None:
    import keras

    golden = np.load(GOLDEN)
    pooled = keras.Model(model.input, model.get_layer("avg_pool").output)
    kernel, bias = model.get_layer("predictions").get_weights()
    logits = np.asarray(pooled(demo.preprocess(golden["input"]), training=False)) @ kernel + bias
    np.testing.assert_allclose(logits, golden["logits"], atol=1e-3)


def test_output_is_the_softmax_of_the_golden_logits(model: Any) -> None:
    golden = np.load(GOLDEN)
    probabilities = np.asarray(model(demo.preprocess(golden["input"]), training=False))
    np.testing.assert_allclose(probabilities, softmax(golden["logits"]), atol=1e-4)
    assert probabilities.argmax(1).tolist() == golden["class_index"].tolist()


def test_layers_have_the_promised_names_and_shapes(model: Any) -> None:
    assert model.input_shape == (None, 224, 224, 3)
    assert model.get_layer("top_activation").output.shape == (None, 7, 7, 1280)
    assert model.get_layer("block5c_add").output.shape == (None, 14, 14, 112)
    assert model.layers[-1].name == "predictions"
    assert model.count_params() == 4_694_024  # with the 42,016 moving statistics


def test_chelsea_is_a_tiger_cat_in_the_centre_crop_and_an_egyptian_cat_squashed(model: Any) -> None:
    picture = np.asarray(Image.open(CHELSEA).convert("RGB"))
    card = card_of(model)
    assert card is not None
    pixels, geometry = fit(picture, (224, 224), card.geometry)
    assert geometry.view == (19, 94, 281, 356)  # 262 = round(300 * 224 / 256) pixels a side
    difference = pixels.astype(int) - np.load(GOLDEN)["input"][0]
    assert np.abs(difference).max() <= 1
    index, probability = top(model, pixels)
    assert index == 282
    assert probability == pytest.approx(0.385, abs=0.005)
    squashed, _ = fit(picture, (224, 224), Resize("bicubic"))
    assert top(model, squashed)[0] == 285


def test_keras_defaults_of_the_user_do_not_change_the_network() -> None:
    import keras

    policy, data_format = keras.config.dtype_policy(), keras.config.image_data_format()
    keras.config.set_dtype_policy("mixed_float16")
    keras.config.set_image_data_format("channels_first")
    try:
        built = network.build()
        network.fill(built, weights.read_weights(weights.weights_file()))
        golden = np.load(GOLDEN)
        probabilities = np.asarray(built(demo.preprocess(golden["input"][:1]), training=False))
    finally:
        keras.config.set_dtype_policy(policy)
        keras.config.set_image_data_format(data_format)
    assert {layer.compute_dtype for layer in built.layers[1:]} == {"float32"}
    assert built.get_layer("top_activation").output.shape == (None, 7, 7, 1280)
    assert probabilities[0, 282] == pytest.approx(softmax(golden["logits"])[0, 282], abs=1e-5)


# what VisionCam knows about it


def test_class_names_are_imagenets_in_order() -> None:
    names = demo.class_names()
    assert len(names) == 1000
    assert names[281:283] == ["tabby, tabby cat", "tiger cat"]
    assert (names[0], names[285], names[967]) == ("tench, Tinca tinca", "Egyptian cat", "espresso")
    assert names[999] == "toilet tissue, toilet paper, bathroom tissue"


def test_the_model_comes_with_its_card(model: Any) -> None:
    card = card_of(model)
    assert card is not None
    assert card.class_names == tuple(demo.class_names())
    assert callable(card.preprocess)
    pixels = np.array([0, 127, 255], np.uint8)
    assert card.preprocess(pixels).tolist() == [-127 / 128, 0.0, 1.0]
    assert card.preprocess(pixels).dtype == np.float32
    assert card.geometry == CenterCrop(0.875, "bicubic")
    assert "Lite0" in card.title


# the cache


def test_a_second_load_is_a_new_model_from_the_cache(
    model: Any, cache_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = cached_file(cache_home).stat().st_mtime_ns
    again = demo.load()
    assert again is not model
    assert cached_file(cache_home).stat().st_mtime_ns == before
    assert not caplog.records
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("damage", ["cut", "weights", "metadata", "empty"])
def test_a_damaged_cache_is_made_again_with_a_warning(
    model: Any, cache_home: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    path = cached_file(cache_home)
    data = bytearray(path.read_bytes())
    if damage == "cut":
        del data[len(data) // 2 :]
    elif damage == "empty":
        data.clear()
    else:  # one bit, in the middle of the weights or in a part that Keras does not read
        data[len(data) // 2 if damage == "weights" else data.index(b"keras_version")] ^= 1
    path.write_bytes(data)
    again = demo.load()
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"{path} cannot be used" in record.getMessage()
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with zipfile.ZipFile(cached_file(cache_home)) as archive:
        assert archive.testzip() is None


class SlowModel:
    """Has the one method the cache calls, and looks around while it writes."""

    def __init__(self, target: Path, *, fails: bool = False) -> None:
        self.target, self.fails = target, fails
        self.seen: bytes | None = b"never saved"

    def save(self, name: str) -> None:
        Path(name).write_bytes(b"half")
        self.seen = self.target.read_bytes() if self.target.exists() else None
        if self.fails:
            raise OSError(28, "No space left on device")
        Path(name).write_bytes(b"whole")


def test_the_cache_file_appears_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "m.keras"
    made: Any = SlowModel(path)
    assert cache.load_or_make(path, lambda: made) is made
    assert made.seen is None
    assert path.read_bytes() == b"whole"
    assert [file.name for file in path.parent.iterdir()] == ["m.keras"]


def test_a_full_disk_leaves_no_half_file_and_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(b"old and damaged")
    made: Any = SlowModel(path, fails=True)
    assert cache.load_or_make(path, lambda: made) is made
    assert made.seen == b"old and damaged"
    assert [file.name for file in tmp_path.iterdir()] == ["m.keras"]
    assert "could not be cached" in caplog.text
    assert "No space left" in caplog.text


def test_a_cache_folder_that_cannot_be_made_costs_only_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "m.keras"
    made: Any = SlowModel(path)
    assert cache.load_or_make(path, lambda: made) is made
    assert f"could not be cached in {path}" in caplog.text


def test_importing_the_demo_loads_no_tensorflow() -> None:
    code = (
        "import sys, visioncam.demo; print([m for m in ('tensorflow', 'keras', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_map_of_the_cat_depends_on_its_class(model: Any) -> None:
    """The two best classes are two kinds of cats, and no reason for a warning."""
    report = visioncam.doctor(model, CHELSEA)
    assert report.healthy, report
    assert "functional" in report.facts["model"]


def test_a_saved_copy_keeps_names_preprocessing_and_geometry_and_one_trained_further_loses_its_names(
    model: Any, tmp_path: Path
) -> None:
    import keras

    model.save(tmp_path / "m.keras")
    wanted = visioncam.explain(model, CHELSEA)
    for copy in (open_model(tmp_path / "m.keras"), keras.models.load_model(tmp_path / "m.keras")):
        found = visioncam.explain(copy, CHELSEA)
        assert found.target.label == wanted.target.label
        np.testing.assert_array_equal(found.heatmap, wanted.heatmap)
    trained = open_model(tmp_path / "m.keras")
    trained.layers[-1].bias.assign_add(np.ones(1000))
    found = visioncam.explain(trained, CHELSEA)
    assert (found.target.label, found.diagnostics) == (f"class {found.target.index}", ())
    two = keras.Model(model.input, keras.layers.Dense(2)(model.layers[-2].output))
    assert not any(one.code == "preprocess-unknown" for one in visioncam.explain(two, CHELSEA).diagnostics)
