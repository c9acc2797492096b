"""The audit finds a planted shortcut: a coloured tag in the corner that predicts the class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.cli import run
from PIL import Image

import visioncam
from visioncam.auditing.findings import Audit
from visioncam.auditing.places import PLACES, cells
from visioncam_core.errors import ImageError, OptionError

SIDE = 24


def tagged(count: int, *, tag: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return noise pictures and classes; with `tag` a red or green tag in the upper left tells the class."""
    rng = np.random.default_rng(0)
    classes = np.arange(count) % 2
    images = rng.normal(0, 0.15, (count, SIDE, SIDE, 3)).astype(np.float32)
    if tag:
        for image, which in zip(images, classes, strict=True):
            image[1:5, 1:5, which] += 1.5
    return images, classes


@pytest.fixture(scope="module")
def trained() -> Any:
    """Return a small network that has learnt the tag."""
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((SIDE, SIDE, 3)),
        keras.layers.Conv2D(6, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="last"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(2, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, classes = tagged(96)
    history = model.fit(images, classes, batch_size=32, epochs=20, verbose=0)
    assert history.history["accuracy"][-1] > 0.95
    return model


@pytest.fixture(scope="module")
def found(trained: Any) -> Audit:
    return visioncam.audit(trained, tagged(32)[0], clusters=2)


def test_the_audit_finds_the_tag_and_tells_whether_the_score_hangs_on_it(found: Audit) -> None:
    assert {one.place for one in found.findings} == {"upper left corner"}
    assert len(found.findings) == 2
    strong, weak = found.findings
    assert strong.share.low > 3 * strong.uniform
    assert strong.drop is not None
    assert strong.drop.low > 0.5
    assert (strong.verdict, weak.verdict) == ("decides", "has evidence but no effect on the score")
    assert weak.others == pytest.approx(strong.share.value)
    assert "upper left corner: 7" in str(found)
    assert "× uniform" in str(strong)
    assert [one.why for one in found.pictures] == ["upper left corner"] * 32
    assert found.pictures[0].suspicion > found.pictures[-1].suspicion > 3
    assert found.passes < 32 * 8


def test_too_few_pictures_of_a_class_are_said_to_be(trained: Any) -> None:
    assert len(visioncam.audit(trained, tagged(12)[0]).findings) == 2
    few = visioncam.audit(trained, tagged(10)[0])
    assert {one.explained for one in few.places} == {"all classes"}
    assert few.notes[0].startswith("a class with fewer than 6 pictures cannot be judged: class 0 (5)")
    two = visioncam.audit(trained, tagged(4)[0][::2])
    assert str(two).startswith("a class with fewer than 5 pictures cannot be judged: class 0 (2)\nno class")
    assert not two.places


def test_the_class_means_are_bright_at_the_tag(found: Audit) -> None:
    for one in found.findings:
        mean = found.class_means[one.explained]
        assert mean.shape == (60, 60)
        inside = cells(one.place)
        assert float(mean[inside].mean()) > 3 * float(mean[~inside].mean())


def captioned(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return noise with an object that moves: class 0 has a caption, 1 a tag at mid-left, 2 a red object."""
    rng = np.random.default_rng(seed)
    classes = np.arange(count) % 3
    images = rng.normal(0, 0.15, (count, 48, 64, 3)).astype(np.float32)
    for image, which in zip(images, classes, strict=True):
        top, left = rng.integers(8, 28), rng.integers(8, 48)
        image[top : top + 10, left : left + 10] += (1.0, -0.5, -0.5) if which == 2 else (0.2, 0.2, -0.2)
        if which == 0:
            image[43:47, 24:40:2] += 1.0
        elif which == 1:
            image[20:26, 1:6] += (-0.8, -0.8, 1.0)
    return images, classes


def test_tags_in_the_training_data_are_found_where_they_are() -> None:
    keras.utils.set_random_seed(1)
    layers: list[Any] = [keras.Input((48, 64, 3))]
    for filters in (8, 12):
        layers += [
            keras.layers.Conv2D(filters, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(2),
        ]
    layers += [keras.layers.Conv2D(12, 3, padding="same", activation="relu")]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(*captioned(180, 0), batch_size=30, epochs=25, verbose=0)
    assert history.history["accuracy"][-1] > 0.95
    told = visioncam.audit(model, captioned(36, 1)[0])
    assert {one.explained: one.place for one in told.findings} == {
        "class 0": "bottom middle",
        "class 1": "middle left",
    }
    assert next(one.verdict for one in told.findings if one.explained == "class 0") == "decides"
    assert all(one.others < one.share.low for one in told.findings)


def test_clusters_and_files(found: Audit, tmp_path: Path) -> None:
    assert {one.cluster for one in found.pictures} == {0, 1}
    data = json.loads(found.save(tmp_path / "a.json").read_text(), parse_constant=pytest.fail)
    assert len(data["pictures"]) == 32
    assert len(data["places"]) == 2 * len(PLACES)
    assert data["findings"][0]["text"] == str(found.findings[0])
    assert data["findings"][0]["verdict"] == "decides"
    with Image.open(found.save(tmp_path / "means.png")) as sheet:
        pixels = np.asarray(sheet)
    assert pixels.shape[1] >= len(found.class_means) * 60  # beside each other
    assert (pixels[1, :60] == 255).all()  # the corner is framed
    assert (pixels[58:60, 1:58] == 255).all()
    assert not (pixels[62, :60] == 255).all()
    lines = found.save(tmp_path / "a.csv").read_text().splitlines()
    assert lines[0].startswith("source,explained,suspicion,why,text,outside,cluster,border,top edge")
    assert len(lines) == 33
    with pytest.raises(OSError, match=r"Use \.json, \.csv or \.png"):
        found.save(tmp_path / "a.txt")


def test_masks_and_clusters_that_cannot_be_say_so(trained: Any) -> None:
    images, _ = tagged(4)
    mask = np.ones((SIDE, SIDE), bool)
    mask[:8, :8] = False
    told = visioncam.audit(trained, images, truth=[mask] * 4)
    assert max(one.outside for one in told.pictures) > 0.5
    box = visioncam.audit(trained, images[:2], truth=[(8, 8, SIDE, SIDE), None])
    outside = {one.number: one.outside for one in box.pictures}
    assert outside[0] > 0.5
    assert np.isnan(outside[1])
    alone = visioncam.audit(trained, images[0], truth=(8, 8, SIDE, SIDE)).pictures[0]
    assert alone.outside == pytest.approx(outside[0])
    photos = [Image.fromarray(np.uint8(255 * one.clip(0, 1))) for one in images]
    named = visioncam.audit(trained, photos, preprocess="unit").pictures
    assert {one.source for one in named} == {f"image {i}" for i in range(4)}
    with pytest.raises(ImageError, match="truth for 'image 1' must be a mask of its"):
        visioncam.audit(trained, images, truth=[None, np.ones((3, 3)), None, None])
    with pytest.raises(ImageError, match="covers no pixel of the picture 'image 0'"):
        visioncam.audit(trained, images, truth=[(5.1, 5, 5.3, 9)] * 4)
    with pytest.raises(ImageError, match="truth has 1 mark for 4 pictures"):
        visioncam.audit(trained, images, truth=[mask])
    with pytest.raises(ImageError, match="is not inside the picture"):
        visioncam.audit(trained, images, truth=[(0, 0, 99, 9)] * 4)
    with pytest.raises(OptionError, match="between 2 and the 4 pictures, received 9"):
        visioncam.audit(trained, images, clusters=9)


def test_the_command(trained: Any, tmp_path: Path) -> None:
    trained.save(tmp_path / "tag.keras")
    (tmp_path / "photos").mkdir()
    for i, image in enumerate(tagged(6)[0]):
        pixels = (np.clip(image + 0.5, 0, 1.6) / 1.6 * 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{i}.png")
    asked = ("audit", tmp_path / "photos", "--model", tmp_path / "tag.keras", "--preprocess", "unit")
    done = run(*asked, "-o", tmp_path / "a.csv")
    assert (done.code, done.stderr) == (0, ""), done.stderr
    assert "× uniform" in done.stdout
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 7
    assert len(run(*asked, "--json").data["pictures"]) == 6
    (tmp_path / "boxes.csv").write_text(f"0.png,8,8,{SIDE},{SIDE}\n")
    rows = run(*asked, "--boxes", tmp_path / "boxes.csv", "--json").data["pictures"]
    assert [row["source"] for row in rows if row["outside"] is not None] == ["0.png"]
    text = f"Name, Left,Top,Right,Bottom\n0.png,8,8,{SIDE},{SIDE}\nno.png,1,1,2,2\n"
    (tmp_path / "boxes.csv").write_text(text, "utf-8-sig")  # as Excel writes it
    told = run(*asked, "--boxes", tmp_path / "boxes.csv", "--json").data
    assert [row["source"] for row in told["pictures"] if row["outside"] is not None] == ["0.png"]
    assert told["notes"][-1] == (
        "1 name in boxes.csv belongs to no picture here, and the boxes are not used: 'no.png'"
    )
    (tmp_path / "boxes.csv").write_text("0.png,8,8,9,9\n1.png,8,8\n")
    refused = run(*asked, "--boxes", tmp_path / "boxes.csv")
    assert "line 2, '1.png,8,8', is not name,left,top,right,bottom in pixels" in refused.message
    (tmp_path / "boxes.csv").write_text("photos/0.png,8,8,9,9\n")
    refused = run(*asked, "--boxes", tmp_path / "boxes.csv")
    assert (refused.code, "no picture has a box in" in refused.message) == (2, True)
    for i, place in enumerate(("left", "right")):
        (tmp_path / "photos" / place).mkdir()
        (tmp_path / "photos" / f"{i}.png").rename(tmp_path / "photos" / place / "2.png")
    for name in ("2.png", "left/2.png"):  # the one that is right in the folder, and one below
        (tmp_path / "boxes.csv").write_text(f"{name},8,8,{SIDE},{SIDE}\n")
        rows = run(*asked, "--recursive", "--boxes", tmp_path / "boxes.csv", "--json").data["pictures"]
        assert [row["source"] for row in rows if row["outside"] is not None] == [name]
    (tmp_path / "photos" / "2.png").unlink()
    (tmp_path / "boxes.csv").write_text("2.png,8,8,9,9\n")
    refused = run(*asked, "--recursive", "--boxes", tmp_path / "boxes.csv")
    assert (refused.code, "is the name of 2 pictures" in refused.message) == (2, True)
    refused = run(*asked, "-o", tmp_path / "a.xml")
    assert (refused.code, "Use .json, .csv or .png" in refused.message) == (2, True)
