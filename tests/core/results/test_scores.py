"""The score: logits are found under every kind of end, and no softmax is applied twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.targets import CLASSES, NO_LOGIT, SIGMOID, SOFTMAX, Body, by_hand, images
from keras import ops

import visioncam

X = images()
explain = visioncam.explain


@pytest.fixture(scope="module")
def body() -> Body:
    return Body()


@pytest.fixture(scope="module")
def plain(body: Body) -> Any:
    """Return the model that ends with the logits."""
    return body.model()


@pytest.fixture(scope="module")
def softmax(body: Body) -> Any:
    return body.model(ops.softmax)


def softmax_of(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def close(a: Any, b: Any, tolerance: float = 1e-5) -> None:
    assert np.abs(b).max() > 0
    np.testing.assert_allclose(a, b, atol=tolerance * np.abs(b).max())


@pytest.mark.parametrize(
    "head", [*SOFTMAX.values(), *SIGMOID.values()], ids=[*SOFTMAX, *(f"sigmoid {k}" for k in SIGMOID)]
)
def test_the_logit_is_found_and_it_is_the_logit(head: Any, body: Body, plain: Any) -> None:
    wanted = explain(plain, X, "hirescam", target=3)
    found = explain(body.model(head), X, "hirescam", target=3)
    for e, w, logits in zip(found, wanted, np.asarray(plain(X)), strict=True):
        assert e.score_kind == "logit"
        assert e.score == pytest.approx(logits[3], rel=1e-5)
        close(e.raw, w.raw)
        assert e.probabilities
        assert 0 <= e.target.probability <= 1
        assert "score-not-logit" not in {d.code for d in e.diagnostics}


@pytest.mark.parametrize("head", NO_LOGIT.values(), ids=NO_LOGIT)
def test_elsewhere_the_output_itself_is_explained(head: Any, body: Body) -> None:
    model = body.model(head)
    e = explain(model, X[0], "hirescam", target=3)
    assert e.score_kind == "output"
    assert e.score == pytest.approx(float(model(X[:1])[0, 3]), rel=1e-5, abs=1e-7)
    codes = {d.code: d for d in e.diagnostics}
    assert ("score-not-logit" in codes) == (head is by_hand)
    if head is by_hand:
        assert codes["score-not-logit"].fix.startswith("end the model with a softmax")


def test_a_softmax_by_hand_is_not_applied_again(body: Body, softmax: Any) -> None:
    model = body.model(by_hand)
    answer = np.asarray(softmax(X))[0]
    for score in ("logit", "probability"):
        e = explain(model, X[0], "hirescam", target=3, score=score)
        assert e.score == pytest.approx(answer[3], rel=1e-4)
        assert e.target.probability == pytest.approx(answer[3], rel=1e-4)
        assert e.probabilities
        assert [p.value for p in e.predictions] == pytest.approx(sorted(answer)[::-1], rel=1e-4)
        close(e.raw, explain(softmax, X[0], "hirescam", target=3, score="probability").raw, 1e-4)
        weights = {"method": "scorecam", "weights": "probability", "target": 3, "score": score}
        close(explain(model, X[0], **weights).raw, explain(softmax, X[0], **weights).raw, 1e-4)


def test_the_probability_of_a_logits_head_is_its_softmax(plain: Any, softmax: Any) -> None:
    for method in ("hirescam", "scorecam", "ablationcam"):
        e = explain(plain, X[0], method, target=3, score="probability")
        w = explain(softmax, X[0], method, target=3, score="probability")
        assert e.score_kind == w.score_kind == "probability"
        assert e.score == pytest.approx(softmax_of(np.asarray(plain(X)))[0, 3], rel=1e-5)
        assert e.score == pytest.approx(e.target.probability)
        assert e.probabilities
        assert [(p.index, round(p.value, 5)) for p in e.predictions] == [
            (p.index, round(p.value, 5)) for p in w.predictions
        ]
        close(e.raw, w.raw)


@pytest.mark.parametrize("score", ["logit", "probability"])
def test_scorecam_weighs_by_the_same_probability_under_every_head(score: str, body: Body, plain: Any) -> None:
    keywords = {"method": "scorecam", "weights": "probability", "target": 3, "score": score}
    wanted = explain(plain, X[0], **keywords).raw
    for head in (ops.softmax, ops.log_softmax):
        close(explain(body.model(head), X[0], **keywords).raw, wanted)
    one = {**keywords, "target": 1}
    close(
        explain(body.model(ops.sigmoid, 1), X[0], **one).raw,
        explain(body.model(count=1), X[0], **{**one, "target": 0 if score == "logit" else 1}).raw,
    )


def test_log_probabilities_are_shown_as_probabilities(body: Body, softmax: Any) -> None:
    answer = np.asarray(softmax(X))[0]
    for score in ("logit", "probability"):
        e = explain(body.model(ops.log_softmax), X[0], score=score)
        assert e.target.index == int(answer.argmax())
        assert e.target.probability == pytest.approx(answer.max(), rel=1e-5)
        assert sum(p.value for p in e.predictions) == pytest.approx(1, abs=1e-5)


def test_a_probability_without_room_to_change_is_a_diagnostic_with_its_number(body: Body, plain: Any) -> None:
    steep = body.model(lambda x: ops.softmax(40 * x))
    top = int(np.asarray(plain(X))[0].argmax())
    saturated = {d.code: d for d in explain(steep, X[0], score="probability").diagnostics}
    assert "1.000000" in saturated["saturated-probability"].message
    assert "logit" in saturated["saturated-probability"].fix
    assert explain(steep, X[0]).target.index == top
    for clear in (explain(steep, X[0]), explain(body.model(ops.softmax), X[0], score="probability")):
        assert "saturated-probability" not in {d.code for d in clear.diagnostics}


def test_outputs_are_chosen_by_name_and_by_index(body: Body) -> None:
    import keras

    named = [body.dense[n](body.features) for n in (2, 3)]
    several = keras.Model(body.input, [ops.softmax(named[0]), named[1]])
    several.output_names = ["kind", "size"]
    alone = explain(body.model(count=3), X[0], "hirescam", target=2)
    for output in ("size", 1, -1, np.int64(1)):
        e = explain(several, X[0], "hirescam", target=2, output=output)
        close(e.raw, alone.raw)
        assert e.score_kind == "output"
    first = explain(several, X[0])
    assert first.score_kind == "logit"
    assert {d.code: d for d in first.diagnostics}["output-chosen"].message.count("kind") == 2
    keyed = keras.Model(body.input, {"b": ops.softmax(named[0]), "a": named[1]})
    close(explain(keyed, X[0], "hirescam", target=2, output="a").raw, alone.raw)
    assert explain(keyed, X[0], output="b").score_kind == "logit"


def test_a_classifier_without_flattening_is_a_classifier(body: Body, plain: Any) -> None:
    from keras import layers

    e = explain(body.model(lambda x: ops.softmax(layers.Reshape((1, 1, CLASSES))(x))), X[0], "hirescam")
    w = explain(plain, X[0], "hirescam")
    assert (e.target.index, e.score_kind) == (w.target.index, "logit")
    assert [p.index for p in e.predictions] == [p.index for p in w.predictions]
    close(e.raw, w.raw)


def test_a_softmax_over_logits_is_said_and_one_over_probabilities_is_not_made(body: Body, plain: Any) -> None:
    for head, assumed in ((ops.hard_sigmoid, False), (None, True)):
        model = plain if head is None else body.model(head)
        codes = {d.code for d in explain(model, X[0], score="probability").diagnostics}
        assert ("probability-assumed" in codes) == assumed
        assert "probability-assumed" not in {d.code for d in explain(model, X[0]).diagnostics}
