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
from visioncam.auditing.places import *
from visioncam_core.errors import ImageError, OptionError
from visioncam_engines.tensorflow.testing.keras_models import planted_blob

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


def test_the_audit_finds_the_tag(found: Audit) -> None:
    assert found.findings
    assert {one.place for one in found.findings} <= {"the upper left corner", "the border"}
    corner = [one for one in found.findings if one.place == "the upper left corner"]
    assert corner
    assert corner[0].share.low > 2 * corner[0].fair
    assert "upper left corner" in str(found)
    assert found.pictures[0].suspicion > 3
    assert found.pictures[0].suspicion >= found.pictures[-1].suspicion


def test_fewer_than_six_pictures_of_a_class_are_no_finding(trained: Any) -> None:
    explained = {one.explained for one in visioncam.audit(trained, tagged(12)[0]).findings}
    assert explained
    assert visioncam.audit(trained, tagged(10)[0]).findings == ()


def test_the_class_means_are_bright_at_the_tag(found: Audit) -> None:
    name = next(one.explained for one in found.findings if one.place == "the upper left corner")
    mean = found.class_means[name]
    assert mean.shape == (64, 64)
    upper_left, *others = (float(mean[corner].mean()) for corner in corner_slices(mean.shape))
    assert upper_left > 3 * max(others)


def test_where_nothing_is_planted_nothing_is_found() -> None:
    rng = np.random.default_rng(3)
    images = np.zeros((12, 24, 40, 1), np.float32)
    for image in images:
        top, left = int(rng.integers(6, 12)), int(rng.integers(8, 24))
        image[top : top + 6, left : left + 8] = 0.3
    told = visioncam.audit(planted_blob(), images)
    assert told.findings == ()
    assert "nothing was found" in str(told)


def test_border_and_corners_are_those_of_what_the_model_sees() -> None:
    picture = np.zeros((48, 240, 1), np.uint8)
    picture[6:14, 86:98] = 80  # in the upper left corner of the middle, which is all that the model sees
    crop = visioncam.geometry.CenterCrop()
    view = crop((48, 240), (24, 40)).view
    assert view[1] > 0.25 * 240  # and in no corner of the picture
    told = visioncam.audit(planted_blob(), [picture] * 2, geometry=crop, preprocess="unit")
    assert told.pictures[0].why == "the upper left corner"
    assert told.pictures[0].places.corner > 0.5


def test_clusters_and_files(found: Audit, tmp_path: Path) -> None:
    assert {one.cluster for one in found.pictures} == {0, 1}
    data = json.loads(found.save(tmp_path / "a.json").read_text(), parse_constant=pytest.fail)
    assert len(data["pictures"]) == 32
    assert data["findings"][0]["text"] == str(found.findings[0])
    with Image.open(found.save(tmp_path / "means.png")) as sheet:
        pixels = np.asarray(sheet)
    assert pixels.shape[1] >= len(found.class_means) * 64  # beside each other
    first = next(iter(found.class_means.values()))
    corners = [int(pixels[:192, :192][corner].mean()) for corner in corner_slices((192, 192))]
    assert np.argmax(corners) == np.argmax([first[corner].mean() for corner in corner_slices((64, 64))])
    lines = found.save(tmp_path / "a.csv").read_text().splitlines()
    assert lines[0].startswith("source,explained,suspicion,why,border")
    assert len(lines) == 33
    with pytest.raises(OSError, match=r"Use \.json, \.csv or \.png"):
        found.save(tmp_path / "a.txt")


def test_shares_by_hand() -> None:
    heat = np.zeros((20, 40))
    heat[0, 39] = 3
    heat[10, 20] = 1
    where = places(heat, np.zeros((20, 40)), heat < 2)
    assert (where.border, where.corner, where.which, where.outside) == (0.75, 0.75, "upper right", 0.75)
    assert places(np.ones((20, 40)), heat, None).corner == fair((20, 40))[1] == 1 / 16
    assert np.isnan(places(np.zeros((4, 4)), np.zeros((4, 4)), None).border)


def test_corners_that_look_like_text_have_more_edges() -> None:
    rng = np.random.default_rng(0)
    picture = np.zeros((40, 40))
    picture[:8, :10] = 255 * rng.integers(0, 2, (8, 10))
    heat = np.zeros((40, 40))
    heat[2, 2] = 1
    letters = places(heat, picture, None)
    assert letters.text > 0.5 > places(heat[::-1, ::-1], picture, None).text


def test_masks_and_clusters_that_cannot_be_say_so(trained: Any) -> None:
    images, _ = tagged(4)
    mask = np.ones((SIDE, SIDE), bool)
    mask[:8, :8] = False
    told = visioncam.audit(trained, images, truth=[mask] * 4)
    assert max(one.places.outside for one in told.pictures) > 0.5
    box = visioncam.audit(trained, images[:2], truth=[(8, 8, SIDE, SIDE), None])
    outside = {one.number: one.places.outside for one in box.pictures}
    assert outside[0] > 0.5
    assert np.isnan(outside[1])
    with pytest.raises(ImageError, match="must be a mask of its"):
        visioncam.audit(trained, images, truth=[np.ones((3, 3))] * 4)
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
    assert "suspicion" in done.stdout
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 7
    assert len(run(*asked, "--json").data["pictures"]) == 6
    (tmp_path / "boxes.csv").write_text(f"0.png,8,8,{SIDE},{SIDE}\n")
    rows = run(*asked, "--boxes", tmp_path / "boxes.csv", "--json").data["pictures"]
    assert [row["source"] for row in rows if row["outside"] is not None] == ["0.png"]
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
