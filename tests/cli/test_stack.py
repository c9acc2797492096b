"""Stacks of classes, fused layers, frames, and files of every kind from one command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.cli import run
from PIL import Image

import visioncam
from visioncam_engines.keras.files.load import load_model

pytest_plugins = ("helpers.cli_files",)


def test_a_stack_gives_a_file_and_a_row_for_each_class(files: Path, here: Path) -> None:
    images = (files / "cat.png", files / "cat.png")
    done = run("explain", *images, "--model", files / "tiny.keras", "--class", "top5", "--json", "-o", "maps")
    assert (done.code, done.stderr) == (0, "")
    results = done.data["results"]
    assert [one["rank"] for one in results] == [1, 2, 3] * 2  # a model of three classes
    assert len({one["target"]["index"] for one in results[:3]}) == 3
    assert results[0]["files"] == [f"maps/cat_gradcam_class-{results[0]['target']['index']}.png"]
    written = [name for one in results for name in one["files"]]
    assert len(written) == len(set(written)) == len(list((here / "maps").iterdir())) == 6
    named = ("--class-names", files / "names.txt")
    words = run("explain", images[0], "--model", files / "tiny.keras", "--class", "top3", *named).stdout
    assert words.count("← explained") == words.count(", wrote cat_gradcam_") == 3
    for name in ("tabby-0", "espresso-1", "rocket-2"):
        assert (here / f"cat_gradcam_{name}.png").is_file()


def test_long_and_hostile_class_names_make_files(files: Path, here: Path) -> None:
    (here / "names.txt").write_text("\n".join(["../../" + "猫" * 200, "a/b\\c: *", "..."]), "utf-8")
    asked = ("--model", files / "tiny.keras", "--class", "top3", "--class-names", here / "names.txt")
    done = run("explain", files / "cat.png", *asked, "-o", "maps")
    assert (done.code, done.stderr) == (0, "")
    assert len(list((here / "maps").iterdir())) == 3


def test_a_note_of_several_rows_is_told_once(files: Path, here: Path) -> None:
    asked = ("--model", files / "tiny.keras", "--methods", "eigencam", "--targets")
    one = run("compare", files / "cat.png", *asked, "0").stdout.count("ignores the class")
    three = run("compare", files / "cat.png", *asked, "0,1,2").stdout.count("ignores the class")
    assert one == three == 1


@pytest.mark.parametrize("name", ["x.docx", "maps.tiff", "sub/x.html"])
def test_an_unknown_kind_of_file_is_no_folder(name: str, files: Path, here: Path) -> None:
    done = run("explain", files / "cat.png", "--model", files / "tiny.keras", "-o", name)
    assert done.code == 2
    assert f"-o {name!r} ends in '.{name.rpartition('.')[2]}', which is not one of .png" in done.message
    assert not list(here.iterdir())
    (here / "maps.tiff").mkdir()
    for folder in ("maps.tiff", "run.v2", "run.2026"):
        assert run("explain", files / "cat.png", "--model", files / "tiny.keras", "-o", folder).code == 0


def test_one_class_is_explained_on_every_picture(files: Path, here: Path) -> None:
    (here / "other.png").write_bytes((files / "cat.png").read_bytes())
    asked = ("--class", "espresso", "--class-names", files / "names.txt", "--json")
    done = run("explain", files / "cat.png", "other.png", "--model", files / "tiny.keras", *asked)
    assert [one["target"]["name"] for one in done.data["results"]] == ["espresso"] * 2


def test_several_layers_are_fused(files: Path, here: Path) -> None:
    asked = ("--model", files / "tiny.keras", "--layer", "rescaling", "--layer", "features", "--fuse", "max")
    done = run("explain", files / "cat.png", *asked, "-o", "fused.npz", "--json")
    assert done.code == 0, done.stderr
    assert "the max of 2 layers: rescaling, features" in done.data["results"][0]["layer"]["why"]
    model = load_model(files / "tiny.keras")
    e = visioncam.explain(model, files / "cat.png", layer=["rescaling", "features"], fuse="max")
    assert isinstance(e, visioncam.Explanation)
    np.testing.assert_array_equal(visioncam.load(here / "fused.npz").heatmap, e.heatmap)


def test_files_of_every_kind(files: Path, here: Path) -> None:
    kinds = "PNG, npz,.csv,json,txt,mask.png,png"
    done = run("explain", files / "cat.png", "--model", files / "tiny.keras", "--save-as", kinds, "--json",
               "--save-option", "threshold=0.5")  # fmt: skip
    assert done.code == 0, done.stderr
    (result,) = done.data["results"]
    names = ["cat_gradcam" + end for end in (".png", ".npz", ".csv", ".json", ".txt", ".mask.png")]
    assert result["files"] == names
    assert sorted(path.name for path in here.iterdir()) == sorted(names)
    with Image.open("cat_gradcam.mask.png") as mask:
        expected = visioncam.load("cat_gradcam.npz").mask(0.5)
        np.testing.assert_array_equal(np.asarray(mask) > 0, expected)


def test_one_file(files: Path, here: Path) -> None:
    done = run("explain", files / "cat.png", "--model", files / "tiny.keras", "-o", "new/map.mask.png")
    assert done.code == 0, done.stderr
    assert [str(path) for path in Path("new").iterdir()] == ["new/map.mask.png"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("-o", "x.png", "--save-as", "npz"), "names a file and --save-as its kind"),
        (("{files}/cat.png", "-o", "x.png"), "is one file for 2 pictures"),
        (("--class", "top2", "-o", "x.png"), "is one file for a stack of classes"),
        (("-o", "{files}/cat.png"), "would be overwritten"),
        (("--class-names", "{files}/names.txt", "-o", "{files}/names.txt"), "would be overwritten"),
        (("--save-as", "pngg"), "did you mean 'png'"),
        (("--save-as", ","), "needs a kind of file"),
        (("--save-as", "csv", "--save-option", "treshold=1"), "did you mean 'threshold'"),
        (("--save-as", "csv", "--save-option", "threshold=7"), "threshold 7.0"),
        (("--save-as", "gif"), "need a volume or a video"),
        (("--class", "top9"), "'top1' to 'top5'"),
        (("--frame", "1"), "--frame 1 does not exist"),
        (("--max-pixels", "599"), "more than --max-pixels 599; shrink the picture or raise --max-pixels"),
        (("--max-pixels", "0"), "--max-pixels must be"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(
    args: tuple[str, ...], words: str, files: Path, here: Path
) -> None:
    done = run(
        "explain", files / "cat.png", "--model", files / "tiny.keras", *(a.format(files=files) for a in args)
    )
    assert done.code == 2
    assert words in done.message
    assert list(here.iterdir()) == []


def test_the_frame_is_the_one_asked_for(files: Path, here: Path) -> None:
    pages = np.random.default_rng(0).integers(0, 256, (2, 20, 24, 3), np.uint8)
    first, second = map(Image.fromarray, pages)
    first.save("film.tiff", save_all=True, append_images=[second])
    asked = ("film.tiff", "--model", files / "tiny.keras", "--frame", "1")
    assert run("explain", *asked, "-o", "map.npz").code == 0
    np.testing.assert_array_equal(visioncam.load("map.npz").picture, pages[1])
    assert run("compare", *asked, "--methods", "gradcam").code == 0
    assert "film.tiff" in run("doctor", *asked).stdout


def test_layers_of_an_open_size(files: Path, here: Path) -> None:
    plain = run("layers", files / "open.keras", "--json").data
    seen = run("layers", "--model", files / "open.keras", "--image", files / "cat.png", "--json").data
    assert plain["choice"]["path"] == seen["choice"]["path"] == "features"
    assert [one["grid"] for one in plain["layers"] if one["taken"]] == [[112, 112]]
    assert [one["grid"] for one in seen["layers"] if one["taken"]] == [[10, 15]]
    assert "no such file" in run("layers", files / "open.keras", "--image", "no.png").message
