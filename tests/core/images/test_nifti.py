"""NIfTI: values, axes and affine as stored; maps go back into the volume's own space."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cli import run
from helpers.dicoms import dicom

import visioncam
from visioncam_core.errors import ImageError, VisionCamError
from visioncam_core.images.clips import load_clip
from visioncam_core.images.decode import load_picture

keras = pytest.importorskip("keras")
nib = pytest.importorskip("nibabel")
RNG = np.random.default_rng(2)
VALUES = RNG.integers(-1000, 1000, (8, 10, 5)).astype(np.int16)
AFFINE = np.array([[0.0, -2.0, 0.1, 30.0], [1.5, 0.0, 0.0, -9.0], [0.0, 0.2, 3.0, 4.0], [0, 0, 0, 1]])


def scan(values: np.ndarray = VALUES, affine: Any = AFFINE, second: bool = False) -> bytes:
    data: bytes = (nib.Nifti2Image if second else nib.Nifti1Image)(values, affine).to_bytes()
    return data


def shown(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return ((np.clip(values.astype(float), low, high) - low) / (high - low) * 255).astype(np.float32)


def summing(shape: tuple[int, ...]) -> Any:
    inputs = keras.Input(shape)
    x = keras.layers.Conv3D(1, 1, kernel_initializer="ones", name="sums")(inputs)
    x = keras.layers.GlobalAveragePooling3D()(x)
    return keras.Model(inputs, keras.layers.Dense(2, kernel_initializer="ones")(x))


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_values_axes_and_affine_are_kept(second: bool, packed: bool, tmp_path: Path) -> None:
    data = scan(second=second)
    path = tmp_path / ("scan.nii.gz" if packed else "scan.nii")
    path.write_bytes(gzip.compress(data) if packed else data)
    clip = load_clip(path)
    np.testing.assert_allclose(clip.exact, shown(VALUES, VALUES.min(), VALUES.max()), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(clip.affine, AFFINE, atol=1e-6)
    one = load_picture(path, frame=3, window=(-100, 100))
    np.testing.assert_allclose(one.exact, shown(VALUES[:, :, 3], -100, 100), rtol=1e-5, atol=1e-4)
    assert one.affine is not None
    np.testing.assert_allclose(one.affine @ [2, 4, 0, 1], AFFINE @ [2, 4, 3, 1], atol=1e-5)
    assert one.notes[0] == "frame 3 of 5 (counted from 0)"


def test_slope_and_window_of_the_header() -> None:
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(VALUES.shape)
    header.set_slope_inter(0.5, 10)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    header["cal_min"], header["cal_max"] = -200, 300
    data = header.binaryblock + bytes(4) + VALUES.tobytes(order="F")
    clip = load_clip(data)
    np.testing.assert_allclose(clip.exact, shown(VALUES * 0.5 + 10, -200, 300), rtol=1e-5, atol=1e-4)
    assert clip.notes == ("window from its header (cal_min, cal_max), -200 to 300; window= sets another",)


def test_a_fourth_axis_is_channels(tmp_path: Path) -> None:
    values = RNG.uniform(0, 1, (8, 10, 5, 2)).astype(np.float32)
    values.flat[0], values.flat[1] = 0, 1
    path = tmp_path / "scan.nii"
    path.write_bytes(scan(values))
    model = summing((8, 10, 5, 2))
    by_hand = visioncam.explain(model, values * 255, "hirescam", target=0).raw
    found = visioncam.explain(model, path, "hirescam", target=0)
    np.testing.assert_allclose(found.raw, by_hand, rtol=1e-5)
    single = scan(values[..., :1])
    assert load_clip(single).pixels.shape == (8, 10, 5)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_maps_are_saved_in_the_volume_s_own_space(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(gzip.compress(scan()))
    found = visioncam.explain(summing((4, 10, 5, 1)), path, "hirescam", target=0)  # half as deep
    saved = nib.load(found.save(tmp_path / f"map{suffix}"))
    assert saved.shape == VALUES.shape == found.heatmap.shape
    np.testing.assert_allclose(saved.affine, AFFINE, atol=1e-6)
    assert np.array_equal(saved.get_fdata(dtype=np.float32), found.heatmap)
    assert saved.header["cal_max"] == 1
    again = visioncam.load(found.save(tmp_path / "map.npz"))
    other = nib.load(again.save(tmp_path / f"again{suffix}"))
    np.testing.assert_allclose(other.affine, AFFINE, atol=1e-6)
    if suffix == ".nii.gz":
        assert (tmp_path / "map.nii.gz").read_bytes() == (tmp_path / "again.nii.gz").read_bytes()


def test_the_map_of_a_dicom_series_lies_where_the_series_lies(tmp_path: Path) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    for k in range(4):
        tags: dict[str, Any] = {
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [0.5, 0.25],
            "ImagePositionPatient": [1, 2, 3 + 4 * k],
        }  # fmt: skip
        (folder / f"{k}").write_bytes(dicom(np.full((8, 10), 100 * k, np.uint16), **tags))
    saved = nib.load(visioncam.explain(summing((4, 8, 10, 1)), folder).save(tmp_path / "map.nii.gz"))
    assert saved.shape == (4, 8, 10)
    np.testing.assert_allclose(saved.affine @ [3, 6, 8, 1], [-3, -5, 15, 1], atol=1e-6)


def test_a_map_of_a_picture_is_one_slice(tmp_path: Path) -> None:
    inputs = keras.Input((8, 10, 1))
    x = keras.layers.Conv2D(1, 1, kernel_initializer="ones")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x)))
    (tmp_path / "scan.nii").write_bytes(scan())
    found = visioncam.explain(model, tmp_path / "scan.nii", frame=2)
    saved = nib.load(found.save(tmp_path / "map.nii"))
    assert saved.shape == (8, 10, 1)
    np.testing.assert_allclose(saved.affine @ [1, 1, 0, 1], AFFINE @ [1, 1, 2, 1], atol=1e-5)
    plain = nib.load(visioncam.explain(model, VALUES[:, :, 0], window=(0, 1)).save(tmp_path / "plain.nii"))
    assert np.array_equal(plain.affine, np.eye(4))


def test_the_command_line_reads_and_writes_volumes(tmp_path: Path) -> None:
    (tmp_path / "scan.nii.gz").write_bytes(gzip.compress(scan()))
    summing((8, 10, 5, 1)).save(tmp_path / "model.keras")
    call = ("explain", tmp_path / "scan.nii.gz", "--model", tmp_path / "model.keras")
    done = run(*call, "--window", "-160,240", "-o", tmp_path / "map.nii.gz")
    assert done.code == 0, done.stderr
    saved = nib.load(tmp_path / "map.nii.gz")
    np.testing.assert_allclose(saved.affine, AFFINE, atol=1e-6)
    wrong = run(*call, "--window", "240,-160")
    assert wrong.code == 2
    assert (
        "--window must be (low, high), two finite numbers, low below high; received (240.0, -160.0)"
        in wrong.stderr
    )
    for text in ("5", "a,b", "1,2,3"):
        assert "--window" in run(*call, "--window", text).stderr
    done = run(*call, "-o", tmp_path / "maps", "--save-as", "nii.gz,npy")
    assert done.code == 0, done.stderr
    assert len(list((tmp_path / "maps").iterdir())) == 2


def test_damaged_and_large_files(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = scan()
    for words, data, options in (
        ("is truncated", whole[:-5], {}),
        ("damaged NIfTI", gzip.compress(whole)[:-30], {}),
        ("raise max_pixels", whole, {"max_pixels": 50}),
        ("damaged NIfTI", whole[:108] + np.float32(1e9).tobytes() + whole[112:], {}),
        ("half of an .hdr/.img pair", whole[:344] + b"ni1" + whole[347:], {}),
        ("not real numbers", scan(VALUES.astype(np.complex64)), {}),
    ):
        with pytest.raises(ImageError, match=words):
            load_picture(data, **options)
    import sys

    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(VisionCamError, match=r'pip install "visioncam\[nifti\]"'):
        load_picture(whole)
