"""The audit on a model that tells bright pictures from dark ones: what is found follows from the pictures."""

from __future__ import annotations

from typing import Any

import attrs
import keras
import numpy as np
import pytest

import visioncam
from visioncam.auditing.hide import without
from visioncam.auditing.places import on, strong_edges
from visioncam_engines.tensorflow.testing.keras_models import planted_blob


def blobs(count: int, *tags: tuple[int, int, float], low: bool = False, seed: int = 0) -> np.ndarray:
    """Return (count, 40, 60, 1) pictures with an object that moves, and tags (top, left, brightness)."""
    rng = np.random.default_rng(seed)
    images = np.zeros((count, 40, 60, 1), np.float32)
    for image in images:
        top, left = (31 if low else int(rng.integers(8, 24))), int(rng.integers(2, 50))
        image[top : top + 8, left : left + 8] += rng.uniform(0.25, 0.35)
        for y, x, brightness in tags:
            image[y : y + 4, x : x + 4] += brightness
    return images


BLOBS = planted_blob((40, 60))


@pytest.mark.parametrize(
    ("tags", "places"),
    [
        ([], []),
        ([(36, 28, 1.2)], ["bottom middle"]),
        ([(18, 0, 1.2)], ["middle left"]),
        ([(0, 0, 0.4), (36, 56, 0.4)], ["lower right corner", "upper left corner"]),
        ([(36, 28, 50.0)], ["bottom middle"]),
    ],
)
def test_one_thing_is_one_finding(tags: list[tuple[int, int, float]], places: list[str]) -> None:
    told = visioncam.audit(BLOBS, blobs(12, *tags))
    assert sorted(one.place for one in told.findings) == places
    assert all(one.told == "spread" for one in told.findings)
    assert places or "no place was found" in str(told)


def test_objects_that_lie_low_are_told_from_tags_by_boxes_or_by_how_they_move() -> None:
    assert not visioncam.audit(BLOBS, blobs(16, low=True)).findings
    still = blobs(16)
    still[:, 31:39, 26:34] += 1.0
    (low,) = visioncam.audit(BLOBS, still).findings
    assert (low.place, low.told) == ("bottom middle", "spread")
    assert "boxes would settle it" in str(low)
    boxes: list[Any] = [(26, 31, 34, 39)] * 16
    assert not visioncam.audit(BLOBS, still, truth=boxes).findings
    still[:, 36:, :4] += 3.0  # and a tag, which no box excuses
    (tag,) = visioncam.audit(BLOBS, still, truth=boxes).findings
    assert (tag.place, tag.told) == ("lower left corner", "boxes")
    still[:, 10:16, 26:34] += 4.0  # above the middle: where objects may be, and no box is
    assert {one.place for one in visioncam.audit(BLOBS, still, truth=boxes).findings} == {
        "lower left corner",
        "above middle",
    }
    still[:, 10:16, 26:34] -= 4.0
    told = visioncam.audit(BLOBS, still, truth=[*boxes[:8], *[None] * 8])
    assert [one.share.count for one in told.findings] == [8]
    few = visioncam.audit(BLOBS, still, truth=[*boxes[:4], *[None] * 12])
    assert "a class with fewer than 5 pictures cannot be judged: class 0 (4)" in few.notes
    assert told.notes[0].startswith("8 of 16 pictures have no marked object")


def test_places_are_those_of_what_the_model_sees() -> None:
    picture = np.zeros((40, 240, 1), np.uint8)
    picture[2:10, 92:104] = 80  # in the upper left corner of the middle, which is all that the model sees
    crop = visioncam.geometry.CenterCrop(1.0)
    assert crop((40, 240), (40, 60)).view == (0, 90, 40, 150)
    told = visioncam.audit(BLOBS, [picture] * 6, geometry=crop, preprocess="unit")
    assert [one.place for one in told.findings] == ["upper left corner"]
    assert told.pictures[0].shares["upper left corner"] > 0.5
    assert told.pictures[0].why == "upper left corner"


def test_of_a_picture_in_windows_the_whole_is_looked_at() -> None:
    pictures = np.zeros((6, 80, 120, 1), np.uint8)
    for number, picture in enumerate(pictures):
        picture[20:28, 30 + 8 * number : 40 + 8 * number] = 40 + number
        picture[72:, 112:] = 200
    told = visioncam.audit(BLOBS, list(pictures), geometry="tile", preprocess="unit")
    assert [one.place for one in told.findings] == ["lower right corner"]
    assert told.findings[0].drop is not None


def test_hidden_places_show_their_surroundings() -> None:
    x = np.full((30, 40, 3), 0.25, np.float32)
    x[:9, :11] = 9.0
    there = on("upper left corner", (30, 40), 3)
    assert np.allclose(without(x, there), 0.25, atol=1e-5)
    assert np.array_equal(without(x, there)[~there], x[~there])
    assert np.array_equal(without(x, np.zeros_like(there)), x)


@attrs.frozen
class Give:
    """A method whose map has one value everywhere."""

    value: float = 1.0
    needs = frozenset[str]()

    def __call__(self, evidence: Any) -> np.ndarray:
        return np.full(evidence.activations.shape[:-1], self.value, np.float32)


def test_what_makes_all_maps_worthless_comes_first() -> None:
    images = blobs(8, (36, 28, 5.0))
    for value, word in ((1.0, "every map is flat"), (0.0, "every map is blank")):
        told = visioncam.audit(BLOBS, images, Give(value))
        assert not told.findings
        assert str(told).startswith(word)
        assert told.document()["notes"][0].startswith(word)
        assert next(iter(told.document())) == "notes"
        assert not any(one.why for one in told.pictures)
    constant = keras.models.clone_model(BLOBS)
    weights = [0 * value for value in BLOBS.get_weights()]
    constant.set_weights(weights)
    assert str(visioncam.audit(constant, images)).startswith(
        "the model gives the same answer for every picture"
    )
    constant.set_weights([np.full_like(value, np.nan) for value in weights])
    assert str(visioncam.audit(constant, images)).startswith(
        "the score is not a finite number for any picture"
    )
    images[:, 36:, 28:32] = 0
    images[images > 0] = 0.3  # pictures may have one answer by chance, and the same picture has
    assert visioncam.audit(BLOBS, images).notes == visioncam.audit(BLOBS, [images[0]] * 8).notes == ()


def test_evidence_beside_the_object_makes_a_picture_suspicious() -> None:
    beside = visioncam.audit(BLOBS, blobs(1), truth=[(0, 0, 12, 4)]).pictures[0]
    assert (beside.why, beside.suspicion) == ("outside the object", pytest.approx(10))


def test_corners_that_look_like_text_have_more_edges() -> None:
    rng = np.random.default_rng(0)
    picture = np.zeros((40, 40))
    picture[:8, :10] = 255 * rng.integers(0, 2, (8, 10))
    strong = strong_edges(picture)
    assert strong[on("upper left corner", (40, 40))].mean() > 0.5 > strong.mean()
