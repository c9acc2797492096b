"""Targets: what is asked is what is explained, however it is asked."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.targets import LINEAR, METHODS, Body, images
from keras import ops

import visioncam
from visioncam import targets

X = images()
NAMES = ["tabby, tabby cat", "tiger cat", "Egyptian cat", "crane", "crane, Grus grus"]
explain = visioncam.explain


@pytest.fixture(scope="module")
def body() -> Body:
    return Body()


@pytest.fixture(scope="module")
def model(body: Body) -> Any:
    return body.model(ops.softmax)


@pytest.fixture(scope="module")
def plain(body: Body) -> Any:
    return body.model()


@pytest.fixture(scope="module")
def logits(plain: Any) -> np.ndarray:
    return np.asarray(plain(X))


@pytest.fixture(scope="module")
def sigmoid(body: Body) -> Any:
    """Return a model that gives 0.1 for the first picture."""
    shift = float(np.log(1 / 9) - np.asarray(body.model(count=1)(X))[0, 0])
    return body.model(lambda x: ops.sigmoid(x + shift), 1)


def close(a: Any, b: Any, tolerance: float = 1e-5) -> None:
    assert np.abs(b).max() > 0
    np.testing.assert_allclose(a, b, atol=tolerance * np.abs(b).max())


def test_the_top_class_by_default(model: Any, logits: np.ndarray) -> None:
    for e, values in zip(explain(model, X), logits, strict=True):
        assert e.target.index == values.argmax() == e.predictions[0].index
        assert e.target.probability == pytest.approx(e.predictions[0].value)
        assert e.score == pytest.approx(values.max(), rel=1e-5)


def test_an_index_may_be_written_in_many_ways(model: Any) -> None:
    wanted = explain(model, X[0], target=2)
    ways: list[Any] = [np.int64(2), np.uint8(2), np.array(2), np.array([2]), [2], (2,), tf.constant(2)]
    ways += [
        tf.constant([2]),
        [tf.constant(2)],
        tf.Variable(2),
        targets.Class(2),
        [targets.Class(np.int32(2))],
    ]
    for way in ways:
        e = explain(model, X[0], target=way)
        assert e.target == wanted.target, way
        assert np.array_equal(e.raw, wanted.raw)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("tabby", 0),
        ("Tabby Cat", 0),
        ("tabby, tabby cat", 0),
        (" tiger cat ", 1),
        ("crane", 3),
        ("grus grus", 4),
    ],
)
def test_a_class_is_found_by_name_and_by_synonym(name: str, index: int, model: Any) -> None:
    for target in (name, np.array(name), [name], targets.Class(name)):
        e = explain(model, X[0], target=target, class_names=NAMES)
        assert (e.target.index, e.target.name) == (index, NAMES[index])
        assert e.target.label == f"{NAMES[index].split(',')[0]} ({index})"


@pytest.mark.parametrize("kind", ["tuple", "array", "mapping", "text", "json", "json object", "json pairs"])
def test_class_names_come_in_many_ways(kind: str, model: Any, tmp_path: Any) -> None:
    import json

    names = list("abcde")
    path = tmp_path / ("names.txt" if kind == "text" else "names.json")
    contents = {
        "text": "\ufeff" + "\n".join(names) + "\n\n",
        "json": json.dumps(names),
        "json object": json.dumps({str(i): names[i] for i in (4, 0, 1, 3, 2)}),
        "json pairs": json.dumps({str(i): [f"n{i}", name] for i, name in enumerate(names)}),
    }
    given: Any = {"tuple": tuple(names), "array": np.array(names), "mapping": dict(enumerate(names))}.get(
        kind, path
    )
    if kind in contents:
        path.write_text(contents[kind], encoding="utf-8")
    assert explain(model, X[0], target="d", class_names=given).target.index == 3


def test_a_list_asks_one_thing_of_each_picture(model: Any) -> None:
    asked: list[Any] = ["tiger cat", lambda outputs: outputs[:, 2]]
    found = explain(model, X, target=asked, class_names=NAMES)
    for i, target in enumerate((1, 2)):
        close(found[i].raw, explain(model, X[i], target=target).raw)
    first, second = explain(model, X, target=[None, 4])
    assert second.target.index == 4
    assert first.target == explain(model, X[0]).target


@pytest.mark.parametrize("method", METHODS)
def test_a_function_that_mimics_a_class_gives_its_map(method: str, model: Any) -> None:
    by_index = explain(model, X[0], method, target=2)
    by_function = explain(model, X[0], method, target=lambda outputs: outputs[:, 2])
    close(by_function.raw, by_index.raw, 1e-6)
    assert by_function.score == pytest.approx(by_index.score, rel=1e-6)
    assert (by_function.target.index, by_function.target.label) == (None, "<lambda>")


def test_a_function_may_be_any_arithmetic_of_keras_or_tensorflow(model: Any) -> None:
    def both(outputs: Any) -> Any:
        return ops.logsumexp(outputs[:, 1:3], axis=-1) + 0.0 * tf.norm(outputs, axis=-1)

    e = explain(model, X[0], "hirescam", target=both)
    assert e.target.label == "both"
    parts = [explain(model, X[0], "hirescam", target=i) for i in (1, 2)]
    scores = np.array([part.score for part in parts])
    weights = np.exp(scores) / np.exp(scores).sum()
    close(e.raw, weights[0] * parts[0].raw + weights[1] * parts[1].raw)
    assert e.score == pytest.approx(np.log(np.exp(scores).sum()), rel=1e-5)


def test_a_target_that_is_not_finite_is_a_diagnostic_and_no_nan_comes_out(model: Any) -> None:
    e = explain(model, X[0], target=lambda outputs: outputs[:, 0] * float("nan"))
    assert "non-finite" in {d.code for d in e.diagnostics}
    assert np.isfinite(e.raw).all()
    assert np.isfinite(e.heatmap).all()


def test_scorecam_needs_no_derivative(model: Any) -> None:
    def sure(outputs: Any) -> Any:
        return ops.cast(ops.argmax(outputs, axis=-1), "float32")

    assert np.isfinite(explain(model, X[0], "scorecam", target=sure).raw).all()


def test_a_sigmoid_at_a_tenth_explains_the_negative_class_unless_told_otherwise(sigmoid: Any) -> None:
    negative = explain(sigmoid, X[0], "hirescam")
    assert (negative.target.index, negative.target.name) == (0, "negative")
    assert negative.target.probability == pytest.approx(0.9, rel=1e-3)
    assert [(p.name, round(p.value, 3)) for p in negative.predictions] == [
        ("negative", 0.9),
        ("positive", 0.1),
    ]
    for positive in (1, "positive", targets.Binary(), targets.Binary(positive=True), targets.Regression()):
        e = explain(sigmoid, X[0], "hirescam", target=positive)
        close(e.raw, -negative.raw)
        assert e.score == pytest.approx(np.log(1 / 9), rel=1e-4) == -negative.score
    for same in (
        0,
        "negative",
        targets.Binary(positive=False),
        targets.Regression("down"),
        targets.Ranked(0),
    ):
        close(explain(sigmoid, X[0], "hirescam", target=same).raw, negative.raw)
    by_probability = explain(sigmoid, X[0], "hirescam", score="probability")
    assert (by_probability.target.index, round(by_probability.score, 3)) == (0, 0.9)
    close(by_probability.heatmap, negative.heatmap)


def test_the_positive_class_begins_at_one_half(body: Body) -> None:
    shift = float(np.log(0.55 / 0.45) - np.asarray(body.model(count=1)(X))[0, 0])
    for push, name in ((0.0, "positive"), (-0.3, "negative")):
        model = body.model(lambda x, push=push: ops.sigmoid(x + shift + push), 1)
        for score in ("logit", "probability"):
            assert explain(model, X[0], score=score).target.name == name


def test_one_name_for_one_value_is_the_positive_class(sigmoid: Any) -> None:
    for names, target, index in ((["cat"], "cat", 1), (["cat"], "not cat", 0), (["dog", "cat"], "dog", 0)):
        assert explain(sigmoid, X[0], target=target, class_names=names).target.index == index


def test_binary_serves_a_single_logit_too(body: Body, sigmoid: Any) -> None:
    bare = body.model(count=1)
    for positive in (True, False):
        e = explain(bare, X[0], "hirescam", target=targets.Binary(positive))
        close(e.raw, explain(sigmoid, X[0], "hirescam", target=int(positive)).raw)
        assert e.target.label == ("positive" if positive else "negative")


def test_labels_that_exclude_nothing_are_each_their_own(body: Body, plain: Any) -> None:
    labels = body.model(ops.sigmoid)
    for i in range(5):
        e = explain(labels, X[0], "hirescam", target=i)
        close(e.raw, explain(plain, X[0], "hirescam", target=i).raw)
        assert e.target.probability == pytest.approx(float(labels(X[:1])[0, i]), rel=1e-5)


@pytest.mark.parametrize("method", LINEAR)
def test_regression_down_is_minus_up(method: str, body: Body) -> None:
    model = body.model(count=3)
    up = explain(model, X[0], method, target=targets.Regression(index=1))
    down = explain(model, X[0], method, target=targets.Regression("down", 1))
    assert np.array_equal(down.raw, -up.raw)
    assert down.score == -up.score
    close(up.raw, explain(model, X[0], method, target=1).raw)
    assert (up.target.label, down.target.label) == ("output 1 up", "output 1 down")


@pytest.mark.parametrize("method", LINEAR)
def test_contrast_is_the_difference_of_two_maps(method: str, model: Any) -> None:
    e = explain(model, X[0], method, target=targets.Contrast("tabby", "tiger cat"), class_names=NAMES)
    a, b = (explain(model, X[0], method, target=i) for i in (0, 1))
    close(e.raw, a.raw - b.raw)
    assert e.score == pytest.approx(a.score - b.score, rel=1e-5)
    assert e.target.label == "tabby rather than tiger cat"
    reverse = explain(model, X[0], method, target=targets.Contrast(1, 0))
    close(reverse.raw, -e.raw)


def test_similarity_is_a_cosine(plain: Any, logits: np.ndarray) -> None:
    cosine = logits[0] @ logits[1] / np.linalg.norm(logits[0]) / np.linalg.norm(logits[1])
    for reference in (logits[1], logits[1:], tf.constant(logits[1]), logits[1].tolist()):
        e = explain(plain, X[0], "hirescam", target=targets.Similarity(reference))
        assert e.score == pytest.approx(cosine, rel=1e-5)
    assert e.raw.any()
    with pytest.raises(visioncam.VisionCamError, match=r"^the reference embedding has 3 values"):
        explain(plain, X[0], target=targets.Similarity([1.0, 2.0, 3.0]))
    same = explain(plain, X[0], "hirescam", target=targets.Similarity(logits[0]))
    assert same.score == pytest.approx(1, abs=1e-6)
    assert (
        np.abs(same.raw).max() < 1e-5 * np.abs(e.raw).max() + 1e-6
    )  # at its maximum nothing is left to gain


@pytest.mark.parametrize("method", METHODS)
def test_evidence_for_against_and_signed_are_parts_of_one_raw_map(method: str, model: Any) -> None:
    found = {
        part: explain(model, X[0], method, target=2, evidence=part, placement="stretched")
        for part in ("for", "against", "signed")
    }
    raw = found["for"].raw  # the layer has the picture's size, so that nothing is resized
    assert raw.shape == X[0].shape[:2]
    for part, kept in (("for", np.maximum(raw, 0)), ("against", np.maximum(-raw, 0)), ("signed", raw)):
        e = found[part]
        assert np.array_equal(e.raw, raw)
        top = np.abs(kept).max()
        np.testing.assert_allclose(e.heatmap, kept / top if top else kept, atol=1e-6)
        assert ("no-positive-evidence" in {d.code for d in e.diagnostics}) == (top == 0)


@pytest.mark.parametrize("method", LINEAR)
def test_against_a_score_is_for_its_opposite(method: str, model: Any) -> None:
    against = explain(model, X[0], method, target=2, evidence="against")
    opposite = explain(model, X[0], method, target=lambda outputs: -outputs[:, 2])
    assert against.heatmap.any()
    close(opposite.heatmap, against.heatmap)


def test_a_card_of_another_output_is_left_aside_but_names_given_are_counted(body: Body) -> None:
    several = keras.Model(body.input, [body.logits(5), body.logits(3)])
    visioncam.set_model_card(several, visioncam.ModelCard(class_names=tuple(NAMES)))
    assert explain(several, X[0], target=0, output=0).target.name == NAMES[0]
    assert explain(several, X[0], target=0, output=1).target.name is None
    with pytest.raises(visioncam.VisionCamError, match="5 names"):
        explain(several, X[0], output=1, class_names=NAMES)
