"""Saved explanations come back equal; a stranger's file does no harm."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from helpers.viz import explanation, gaussian

import visioncam
from visioncam_core.errors import ImageError, ImageNotFoundError
from visioncam_core.results.data import Prediction, TargetInfo
from visioncam_core.results.diagnostics import Diagnostic
from visioncam_core.results.explanation import Explanation


@pytest.fixture
def e(rng: np.random.Generator) -> Explanation:
    heat = gaussian((40, 60), (20, 30), 9)
    return explanation(
        rng.integers(0, 256, (40, 60, 3), dtype=np.uint8),
        heat,
        raw=rng.normal(size=(7, 7)).astype(np.float32),
        target=TargetInfo(282, "tiger </script> 虎", 0.385, "tiger cat (282)"),
        predictions=(Prediction(282, "tiger cat", 0.385), Prediction(1, None, 0.1)),
        options={"samples": 8, "range": (0.1, 0.9), "mask": np.float32(2.5), "odd": object},
        diagnostics=(Diagnostic("picture-note", "read from /home/ada/photos/cat.jpg", "nothing"),),
        provenance={"source": "/home/ada/photos/cat.jpg", "seed": 0, "model": "m", "spacing": [1.0, 2.0]},
        score=float("nan"),
    )


def saved(e: Explanation, path: Path) -> Explanation:
    return visioncam.load(e.save(path / "a.npz"))


def test_numbers_that_json_has_not_come_back_and_are_not_in_it(e: Explanation, tmp_path: Path) -> None:
    odd = attrs.evolve(
        e,
        predictions=(Prediction(0, "nan", float("inf")), Prediction(1, None, float("-inf"))),
        target=TargetInfo(0, "inf", float("nan"), "inf"),
        options={"sigma": np.float32(np.inf)},
    )
    back = saved(odd, tmp_path)
    with np.load(tmp_path / "a.npz") as arrays:
        json.loads(str(arrays["about"]), parse_constant=pytest.fail)
    assert back.predictions == odd.predictions
    assert (back.target.name, back.target.label) == ("inf", "inf")
    assert np.isnan(back.target.probability or 0.0)
    assert np.isnan(back.score)
    assert back.options == {"sigma": "inf"}


def test_an_explanation_comes_back_equal(e: Explanation, tmp_path: Path) -> None:
    back = saved(e, tmp_path)
    for name in ("raw", "heatmap", "picture"):
        given, found = getattr(e, name), getattr(back, name)
        assert found.dtype == given.dtype
        assert np.array_equal(found, given)
    for name in (
        "target",
        "predictions",
        "score_kind",
        "probabilities",
        "method",
        "method_title",
        "evidence",
    ):
        assert getattr(back, name) == getattr(e, name)
    assert back.layer == e.layer
    assert np.isnan(back.score)
    assert back.options == {"samples": 8, "range": [0.1, 0.9], "mask": 2.5, "odd": "<class 'object'>"}
    assert back.provenance["spacing"] == [1.0, 2.0]
    assert np.array_equal(back.render("triptych"), e.render("triptych"))


@pytest.mark.parametrize(
    "picture",
    [
        np.arange(24, dtype=np.uint16).reshape(4, 6),
        np.arange(24.0).reshape(4, 6, 1),
        np.zeros((4, 6), bool),
        np.asfortranarray(np.arange(24.0).reshape(4, 6)),
        np.arange(24).reshape(6, 4).T,
    ],
)
def test_pictures_of_every_kind_come_back(picture: np.ndarray, tmp_path: Path) -> None:
    back = saved(explanation(picture, np.ones((4, 6), np.float32)), tmp_path)
    assert back.picture.dtype == picture.dtype
    assert np.array_equal(back.picture, picture)


@pytest.mark.parametrize("shape", [(50,), (4, 5, 6)])
def test_signals_and_volumes_come_back(shape: tuple[int, ...], tmp_path: Path) -> None:
    given = explanation(np.random.default_rng(0).random(shape), np.ones(shape, np.float32))
    assert np.array_equal(saved(given, tmp_path).render(), given.render())


def test_no_folder_is_stored_and_equal_explanations_give_equal_bytes(e: Explanation, tmp_path: Path) -> None:
    first, second = (e.save(tmp_path / name).read_bytes() for name in ("a.npz", "b.npz"))
    assert first == second
    about = str(np.load(io.BytesIO(first), allow_pickle=False)["about"])
    assert "ada" not in about
    assert json.loads(about)["provenance"]["source"] == "cat.jpg"
    assert json.loads(about)["diagnostics"][0]["message"] == "read from cat.jpg"


def test_numpy_alone_reads_it(e: Explanation, tmp_path: Path) -> None:
    with np.load(e.save(tmp_path / "a.npz"), allow_pickle=False) as arrays:
        assert sorted(arrays) == ["about", "heatmap", "picture", "raw"]
        assert np.array_equal(arrays["heatmap"], e.heatmap)
        assert json.loads(str(arrays["about"]))["target"]["name"] == "tiger </script> 虎"


class Bomb:
    """Pickled, it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.path), "w"))


def rewritten(path: Path, changes: dict[str, Any]) -> Path:
    """Change members of a saved file: arrays, or bytes; None drops one."""
    with np.load(path) as arrays:
        members = {name: arrays[name] for name in arrays}
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in {**members, **changes}.items():
            if value is None:
                continue
            if isinstance(value, bytes):
                archive.writestr(f"{name}.npy", value)
                continue
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(value))
            archive.writestr(f"{name}.npy", buffer.getvalue())
    return path


def test_a_pickle_in_it_is_refused_and_not_run(e: Explanation, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb(victim)], dtype=object), allow_pickle=True)
    for payload in (buffer.getvalue(), pickle.dumps(Bomb(victim))):
        path = rewritten(e.save(tmp_path / "a.npz"), {"raw": payload})
        with pytest.raises(ImageError, match=r"'a\.npz' is not an explanation"):
            visioncam.load(path)
    assert not victim.exists()


def test_an_array_that_lies_about_its_size_is_refused_before_it_is_read(
    e: Explanation, tmp_path: Path
) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (2**40, 2**20)}
    )
    path = rewritten(e.save(tmp_path / "a.npz"), {"heatmap": header.getvalue()})
    with pytest.raises(ImageError, match=r"heatmap.*which does not match its contents"):
        visioncam.load(path)


@pytest.mark.parametrize("name", ["raw", "heatmap", "picture", "about"])
def test_a_missing_part_is_told(e: Explanation, name: str, tmp_path: Path) -> None:
    path = rewritten(e.save(tmp_path / "a.npz"), {name: None})
    with pytest.raises(ImageError, match=name):
        visioncam.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"version": 99},
        {"target": None},
        {"target": {"index": "a", "name": 3, "probability": None, "label": "x"}},
        {"layer": {}},
        {"predictions": 5},
        {"diagnostics": [{"code": 1}]},
        {"evidence": ["for"]},
        {"options": 3},
    ],
)
def test_words_that_cannot_be_are_refused(e: Explanation, change: dict[str, Any], tmp_path: Path) -> None:
    path = e.save(tmp_path / "a.npz")
    with np.load(path) as arrays:
        about = json.loads(str(arrays["about"]))
    with pytest.raises(ImageError, match=r"'a\.npz' is not an explanation that can be loaded"):
        visioncam.load(rewritten(path, {"about": np.array(json.dumps({**about, **change}))}))


@pytest.mark.parametrize("payload", [b"", b"PK\x03\x04", b"no zip at all" * 50])
def test_other_files_are_refused(payload: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(payload)
    with pytest.raises(ImageError, match=r"'a\.npz'.*save"):
        visioncam.load(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=np.arange(3))
    with pytest.raises(ImageError, match="raw"):
        visioncam.load(tmp_path / "b.npz")


def test_every_cut_off_file_is_refused(e: Explanation, tmp_path: Path) -> None:
    whole = e.save(tmp_path / "a.npz").read_bytes()
    for length in range(0, len(whole), max(len(whole) // 40, 1)):
        (tmp_path / "b.npz").write_bytes(whole[:length])
        with pytest.raises(ImageError, match="save it again"):
            visioncam.load(tmp_path / "b.npz")


def test_a_damaged_file_is_refused_or_gives_an_explanation(
    e: Explanation, tmp_path: Path, rng: np.random.Generator
) -> None:
    whole = bytearray(e.save(tmp_path / "a.npz").read_bytes())
    for _ in range(150):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            damaged[place] ^= int(rng.integers(1, 256))
        (tmp_path / "b.npz").write_bytes(damaged)
        try:
            back = visioncam.load(tmp_path / "b.npz")
        except ImageError:
            continue
        assert isinstance(back, Explanation)


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFoundError, match=r"nowhere\.npz' does not exist"):
        visioncam.load(tmp_path / "nowhere.npz")
    with pytest.raises(ImageError, match="is not an explanation"):
        visioncam.load(tmp_path)


def test_fields_of_a_later_version_are_left_out(e: Explanation, tmp_path: Path) -> None:
    path = e.save(tmp_path / "a.npz")
    with np.load(path) as arrays:
        about = json.loads(str(arrays["about"]))
    about["target"]["new"] = about["later"] = 1
    assert visioncam.load(rewritten(path, {"about": np.array(json.dumps(about))})).target == e.target
    assert attrs.fields(Explanation).whole.default is None
