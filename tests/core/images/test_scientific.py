"""More than 8 bits reach the model unrounded: windows, arrays, NumPy's files, TIFF stacks."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cli import run
from helpers.tiffs import tiff
from PIL import Image

import visioncam
from visioncam_core.errors import ImageError, OptionError, OptionTypeError
from visioncam_core.images.clips import load_clip
from visioncam_core.images.decode import load_picture
from visioncam_core.images.formats.tiff import pages_of, read_page

keras = pytest.importorskip("keras")
RNG = np.random.default_rng(0)
CT = RNG.integers(-1024, 2000, (12, 14)).astype(np.int16)
WINDOW = (-160.0, 240.0)
LUNG = (np.clip(CT.astype(float), *WINDOW) + 160) / 400 * 255


def summing(shape: tuple[int | None, ...]) -> Any:
    """Return a model whose only layer hands its input on, channels summed."""
    inputs = keras.Input(shape)
    conv = keras.layers.Conv3D if len(shape) == 4 else keras.layers.Conv2D
    pool = keras.layers.GlobalAveragePooling3D if len(shape) == 4 else keras.layers.GlobalAveragePooling2D
    x = conv(1, 1, kernel_initializer="ones", name="sums")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, kernel_initializer="ones")(pool()(x)))


def raw_of(model: Any, image: Any, **keywords: Any) -> np.ndarray:
    found = visioncam.explain(model, image, "hirescam", target=0, **keywords)
    return np.asarray((found[0] if isinstance(found, list) else found).raw)


def proportional(a: np.ndarray, b: np.ndarray) -> None:
    np.testing.assert_allclose(a / a.sum(), b / b.sum(), rtol=2e-5)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["array", "float64", "tensor", "npy", "tiff", "batch", "channel"])
def test_a_window_is_what_the_model_sees_unrounded(form: str, tmp_path: Path) -> None:
    given = {
        "array": CT, "float64": CT.astype(float), "tensor": keras.ops.convert_to_tensor(CT), "npy": npy(CT),
        "tiff": tiff(CT[..., None]), "batch": CT[None, ..., None], "channel": CT[..., None],
    }[form]  # fmt: skip
    model = summing((12, 14, 1))
    by_hand = raw_of(model, LUNG[..., None].astype(np.float32))
    np.testing.assert_allclose(raw_of(model, given, window=WINDOW), by_hand, rtol=1e-6)
    unit = raw_of(model, given, window=WINDOW, preprocess="unit")
    np.testing.assert_allclose(unit, by_hand / 255, rtol=1e-5)
    shown = visioncam.explain(model, given, window=WINDOW)
    shown = shown[0] if isinstance(shown, list) else shown
    assert np.array_equal(np.squeeze(shown.picture), np.rint(LUNG))
    assert shown.provenance["window"] == list(WINDOW)
    assert not [one for one in shown.diagnostics if one.code == "range-unused"]


def test_a_window_scales_8_bits_too() -> None:
    picture = load_picture(np.uint8([[0, 100, 150, 200]]), window=(100, 200))
    assert picture.exact.tolist() == [[0.0, 0.0, 127.5, 255.0]]


@pytest.mark.parametrize(
    ("window", "error"),
    [
        ((3, 3), OptionError), ((5, 1), OptionError), ((0, np.inf), OptionError), ((np.nan, 1), OptionError),
        ((1,), OptionTypeError), ((1, 2, 3), OptionTypeError), ("ab", OptionTypeError), (7, OptionTypeError),
    ],
)  # fmt: skip
def test_wrong_windows(window: Any, error: type[Exception]) -> None:
    for call in (
        lambda: load_picture(CT, window=window),
        lambda: visioncam.explain(summing((12, 14, 1)), CT, window=window),
    ):
        with pytest.raises(error, match=r"window.* received"):
            call()


def test_one_number_is_the_side_of_occlusion_s_windows(tmp_path: Path) -> None:
    from visioncam_methods.region.occlusion import Occlusion

    model = summing((12, 14, 1))
    given = load_picture(CT, window=WINDOW).pixels
    plain, own = (
        visioncam.explain(model, given, one, target=0) for one in ("occlusion", Occlusion(window=4))
    )
    named = visioncam.explain(model, given, "occlusion", window=4, target=0)
    both = visioncam.explain(model, CT, Occlusion(window=4), window=WINDOW, target=0)
    assert np.array_equal(named.raw, own.raw)
    assert not np.array_equal(named.raw, plain.raw)
    np.testing.assert_allclose(both.raw, own.raw, rtol=0.02, atol=0.02 * np.abs(own.raw).max())
    (tmp_path / "ct.npy").write_bytes(npy(CT))
    model.save(tmp_path / "m.keras")
    call = ("explain", tmp_path / "ct.npy", "--model", tmp_path / "m.keras", "-o", tmp_path / "map.npz")
    done = run(
        *call, "--method", "occlusion", "--option", "window=4", "--window", "-160,240", "--target", "0"
    )
    assert done.code == 0, done.stderr
    assert np.array_equal(np.load(tmp_path / "map.npz")["raw"], both.raw)
    assert run(*call, "--method", "occlusion", "--window", "4").code == 0
    assert (
        "'4' is not a pair LOW,HIGH, and is not an option of method 'gradcam'"
        in run(*call, "--window", "4").stderr
    )
    assert "--window must be" in run("layers", "--model", tmp_path / "m.keras", "--window", "4").stderr


def test_16_bit_arrays_are_pictures_where_they_are_no_input() -> None:
    values = RNG.integers(0, 4096, (24, 28)).astype(np.uint16)
    values[0, 0] = 4095
    model = summing((12, 14, 1))
    by_hand = np.asarray(Image.fromarray((values / 4095 * 255).astype(np.float32)).resize((14, 12), 2))
    np.testing.assert_allclose(raw_of(model, values), raw_of(model, by_hand[..., None]), rtol=1e-5)
    as_input = values[:12, :14, None]
    assert np.array_equal(raw_of(model, as_input), raw_of(model, as_input.astype(np.float32)))
    with pytest.raises(ImageError, match=r"with window=\(low, high\) so is this array"):
        raw_of(model, values[..., None].astype(np.float32))


def test_little_contrast_is_told() -> None:
    values = np.full((40, 40), 100, np.int16)
    values[:4] = 130
    values[0, 0] = 30_000
    codes = {one.code: one for one in visioncam.explain(summing((12, 14, 1)), values).diagnostics}
    message = codes["range-unused"].message
    assert "between 100 and 130, 0.1% of the range 100 to 30000" in message
    assert "window=(low, high)" in codes["range-unused"].fix
    assert load_picture(values, window=(0, 30_000)).unused == ""
    assert load_picture(CT).unused == ""


def test_values_that_are_not_finite() -> None:
    values = np.array([[np.nan, 0.0], [2.0, np.inf]])
    picture = load_picture(npy(values))
    assert picture.exact.tolist() == [[0, 0], [255, 255]]
    assert "2 NaN or infinite values" in picture.notes[0]
    with pytest.raises(ImageError, match="no finite value"):
        load_picture(npy(np.full((2, 2), np.nan)))


def test_a_series_and_an_archive(tmp_path: Path) -> None:
    series = RNG.uniform(-1, 1, (5, 12, 14))
    path = tmp_path / "scan.npz"
    np.savez(path, ct=series, mask=series > 0)
    whole = load_picture(f"{path}:ct", frame=3)
    one = series[3]
    np.testing.assert_allclose(whole.exact, (one - one.min()) / np.ptp(one) * 255, rtol=1e-5, atol=1e-4)
    assert whole.notes[0] == "frame 3 of 5 (counted from 0)"
    with pytest.raises(ImageError, match=r"holds the arrays 'ct', 'mask'; name one: .*scan.npz:ct"):
        load_picture(path)
    with pytest.raises(ImageError, match="no array 'pet'; it has"):
        load_picture(f"{path}:pet")
    with pytest.raises(ImageError, match="frame=5 does not exist; it has 5 frames"):
        load_picture(f"{path}:ct", frame=5)
    np.savez(tmp_path / "one.npz", series[0])
    assert load_picture(tmp_path / "one.npz").pixels.shape == (12, 14)


def test_what_npy_refuses(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="holds object, not real numbers"):
        load_picture(npy(np.array([[None]])))
    with pytest.raises(ImageError, match="its header says"):
        load_picture(npy(CT)[:-1])
    with pytest.raises(ImageError, match="raise max_pixels"):
        load_picture(npy(CT), max_pixels=20)
    large = npy(np.zeros((1, 1)))
    with pytest.raises(ImageError, match="more than four for each"):  # nothing of that size is made
        load_picture(large.replace(b"(1, 1)", b"(9999999, 9999999)"[:18].ljust(6)))
    with pytest.raises(ImageError, match="neither a picture nor a series"):
        load_picture(npy(np.zeros(5)))


def test_bands_go_to_a_model_of_so_many(tmp_path: Path) -> None:
    for count in (2, 4, 8):
        values = RNG.integers(0, 60_000, (12, 14, count)).astype(np.uint16)
        values[0, 0, 0] = 65_535
        path = tmp_path / "bands.tif"
        path.write_bytes(tiff(values, extra=(0,) * (count - 3) if count > 3 else ()))
        by_hand = (values / 257).astype(np.float32)
        model = summing((12, 14, count))
        np.testing.assert_allclose(raw_of(model, path), raw_of(model, by_hand), rtol=1e-5)
    colour = load_picture(tiff(values[..., :4], extra=(0,)))
    assert colour.pixels.shape[-1] == 3
    assert any("first 3 of its 4 bands" in note for note in colour.notes)
    with pytest.raises(ImageError, match="has 8 channels and the model takes 3"):
        raw_of(summing((12, 14, 3)), path)


def test_opacity_of_16_bits_is_laid_on_white() -> None:
    values = np.array([[[0, 0, 0, 32768], [9, 9, 9, 0], [65535, 0, 0, 65535]]], np.uint16)
    picture = load_picture(tiff(values, extra=(2,)))
    assert picture.pixels[0].tolist() == [[127] * 3, [255] * 3, [255, 0, 0]]
    assert "transparent parts shown on white" in picture.notes


def pages(values: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    first, *rest = map(Image.fromarray, values)
    first.save(buffer, "TIFF", save_all=True, append_images=rest, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}])
@pytest.mark.parametrize("dtype", ["uint16", "float32", "int32"])
def test_a_tiff_stack_is_a_volume(options: Any, dtype: str, tmp_path: Path) -> None:
    values = RNG.integers(0, 3000, (6, 12, 14)).astype(dtype)
    data = pages(values, **options)
    low, high = (0, 4095) if dtype == "uint16" else (values.min(), values.max())
    exact = ((values.astype(float) - low) / (high - low) * 255).astype(np.float32)
    np.testing.assert_allclose(load_clip(data).exact, exact, rtol=1e-5, atol=1e-4)
    model = summing((6, 12, 14, 1))
    np.testing.assert_allclose(raw_of(model, data), raw_of(model, exact[..., None]), rtol=1e-5)
    picture = load_picture(data, frame=4, window=(0, 3000))
    np.testing.assert_allclose(picture.exact, values[4] / 3000 * 255, rtol=1e-5)
    assert picture.notes[0] == "frame 4 of 6 (counted from 0)"
    with pytest.raises(ImageError, match="frame=6 does not exist; it has 6 frames"):
        load_picture(data, frame=6)
    with pytest.raises(ImageError, match="6 pictures of 14 x 12 are more than max_pixels"):
        load_clip(data, max_pixels=500)


@pytest.mark.parametrize("kind", ["npy", "npz", "tif"])
def test_a_series_is_a_run(kind: str, tmp_path: Path) -> None:
    series = RNG.integers(0, 4096, (5, 12, 14)).astype(np.uint16)
    path = tmp_path / f"scan.{kind}"
    if kind == "npz":
        np.savez(path, ct=series, other=series)
    else:
        path.write_bytes(npy(series) if kind == "npy" else pages(series))
    source, model = f"{path}:ct" if kind == "npz" else path, summing((12, 14, 1))
    done = visioncam.explain_dataset(
        model, source, tmp_path / "out", "hirescam", save_as="npz", window=(0, 4095)
    )
    assert (done.done, done.failed.total()) == (5, 0)
    for k, one in enumerate(sorted((tmp_path / "out").rglob("*.npz"))):
        assert f"scan_000{k}" in one.name
        exact = (series[k] / 4095 * 255).astype(np.float32)[..., None]
        proportional(np.load(one)["raw"], raw_of(model, exact))


def test_slices_are_resampled_to_the_model_s_and_the_map_comes_back() -> None:
    values = np.repeat(np.arange(8, dtype=np.float32), 2)[:, None, None] + np.zeros((16, 12, 14), np.float32)
    found = visioncam.explain(summing((8, 12, 14, 1)), values, "hirescam", target=0, window=(0, 7))
    assert any("16 slices resampled to the model's 8" in one.message for one in found.diagnostics)
    assert found.heatmap.shape == found.picture.shape == (16, 12, 14)
    means = found.raw[:, 5, 5] / found.raw[:, 5, 5].max()
    assert np.all(np.diff(means) > 0)
    assert abs(float(means[3]) - 3 / 7) < 0.05  # a slice between its neighbours
    middle = found.heatmap[:, 5, 5]
    assert np.all(np.diff(middle) >= 0)
    assert middle.argmax() >= 14


def test_colours_of_a_video_are_not_resampled() -> None:
    with pytest.raises(ImageError, match="takes 8 frames"):
        raw_of(summing((8, 12, 14, 3)), np.zeros((16, 12, 14, 3), np.uint8))


def test_channels_first_volumes_with_a_window() -> None:
    values = RNG.uniform(-5, 5, (2, 6, 12, 14)).astype(np.float32)
    inputs = keras.Input((2, 6, 12, 14))
    x = keras.layers.Permute((2, 3, 4, 1))(inputs)
    x = keras.layers.Conv3D(1, 1, kernel_initializer="ones", name="sums")(x)
    model = keras.Model(
        inputs, keras.layers.Dense(2, kernel_initializer="ones")(keras.layers.GlobalAveragePooling3D()(x))
    )
    by_hand = ((np.clip(values, -1, 1) + 1) / 2 * 255).astype(np.float32)
    model = visioncam.set_model_card(model, visioncam.ModelCard(channels_first=True)) or model
    np.testing.assert_allclose(raw_of(model, values, window=(-1, 1)), raw_of(model, by_hand), rtol=1e-5)


def test_planes_and_predictors_are_read_as_opencv_writes_them() -> None:
    import cv2

    values = RNG.integers(0, 60_000, (33, 41, 3)).astype(np.uint16)
    for packing in (1, 5, 8, 32773):
        for array in (values, values.astype(np.float32) / 7):
            _, code = cv2.imencode(".tif", array[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, packing])
            data = code.tobytes()
            (page,) = pages_of(data) or []
            assert np.array_equal(read_page(data, page, 10_000, "it"), array)


def test_maps_as_arrays(tmp_path: Path) -> None:
    found = visioncam.explain(summing((12, 14, 1)), CT, window=WINDOW)
    assert np.array_equal(np.load(found.save(tmp_path / "map.npy")), found.heatmap)
    again = visioncam.load(found.save(tmp_path / "map.npz"))
    assert again.provenance["window"] == list(WINDOW)
