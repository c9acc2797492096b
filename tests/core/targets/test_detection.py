"""`Box`: a class and a box of a detector, on a YOLO-like grid and on a RetinaNet-like list of anchors."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from helpers.networks.kinds import noise
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam.geometry import Box as Edges
from visioncam.targets import Box
from visioncam_core.errors import VisionCamError

STRIDE, CELLS = 4, 8
CENTRES = (np.indices((CELLS, CELLS)).reshape(2, -1).T + 0.5) * STRIDE


def edges(corners: Any) -> Edges:
    """Return a box from (top, left, bottom, right), the order in which this detector answers."""
    return Edges(left=corners[1], top=corners[0], right=corners[3], bottom=corners[2])


def decode(boxes: Any) -> Any:
    """Return corners of (b, P, 4) offsets and logarithms of sizes, around each cell's middle."""
    middle = CENTRES.astype(np.float32) + boxes[..., :2]
    half = 0.5 * STRIDE * keras.ops.exp(boxes[..., 2:])
    return keras.ops.concatenate([middle - half, middle + half], -1)


def yolo(listed: bool = False) -> Any:
    """Return a head with four numbers of a box, an objectness and three classes at each of 8 x 8 cells."""
    i = L.Input((32, 32, 3))
    x = L.Conv2D(8, 4, strides=STRIDE, activation="relu", name="stem")(i)
    x = L.Conv2D(8, 3, padding="same", activation="relu", name="neck")(x)
    boxes, rest = L.Conv2D(4, 1, name="boxes")(x), L.Conv2D(4, 1, name="classes")(x)
    if listed:
        boxes, rest = L.Reshape((-1, 4))(boxes), L.Reshape((-1, 4))(rest)
    return keras.Model(i, L.Concatenate(name="joined")([boxes, rest]))


def anchors() -> tuple[Any, Any]:
    """Return one detector in both forms, with the same weights."""
    one, two = yolo(), yolo(listed=True)
    two.set_weights(one.get_weights())
    return one, two


X = noise(32, 32, 3)[0]
ASKED = {"decode": decode, "start": 5, "objectness": 4}


def test_the_score_is_probability_times_overlap_at_the_best_place() -> None:
    model, listed = anchors()
    box = (6.0, 6.0, 15.0, 17.0)
    values = np.asarray(listed(X[None]))[0]
    corners = np.asarray(decode(values[None, :, :4]))[0]
    sides = np.minimum(corners[:, 2:], box[2:]) - np.maximum(corners[:, :2], box[:2])
    both = np.maximum(sides, 0).prod(1)
    union = (corners[:, 2:] - corners[:, :2]).prod(1) + 9 * 11 - both
    p = 1 / (1 + np.exp(-values[:, 4:]))
    best = (p[:, 0] * p[:, 3] * both / union).max()
    for form in (model, listed):
        e = visioncam.explain(form, X, "hirescam", target=Box(2, edges(box), **ASKED), layer="neck")
        assert e.score == pytest.approx(best, rel=1e-4)
        assert e.target.label == "class 2 in a box"


def test_every_method_and_both_forms_agree() -> None:
    """A grid of cells and a list of anchors; a box of one's own, and the one that the model is surest of."""
    model, listed = anchors()
    for box in (edges((6.0, 6.0, 15.0, 17.0)), None):
        one, two = (
            visioncam.compare(form, X, target=Box(1, box, **ASKED), layer="neck") for form in (model, listed)
        )
        assert one.failures == two.failures == {}
        assert len(one) == 9
        for a, b in zip(one, two, strict=True):
            np.testing.assert_allclose(a.raw, b.raw, atol=1e-5 * max(np.abs(a.raw).max(), 1e-9))
        assert one["gradcam"].raw.any()


def test_the_map_lies_on_the_object_in_the_box() -> None:
    """A detector by hand: class 0 where it is bright. Of two bright squares, the one in the box is shown."""
    i = L.Input((32, 32, 1))
    x = L.AveragePooling2D(STRIDE)(i)
    x = L.Conv2D(1, 1, use_bias=False, kernel_initializer="ones", activation="relu", name="bright")(x)
    boxes = L.Conv2D(4, 1, kernel_initializer="zeros")(x)
    model = keras.Model(i, L.Concatenate()([boxes, x]))
    picture = np.zeros((32, 32, 1), np.float32)
    picture[4:8, 4:8] = picture[20:24, 24:28] = 1.0
    for box, cell in (((3, 3, 9, 9), (1, 1)), ((19, 23, 25, 29), (5, 6))):
        target = Box(0, edges(box), decode=decode)
        for method in ("hirescam", "gradcamelementwise", "ablationcam"):
            e = visioncam.explain(model, picture, method, target=target, layer="bright")
            assert e.raw[cell] > 0
            if method != "ablationcam":  # one channel, which is left out as a whole
                assert np.count_nonzero(e.raw) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_": 3, **ASKED}, "class index 3 is out of range: the output has 3 after its first 5"),
        (
            {"class_": 0, "box": edges((90, 90, 99, 99)), **ASKED},
            r"overlaps box=Box\(left=90, top=90, .*\); check",
        ),
        ({"class_": 0, "box": edges((9, 9, 3, 3))}, r"box=Box\(left=9, top=9, right=3, bottom=3\) is empty"),
        ({"class_": 0, "box": (1, 2, 3)}, r"'box' of Box .*received \(1, 2, 3\)"),
        (
            {"class_": 0, "box": (1, 2, 3, 4)},
            r"takes visioncam.geometry.Box\(left=, top=, right=, bottom=\), received \(1, 2, 3, 4\) .*: "
            r"Box\(left=1, top=2, right=3, bottom=4\) where it is \(left, top, right, bottom\), or "
            r"Box\(left=2, top=1, right=4, bottom=3\) where it is \(top, left, bottom, right\)",
        ),
        ({"class_": "cat"}, "'class_' of Box must be int, received 'cat'"),
        ({"class_": 0, "decode": lambda boxes: boxes[..., :2]}, r"decode turned \(1, 64, 4\) into"),
        ({"class_": 0, "start": 8}, "needs an output with a box and classes at many positions"),
    ],
)
def test_what_is_no_detection_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(VisionCamError, match=message):
        visioncam.explain(yolo(), X, target=Box(**options), layer="neck")


def test_a_model_that_answers_in_the_other_order_is_explained_alike() -> None:
    """The same detector, with its corners as (left, top, right, bottom)."""
    model, box = yolo(), Edges(left=5.0, top=6.0, right=17.0, bottom=15.0)

    def swapped(boxes: Any) -> Any:
        return keras.ops.take(decode(boxes), [1, 0, 3, 2], axis=-1)

    one, two = (
        visioncam.explain(model, X, "hirescam", layer="neck", target=Box(2, box, **{**ASKED, **order}))
        for order in ({"box_format": "yxyx"}, {"box_format": "xyxy", "decode": swapped})
    )
    assert one.score == pytest.approx(two.score, rel=1e-6)
    np.testing.assert_allclose(one.raw, two.raw, rtol=1e-5, atol=1e-7)
