"""DICOM: units, windows, order and places by closed forms; and nothing of the patient in anything written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cli import run
from helpers.dicoms import WORDS, dicom, encapsulated

import visioncam
from visioncam_core.errors import ImageError, VisionCamError
from visioncam_core.images.clips import load_clip
from visioncam_core.images.decode import load_picture

keras = pytest.importorskip("keras")
pytest.importorskip("pydicom")
RNG = np.random.default_rng(1)
STORED = RNG.integers(0, 3000, (8, 10)).astype(np.uint16)
HU = STORED * 1.0 - 1024
CT = {"RescaleSlope": 1, "RescaleIntercept": -1024}
SOFT = {"WindowCenter": [40, 500], "WindowWidth": [400, 1500]}
AXIAL = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [0.5, 0.25]}


def shown(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return ((np.clip(values, low, high) - low) / (high - low) * 255).astype(np.float32)


def saved(folder: Path, slices: list[bytes], names: str = "abcdefgh") -> Path:
    folder.mkdir(exist_ok=True)
    for name, data in zip(names, slices, strict=False):
        (folder / name).write_bytes(data)
    return folder


def volume_model(depth: int = 4) -> Any:
    inputs = keras.Input((depth, 8, 10, 1))
    x = keras.layers.Conv3D(1, 1, kernel_initializer="ones", name="sums")(inputs)
    x = keras.layers.GlobalAveragePooling3D()(x)
    return keras.Model(inputs, keras.layers.Dense(2, kernel_initializer="ones")(x))


def test_the_first_window_of_the_tags_in_hounsfield_units() -> None:
    picture = load_picture(dicom(STORED, **CT, **SOFT))
    low, high = 40 - 0.5 - 399 / 2, 40 - 0.5 + 399 / 2  # DICOM PS3.3, C.11.2.1.2.1
    np.testing.assert_allclose(picture.exact, shown(HU, low, high), rtol=1e-5, atol=1e-4)
    assert picture.notes == ("window from its tags, -160 to 239; window= sets another",)
    own = load_picture(dicom(STORED, **CT, **SOFT), window=(-1000, 0))
    np.testing.assert_allclose(own.exact, shown(HU, -1000, 0), rtol=1e-5, atol=1e-4)
    exact = load_picture(dicom(STORED, **CT, **SOFT, VOILUTFunction="LINEAR_EXACT"))
    np.testing.assert_allclose(exact.exact, shown(HU, -160, 240), rtol=1e-5, atol=1e-4)


def test_without_a_window_the_range_is_the_data_s() -> None:
    picture = load_picture(dicom(STORED, **CT))
    np.testing.assert_allclose(picture.exact, shown(HU, HU.min(), HU.max()), rtol=1e-5, atol=1e-4)
    twelve = load_picture(dicom(STORED, BitsStored=12, HighBit=11))
    np.testing.assert_allclose(twelve.exact, shown(STORED, 0, 4095), rtol=1e-5, atol=1e-4)


def test_monochrome1_is_inverted() -> None:
    picture = load_picture(dicom(STORED, "MONOCHROME1", **CT, **SOFT))
    straight = load_picture(dicom(STORED, **CT, **SOFT))
    np.testing.assert_allclose(picture.exact, 255 - straight.exact, atol=1e-4)
    assert any("low values are bright" in note for note in picture.notes)


def test_signed_pixels_and_colours() -> None:
    signed = HU.astype(np.int16)
    picture = load_picture(dicom(signed, **SOFT))
    np.testing.assert_allclose(picture.exact, shown(HU, -160, 239), rtol=1e-5, atol=1e-4)
    colour = RNG.integers(0, 256, (8, 10, 3)).astype(np.uint8)
    assert np.array_equal(load_picture(dicom(colour, "RGB")).pixels, colour)


def test_a_folder_is_a_volume_sorted_along_its_normal(tmp_path: Path) -> None:
    tilted = [0.8, 0, -0.6, 0, 1, 0]  # its normal is (0.6, 0, 0.8)
    normal = np.array([0.6, 0.0, 0.8])
    stack = RNG.integers(0, 2000, (4, 8, 10)).astype(np.uint16)
    place = [np.array([5.0, -7.0, 11.0]) + 2.5 * k * normal for k in range(4)]
    order = [2, 0, 3, 1]  # of the files; their numbers say something else
    files = [
        dicom(stack[k], **CT, **SOFT, ImageOrientationPatient=tilted, PixelSpacing=[0.5, 0.25],
              ImagePositionPatient=place[k].tolist(), InstanceNumber=9 - k)
        for k in order
    ]  # fmt: skip
    folder = saved(tmp_path / "series", files)
    (folder / "notes.txt").write_text("no picture")
    clip = load_clip(folder)
    np.testing.assert_allclose(clip.exact, shown(stack - 1024.0, -160, 239), rtol=1e-5, atol=1e-4)
    affine = clip.affine
    assert affine is not None
    for k, row, column in ((0, 0, 0), (3, 0, 0), (2, 5, 0), (1, 3, 7)):
        lps = place[k] + column * 0.25 * np.array(tilted[:3]) + row * 0.5 * np.array(tilted[3:])
        np.testing.assert_allclose(affine @ [k, row, column, 1], [-lps[0], -lps[1], lps[2], 1], atol=1e-6)
    one = load_picture(folder, frame=2)
    np.testing.assert_allclose(one.exact, clip.exact[2], rtol=1e-6)
    assert one.affine is not None
    np.testing.assert_allclose(one.affine @ [5, 3, 0, 1], affine @ [2, 5, 3, 1], atol=1e-6)


def test_without_places_by_number_and_else_refused(tmp_path: Path) -> None:
    stack = RNG.integers(0, 2000, (3, 8, 10)).astype(np.uint16)
    folder = saved(tmp_path / "a", [dicom(stack[k], **SOFT, InstanceNumber=k) for k in (2, 0, 1)])
    clip = load_clip(folder)
    np.testing.assert_allclose(clip.exact, shown(stack * 1.0, -160, 239), rtol=1e-5, atol=1e-4)
    assert "sorted by their numbers" in " ".join(clip.notes)
    with pytest.raises(ImageError, match="neither positions nor numbers"):
        load_clip(saved(tmp_path / "b", [dicom(one, **SOFT) for one in stack]))


def test_what_a_folder_may_not_hold(tmp_path: Path) -> None:
    at = [{**AXIAL, "ImagePositionPatient": [0, 0, z]} for z in (0, 1, 1)]
    with pytest.raises(ImageError, match=r"holds 2 series, '1\.2\.3\.5', '1\.2\.3\.6'; put the files of one"):
        load_clip(saved(tmp_path / "a", [dicom(STORED), dicom(STORED, SeriesInstanceUID="1.2.3.6")]))
    with pytest.raises(ImageError, match="several slices have the same position"):
        load_clip(saved(tmp_path / "b", [dicom(STORED, **one) for one in at]))
    with pytest.raises(ImageError, match="differ in size"):
        load_clip(saved(tmp_path / "c", [dicom(STORED, **at[0]), dicom(STORED[:4], **at[1])]))
    turned = {**at[1], "ImageOrientationPatient": [0, 1, 0, 0, 0, 1]}
    with pytest.raises(ImageError, match="differ in direction"):
        load_clip(saved(tmp_path / "d", [dicom(STORED, **at[0]), dicom(STORED, **turned)]))
    with pytest.raises(ImageError, match="160 pixels, more than max_pixels=100"):
        load_clip(saved(tmp_path / "e", [dicom(STORED, **one) for one in at[:2]]), max_pixels=100)
    with pytest.raises(ImageError, match="is a folder; pass a file in it"):
        load_picture(saved(tmp_path / "f", [b"text"]))


def test_many_frames_in_one_file_with_what_each_says() -> None:
    from pydicom.dataset import Dataset

    def group(name: str, **tags: Any) -> Dataset:
        inner, outer = Dataset(), Dataset()
        for tag, value in tags.items():
            setattr(inner, tag, value)
        setattr(outer, name, [inner])
        return outer

    stack = RNG.integers(0, 200, (3, 8, 10)).astype(np.uint16)
    each = []
    for k in (2, 0, 1):  # places along z
        one = group("PlanePositionSequence", ImagePositionPatient=[0, 0, 2.0 * k])
        one.update(group("PixelValueTransformationSequence", RescaleSlope=k + 1, RescaleIntercept=-5))
        each.append(one)
    shared = group("PlaneOrientationSequence", ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    shared.update(group("PixelMeasuresSequence", PixelSpacing=[1, 1]))
    shared.update(group("FrameVOILUTSequence", WindowCenter=100.5, WindowWidth=201))
    data = dicom(stack, SharedFunctionalGroupsSequence=[shared], PerFrameFunctionalGroupsSequence=each)
    clip = load_clip(data)
    wanted = np.stack([stack[1] * 1.0 - 5, stack[2] * 2.0 - 5, stack[0] * 3.0 - 5])
    np.testing.assert_allclose(clip.exact, shown(wanted, 0, 200), rtol=1e-5, atol=1e-4)
    assert clip.affine is not None
    np.testing.assert_allclose(clip.affine @ [2, 0, 0, 1], [0, 0, 4, 1], atol=1e-9)


@pytest.mark.parametrize(
    ("syntax", "words"),
    [
        ("1.2.840.10008.1.2.4.80", "JPEG-LS.*pip install pyjpegls"),
        ("1.2.840.10008.1.2.4.70", "JPEG Lossless.*pip install pylibjpeg pylibjpeg-libjpeg"),
        ("1.2.840.10008.1.2.4.90", "JPEG 2000.*pip install pylibjpeg pylibjpeg-openjpeg"),
    ],
)
def test_what_is_compressed_names_the_package(syntax: str, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        load_picture(encapsulated(dicom(STORED), syntax))
    assert "\n" not in str(caught.value)


def test_damaged_and_large_files() -> None:
    whole = dicom(STORED, **SOFT)
    assert "'bytes'" not in refused(whole[:-40])
    assert "damaged DICOM" in refused(whole[:-40])
    for cut in range(140, len(whole) - 170, 37):
        refused(whole[:cut])
    assert "more than max_pixels=10" in refused(whole, max_pixels=10)
    assert "deflated" in refused(whole.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"))


def refused(data: bytes, **options: Any) -> str:
    with pytest.raises(VisionCamError) as caught:
        load_picture(data, **options)
    text = str(caught.value)
    assert not any(word.decode() in text for word in WORDS)
    assert caught.value.__cause__ is None  # a traceback of pydicom's could tell values
    return text


def test_a_missing_pydicom_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(VisionCamError, match=r'pip install "visioncam\[dicom\]"'):
        load_picture(bytes(128) + b"DICM" + bytes(400))


def test_nothing_of_the_patient_is_in_any_output(tmp_path: Path, capfd: Any, recwarn: Any) -> None:
    stack = RNG.integers(0, 2000, (4, 8, 10)).astype(np.uint16)
    files = [
        dicom(stack[k], **CT, **SOFT, **AXIAL, ImagePositionPatient=[0, 0, k], InstanceNumber=k)
        for k in range(4)
    ]
    assert all(word in files[0] for word in WORDS)
    folder, out = saved(tmp_path / "series", files), tmp_path / "out"
    model = volume_model()
    model.save(tmp_path / "model.keras")
    inputs = keras.Input((8, 10, 1))
    x = keras.layers.Conv2D(1, 1, kernel_initializer="ones", name="sums")(inputs)
    flat = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x)))
    flat.save(tmp_path / "flat.keras")
    out.mkdir()
    single = tmp_path / "slice.dcm"
    single.write_bytes(files[0])
    for suffix in ("png", "npz", "npy", "nii", "nii.gz", "gif"):
        visioncam.explain(model, folder).save(out / f"map.{suffix}")
    for suffix in ("json", "csv", "txt", "mask.png", "pdf", "svg", "webp", "jpg"):
        visioncam.explain(flat, single).save(out / f"slice.{suffix}")
    for command in (
        ("explain", folder, "--model", tmp_path / "model.keras", "-o", out / "cli", "--json"),
        ("explain", single, "--model", tmp_path / "flat.keras", "-o", out / "cli", "--window", "-160,240"),
        ("report", out / "report.html", single, "--model", tmp_path / "flat.keras"),
        ("doctor", single, "--model", tmp_path / "flat.keras"),
        (
            "batch",
            tmp_path,
            "--model",
            tmp_path / "flat.keras",
            "-o",
            out / "run",
            "--save-as",
            "png,npz,json",
        ),
    ):
        done = run(*command)
        assert done.code == 0, done.stderr
        (out / f"{command[0]}.txt").write_text(done.stdout + done.stderr)
    spoken = capfd.readouterr()
    (out / "said.txt").write_text(spoken.out + spoken.err + "".join(str(one.message) for one in recwarn))
    written = [path for path in out.rglob("*") if path.is_file()]
    assert len(written) > 20
    for path in written:
        plain = [path.read_bytes()]
        if path.suffix == ".npz":
            plain += [str(value).encode() for value in np.load(path).values()]
        for text in plain:
            for word in WORDS:
                assert word not in text, (path, word)
        assert "TELLTALE" not in path.name
