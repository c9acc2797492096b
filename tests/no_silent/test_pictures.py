"""Picture files and float pictures: read by what is there, shown as they were, or said why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.pictures import encoded, smooth
from helpers.tiffs import tiff
from PIL import Image

import visioncam
from visioncam_core.errors import ImageError
from visioncam_core.images.decode import load_picture
from visioncam_core.images.values import Raw, scaled

keras = pytest.importorskip("keras")
layers = keras.layers


@pytest.mark.parametrize("bands", [2, 5, 8, 12])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_tiff_of_many_bands_is_read_whole(bands: int, dtype: str) -> None:
    values = np.random.default_rng(0).integers(0, 200, (6, 7, bands)).astype(dtype)
    whole = tiff(values)
    wanted = values if dtype == "uint8" else scaled(Raw(values)).values
    assert np.array_equal(load_picture(whole).exact, wanted)
    with pytest.raises(ImageError, match="damaged"):
        load_picture(whole[:-20])


def test_bands_beyond_colour_are_left_out_aloud() -> None:
    bands = np.random.default_rng(0).integers(0, 255, (6, 7, 4), dtype=np.uint8)
    picture = load_picture(tiff(bands, extra=(0,)))
    assert np.array_equal(picture.pixels, bands[..., :3])
    assert any("first 3 of its 4 bands" in note for note in picture.notes)


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_fewer_bits_in_a_16_bit_file_are_scaled_by_what_is_there(bits: int, kind: str) -> None:
    values = np.linspace(0, 2**bits - 1, 64).astype(np.uint16).reshape(8, 8)
    picture = load_picture(encoded(values, kind))
    top = 2**bits - 1
    assert np.array_equal(picture.pixels, (values.astype(int) * 255 + top // 2) // top)
    assert any(f"255/{top}" in note and f"no value above {top}" in note for note in picture.notes)


@pytest.mark.parametrize("values", [[0, 257, 20 * 257], [0, 256, 7 * 256], [0, 300, 40_000]])
def test_true_16_bits_are_scaled_as_before(values: list[int]) -> None:
    picture = load_picture(encoded(np.array([values], np.uint16), "PNG"))
    assert picture.pixels[0].tolist() == [round(value / 257) for value in values]
    assert picture.notes == ("16-bit values scaled by 255/65535",)


def test_dark_16_bit_colours_are_scaled_by_what_is_there() -> None:
    dark, bright = (np.full((4, 4, 3), value, np.uint16) for value in (4095, 60_000))
    assert load_picture(tiff(dark)).notes == ("12-bit values scaled by 255/4095 (no value above 4095)",)
    assert load_picture(tiff(bright)).pixels[0, 0].tolist() == [233, 233, 233]


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\x93NUMPY\x01\0v\0", "damaged NumPy array"),
        (b"RIFF\0\0\0\0AVI LIST", "AVI video; pass its frames"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "MP4 video; pass its frames"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ],
)
def test_other_files_are_known_for_what_they_are(start: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        load_picture(start)


def network() -> Any:
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(3, 3, padding="same", activation="relu")(inputs)
    return keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))


@pytest.fixture(scope="module")
def vgg() -> Any:
    return keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3), pooling="avg")


@pytest.mark.parametrize("form", ["float32", "float64", "batch", "resized"])
def test_what_vgg_s_preprocessing_did_is_undone_for_display(form: str, vgg: Any) -> None:
    pixels = smooth(32, 32)
    values = keras.applications.vgg16.preprocess_input(pixels.astype("float32"))
    given = {
        "float32": values,
        "float64": values.astype(float),
        "batch": values[None],
        "resized": values + 0.3,
    }
    found = visioncam.explain(vgg, given[form])
    found = found[0] if isinstance(found, list) else found
    assert found.picture.dtype == np.uint8
    assert np.abs(found.picture.astype(int) - pixels).max() <= (form == "resized")


def test_densenet_s_and_an_asked_preprocessing_are_undone_too() -> None:
    pixels = smooth(32, 32)
    values = (pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    net = network()
    asked = visioncam.explain(net, values[:16, :16].astype("float32"), preprocess="imagenet")
    assert np.array_equal(asked.picture, pixels[:16, :16])
    bgr = keras.applications.vgg16.preprocess_input(pixels[:16, :16].astype("float32"))
    assert np.array_equal(visioncam.explain(net, bgr, preprocess="caffe").picture, pixels[:16, :16])


def test_values_that_were_not_made_so_are_shown_as_they_are(vgg: Any) -> None:
    unit = (smooth(32, 32) / 255).astype("float32")
    found = visioncam.explain(vgg, unit)
    assert np.array_equal(found.picture, unit)
    assert "pixel-range" in {one.code for one in found.diagnostics}


def test_an_unknown_model_says_that_red_and_blue_may_be_swapped() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype("float32")
    values = keras.applications.resnet50.preprocess_input(pixels.copy())
    notes = [one for one in visioncam.explain(network(), values).diagnostics if one.code == "picture-note"]
    assert ["red and blue may be swapped" in one.message for one in notes] == [True]
    plain = visioncam.explain(network(), pixels)
    assert "picture-note" not in {one.code for one in plain.diagnostics}


def corner(place: tuple[int, int]) -> Any:
    """Return a model whose class 0 is one position of its input of 32 x 32."""
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(1, 1, kernel_initializer="ones", name="grey")(inputs)
    model = keras.Model(inputs, layers.Dense(1, use_bias=False)(layers.Flatten()(x)))
    weights = np.zeros((32 * 32, 1), np.float32)
    weights[place[0] * 32 + place[1]] = 1
    model.layers[-1].set_weights([weights])
    return model


@pytest.mark.parametrize(
    ("place", "shape", "geometry", "told"),
    [
        ((2, 2), (16, 64), "letterbox", True),
        ((16, 16), (16, 64), "letterbox", False),
        ((2, 16), (16, 64), "letterbox", True),
        ((16, 2), (64, 16), "letterbox", True),
        ((2, 2), (16, 64), "resize", False),
        ((2, 2), (20, 20), "tile", True),
        ((16, 16), (20, 20), "tile", False),
    ],
)
@pytest.mark.parametrize("evidence", ["for", "signed"])
def test_a_peak_in_the_grey_bars_is_told(
    place: tuple[int, int], shape: tuple[int, int], geometry: str, told: bool, evidence: str
) -> None:
    picture = np.full((*shape, 3), 200, np.uint8)
    found = visioncam.explain(
        corner(place), picture, "hirescam", target=0, geometry=geometry, evidence=evidence
    )
    assert ("peak-in-bars" in {one.code for one in found.diagnostics}) is told
    if told:
        assert found.heatmap.max() < 1


def test_pictures_with_channels_first_and_odd_sources() -> None:
    model = network()
    for given, words in {
        "u8": (smooth(16, 16).transpose(2, 0, 1), r"numpy.moveaxis\(picture, 0, -1\)"),
        "paths": (np.array(["a.png", "b.png"]), "pass several paths or pictures as a list"),
        "open": (Image.new("RGB", (2, 2)).tobytes, "an image is a path"),
        "iterator": (iter([1]), "make a list of it"),
        "uri": ("data:image/png;base64,iVBO", "base64.b64decode"),
        "grey": (np.zeros((2, 16, 16), np.float32), "received"),
    }.values():
        with pytest.raises(ImageError, match=words):
            visioncam.explain(model, given)
    values = np.random.default_rng(0).uniform(0, 1, (16, 16, 3)).astype(np.float32)
    assert np.array_equal(visioncam.explain(model, values.tolist()).raw, visioncam.explain(model, values).raw)
