"""Two models asked about the same pictures: copies, permuted classes, quantised, retrained with a tag."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import visioncam
from visioncam_core.errors import ImageError, ModelError, NameNotFoundError, OptionError, TargetError

SIDE, NAMES = 24, ["red", "green", "blue"]


def pictures(count: int, seed: int, *, tag: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return noise with a square in its class's colour; half have a white tag, with `tag` the green ones."""
    rng = np.random.default_rng(seed)
    classes = np.arange(count) % 3
    images = rng.normal(60, 20, (count, SIDE, SIDE, 3))
    for image, which in zip(images, classes, strict=True):
        top, left = rng.integers(6, 18, 2)
        image[top : top + 5, left : left + 5, which] += 150
        if which == 1 if tag else rng.random() < 0.5:
            image[:4, :4] += 150
    return images.clip(0, 255).astype(np.uint8), classes


def network(side: int = SIDE, ends: str = "softmax") -> Any:
    layers = [
        keras.Input((side, side, 3)),
        keras.layers.Rescaling(1 / 60, offset=-1),
        keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
        keras.layers.Conv2D(12, 3, padding="same", activation="relu", name="last"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(1 if ends == "sigmoid" else 3, activation=ends),
    ]
    return keras.Sequential(layers)


def trained(seed: int, images: np.ndarray, classes: np.ndarray) -> Any:
    keras.utils.set_random_seed(seed)
    model = network()
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(images, classes, batch_size=32, epochs=30, verbose=0)
    assert history.history["accuracy"][-1] > 0.95
    return model


def copy_of(model: Any, side: int = SIDE, order: tuple[int, ...] = (0, 1, 2)) -> Any:
    """Return a model with the same weights, for pictures of another size, its classes in another order."""
    copy = network(side)
    copy.set_weights([w[..., list(order)] if w.shape[-1] == 3 else w for w in model.get_weights()])
    return copy


@pytest.fixture(scope="module")
def runs() -> dict[str, Any]:
    """Return two runs of one training, and one in which a tag goes along with green."""
    plain, tagged = (pictures(150, 0, tag=tag) for tag in (False, True))
    return {"old": trained(1, *plain), "second": trained(2, *plain), "tag": trained(1, *tagged)}


@pytest.fixture(scope="module")
def old(runs: dict[str, Any]) -> Any:
    return runs["old"]


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    return list(pictures(36, 5, tag=True)[0])


def test_a_model_and_itself_are_exactly_alike(old: Any, photos: list[np.ndarray]) -> None:
    found = visioncam.diff(old, old, photos[:9])
    assert {(one.moved, one.changed) for one in found.pictures} == {(0.0, 0.0)}
    assert found.overall.correlation.value == pytest.approx(1, abs=1e-12)
    assert [one.source for one in found.pictures[:2]] == ["image 0", "image 1"]
    assert found.verdict()[1] == "evidence: no map moved at all"
    assert not any(one.beyond for one in found.classes)
    assert found.check("moved > 0") == []
    assert found.check("changed <= 0") == ["changed is 0, <= 0"]


def test_a_copy_that_keras_quantised_answers_alike_and_moves_little(
    old: Any, photos: list[np.ndarray], tmp_path: Path
) -> None:
    int8 = copy_of(old)
    with pytest.warns(UserWarning, match="quantize"):  # of its layers that stay as they are
        int8.quantize("int8")
    found = visioncam.diff(old, int8, photos)
    assert found.overall.changed.value == 0
    assert 0 < found.overall.moved.value < 0.05
    assert found.score == "probability"
    assert found.pictures[0].old_score != found.pictures[0].new_score
    page = found.save(tmp_path / "int8.html").read_text("utf-8")
    assert "answers: 0 of 36 changed" in page
    assert page.count('class="picture"') == 12


def test_a_tag_in_the_training_is_found_in_the_report_its_class_first(
    runs: dict[str, Any], photos: list[np.ndarray], tmp_path: Path
) -> None:
    found = visioncam.diff(runs["old"], runs["tag"], photos, class_names=NAMES)
    first = found.classes[0]
    assert (first.name, first.beyond) == ("green (1)", True)
    assert first.moved.low > max(one.moved.high for one in found.classes[1:])
    assert found.pictures[0].old_answer == "green (1)"
    assert found.pictures[0].moved >= found.pictures[-1].moved
    assert list(found.strips) == [one.number for one in found.pictures[:12]]
    page = found.save(tmp_path / "tag.html").read_text("utf-8")
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings == [
        "What changed", "The pictures that moved most", "Every picture", "Provenance",
    ]  # fmt: skip
    assert "in the other classes, beyond chance: green (1)" in page
    assert re.search(r"<tbody>\s*<tr><td>(.*?)</td>", page).group(1) == "green (1)"  # type: ignore[union-attr]


def test_a_second_run_is_the_scale(runs: dict[str, Any], photos: list[np.ndarray]) -> None:
    old, second, tag = runs["old"], runs["second"], runs["tag"]
    found = visioncam.diff(old, tag, photos, second=second, class_names=NAMES)
    alone = visioncam.diff(old, second, photos, class_names=NAMES)
    assert found.overall.second_moved == pytest.approx(alone.overall.moved.value)
    assert found.overall.second_changed == alone.overall.changed.value
    times = found.overall.moved.value / found.overall.second_moved
    assert f"the new model moved {times:.2g} times as much: " in str(found)
    same = visioncam.diff(old, second, photos[:9], second=second).overall
    assert (same.chance, same.beyond) == (1, False)
    none = visioncam.diff(old, second, photos[:9], second=old)
    assert none.overall.beyond
    assert none.overall.chance == 0.5**9


def test_what_moved_does_not_depend_on_which_is_new(runs: dict[str, Any], photos: list[np.ndarray]) -> None:
    pair = runs["old"], runs["tag"]
    there, back = (visioncam.diff(*models, photos[:6], target=1).pictures for models in (pair, pair[::-1]))
    assert [(a.number, a.moved, a.correlation) for a in there] == [
        (b.number, b.moved, b.correlation) for b in back
    ]
    assert [(a.old_score, a.new_score) for a in there] == [(b.new_score, b.old_score) for b in back]


def test_classes_are_matched_by_name(old: Any, photos: list[np.ndarray]) -> None:
    turned = copy_of(old, order=(2, 0, 1))
    theirs = ["Blue, azure", "red", "green"]
    found = visioncam.diff(old, turned, photos[:6], class_names=NAMES, new_class_names=theirs)
    assert found.overall.changed.value == 0
    assert found.overall.moved.value < 1e-6
    assert found.notes == ()
    blind = visioncam.diff(old, turned, photos[:6])
    assert blind.overall.changed.value == 1
    assert "are matched by index, because names are missing" in blind.notes[0]
    theirs[2] = "grass"
    apart = visioncam.diff(old, turned, photos[:6], class_names=NAMES, new_class_names=theirs)
    assert [one.changed for one in apart.pictures] == [0, 0, 0, 0, 1, 1]
    assert np.isnan([one.moved for one in apart.pictures[-2:]]).all()  # last: nothing to compare
    assert apart.pictures[-1].new_answer == "grass, which the old model lacks"
    assert np.isnan(apart.pictures[-1].new_score)
    assert "only the old model has 'green'" in apart.notes
    assert "only the new model has 'grass'" in apart.notes
    assert "the new model, class: it has no green (1)" in str(apart)
    twice = visioncam.diff(
        old, turned, photos[:2], class_names=["a", "a", "c"], new_class_names=["c", "a", "d"]
    )
    assert twice.notes[-2] == "the old model has 'a' twice: a repeated name matches no class"


def test_models_may_take_pictures_of_other_sizes(old: Any, photos: list[np.ndarray]) -> None:
    large = [np.asarray(Image.fromarray(one).resize((48, 48))) for one in photos[:6]]
    found = visioncam.diff(old, copy_of(old, 48), large)
    assert 0 < found.overall.moved.value < 0.6
    wide = [
        np.pad(large[0], ((0, 0), (30, 30), (0, 0)))
    ]  # of which a crop of the middle sees the picture alone
    crop = visioncam.diff(old, copy_of(old, 48), wide, geometry="center_crop").pictures[0]
    (alone,) = (one for one in found.pictures if one.number == 0)
    assert crop.moved == pytest.approx(alone.moved, abs=1e-5)
    assert crop.correlation == pytest.approx(alone.correlation, abs=1e-5)
    with pytest.raises(ImageError, match=r"the new model: .*24, 24, 3"):
        visioncam.diff(old, copy_of(old, 48), np.zeros((2, 24, 24, 3), np.float32))


def test_pictures_are_the_same_for_both_models(old: Any, photos: list[np.ndarray]) -> None:
    bare = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *old.layers[1:]])
    told = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *old.layers[1:]])
    visioncam.set_model_card(told, visioncam.ModelCard(preprocess=lambda batch: batch / 60 - 1))
    for pair, which in (((told, bare), "new"), ((bare, told), "old")):
        found = visioncam.diff(*pair, photos[:3])
        assert found.overall.moved.value == 0
        assert f"the {which} model, preprocess: it does not declare its preprocessing" in str(found)
        assert found.provenance["old preprocess"] == found.provenance["new preprocess"] == "<lambda>"
    shuffled = tf.data.Dataset.from_tensor_slices(np.float32(photos[:9])).shuffle(9)
    assert visioncam.diff(old, old, shuffled).overall.moved.value == 0
    assert visioncam.diff(old, old, iter(photos[:3])).overall.count == 3


def test_one_class_one_picture_and_a_blank_map(old: Any, photos: list[np.ndarray]) -> None:
    keras.utils.set_random_seed(3)
    single = network(ends="sigmoid")
    found = visioncam.diff(single, single, photos[0])
    assert found.overall.count == 1
    assert found.verdict()[0] == "answers: 0 of 1 changed, 0.000"
    assert found.pictures[0].old_answer == found.pictures[0].new_answer
    blank = copy_of(old)
    blank.get_layer("last").set_weights([w - 9 for w in blank.get_layer("last").get_weights()])
    told = visioncam.diff(old, blank, photos[:6])
    assert told.overall.moved.value == 1
    assert "the new model, blank map: if the other map is not blank" in str(told)
    assert re.search(r"the new model answers class \d on every picture", str(told))
    both = visioncam.diff(blank, blank, photos[:6])
    assert "evidence: no picture has two maps to compare" in str(both)
    assert both.check("moved > 0.5") == ["moved has no value on any picture"]
    json.dumps(both.document(), allow_nan=False)


def test_what_cannot_be_compared_is_an_error_that_says_why(
    old: Any, photos: list[np.ndarray], tmp_path: Path
) -> None:
    four = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *network().layers[:-1], keras.layers.Dense(4)])
    names = {"class_names": NAMES}
    with pytest.raises(OptionError, match="has 3 classes and the new one 4, and without names they cannot"):
        visioncam.diff(old, four, photos[:2])
    with pytest.raises(OptionError, match="share no class: the old one has 'red', 'green', 'blue', the new"):
        visioncam.diff(old, old, photos[:2], **names, new_class_names=["a", "b", "c"])
    with pytest.raises(ValueError, match=r"the new model: .*no_such"):
        visioncam.diff(old, old, photos[:2], new_layer="no_such")
    with pytest.raises(ModelError, match="the second model: "):
        visioncam.diff(old, old, photos[:2], second="a.keras")
    with pytest.raises(OptionError, match="3 targets for 2 pictures"):
        visioncam.diff(old, old, photos[:2], target=[0, 1, 2])
    with pytest.raises(ImageError, match="empty list"):
        visioncam.diff(old, old, [])
    dense = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *network().layers[:3], keras.layers.Conv2D(3, 3)])
    with pytest.raises(TargetError, match="not a list of classes; say what to explain with target="):
        visioncam.diff(dense, dense, photos[:1])
    broken = copy_of(old)
    broken.layers[-1].set_weights([w * np.nan for w in broken.layers[-1].get_weights()])
    with pytest.raises(ModelError, match=r"the new model: its score of class . is nan; check its weights"):
        visioncam.diff(old, broken, photos[:2])
    found = visioncam.diff(old, old, photos[:2])
    with pytest.raises(NameNotFoundError, match="unknown number 'mass'; known: 'moved', 'correlation'"):
        found.check("mass > 1")
    with pytest.raises(OSError, match=r"Cannot write a diff to 'a.txt'. Use .json, .csv or .html"):
        found.save(tmp_path / "a.txt")


def test_a_picture_that_cannot_be_read_is_told(old: Any, photos: list[np.ndarray], tmp_path: Path) -> None:
    for number in range(2):
        Image.fromarray(photos[number]).save(tmp_path / f"{number}.png")
    found = visioncam.diff(old, old, [tmp_path / "0.png", tmp_path / "no.png", tmp_path / "1.png"])
    assert [one.source for one in found.pictures] == ["0.png", "1.png"]
    assert "no such file" in found.failures["no.png"]
