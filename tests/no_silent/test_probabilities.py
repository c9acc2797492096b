"""Probabilities are the model's own: whatever its end is made of, none is made up without a word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from helpers.ends import ASSUMED, FOUND, KNOWN, OTHERWISE, OWN, Head, side_by_side, sigmoid_by_hand, unsure
from helpers.networks.kinds import conv, gap
from helpers.targets import CLASSES, Body, images
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops

import visioncam
from visioncam.evaluation.recommend import Recommendation
from visioncam_core.errors import LayerError, TargetError
from visioncam_core.metrics.case import Questions
from visioncam_core.metrics.probe import probes
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request

X = images(3)


@pytest.fixture(scope="module")
def body() -> Body:
    return Body()


def codes(explanation: Any) -> dict[str, str]:
    return {one.code: one.message for one in explanation.diagnostics}


@pytest.fixture(scope="module", params=KNOWN)
def ending(request: pytest.FixtureRequest, body: Body) -> tuple[str, Any, Any]:
    """Return the name of an end, a model with it, and what makes probabilities of its answer."""
    head, probability = KNOWN[request.param]
    return request.param, body.model(head), probability


@pytest.mark.parametrize("score", ["logit", "probability"])
def test_the_probability_is_the_models_own_and_so_is_the_class(
    score: str, ending: tuple[str, Any, Any]
) -> None:
    _, model, probability = ending
    own = probability(np.asarray(model(X)))
    for e, row in zip(visioncam.explain(model, X, "scorecam", score=score), own, strict=True):
        assert e.target.index == int(row.argmax())
        assert e.target.probability == pytest.approx(row.max(), rel=1e-4)
        assert e.probabilities
        best = np.sort(row)[::-1][:5]
        assert [one.value for one in e.predictions] == pytest.approx(best, rel=1e-4, abs=1e-6)
        assert "probability-assumed" not in codes(e)
        assert score == "logit" or e.score == pytest.approx(row.max(), rel=1e-4)


def test_metrics_are_given_the_same_and_what_is_left_of_1(ending: tuple[str, Any, Any]) -> None:
    _, model, probability = ending
    own = probability(np.asarray(model(X)).astype(np.float64)).max(axis=1)
    explainer = Explainer.of(model, Request.of("scorecam", {}))
    for probe, p in zip(probes(explainer, X), own, strict=True):
        case = probe.case(np.ones(probe.x.shape[:-1], np.float32), None, Questions())
        assert case.probability == pytest.approx(p, rel=1e-4)
        assert case.remainder == pytest.approx(1 - p, abs=1e-5)
        assert case.score_of(probe.x) == pytest.approx(p, rel=1e-4)
        assert case.score_of(probe.x, "remainder") == pytest.approx(1 - p, abs=1e-5)


def test_the_logit_lies_before_the_activation_and_without_one_the_probability_is_explained(
    ending: tuple[str, Any, Any],
) -> None:
    name, model, _ = ending
    if name in OWN or "by hand" in name:
        e = visioncam.explain(model, X[0], "scorecam")
        assert (e.score_kind, e.score) == ("output", pytest.approx(e.target.probability, rel=1e-5))
        assert "score-not-logit" in codes(e)
    else:
        e = visioncam.explain(model, X[0], "hirescam")
        assert e.score_kind == "logit"
        assert "score-not-logit" not in codes(e)


def test_logits_are_averaged_as_the_probabilities_are(body: Body) -> None:
    logits = np.asarray(body.model()(X))
    roll = 0.5 * np.roll(logits, 1, axis=-1)
    for head, wanted in (
        (FOUND["average of sigmoids"], (logits + roll) / 2),
        (FOUND["weighted"], 0.3 * logits + 0.7 * roll),
        (FOUND["tanh moved"], 2 * logits),
        (lambda x: 1 - ops.sigmoid(x), -logits),
        (FOUND["smoothed"], logits),
        (OTHERWISE["percent"][0], logits),
    ):
        for e, row in zip(visioncam.explain(body.model(head), X, "hirescam", target=2), wanted, strict=True):
            assert e.score == pytest.approx(row[2], rel=1e-4)


@pytest.mark.parametrize("outer", [ops.softmax, ops.sigmoid])
@pytest.mark.parametrize("inner", [ops.softmax, ops.sigmoid])
def test_an_activation_under_another_is_no_logit(outer: Head, inner: Head, body: Body) -> None:
    plain, twice = body.model(), body.model(lambda x: outer(inner(x)))
    for e, w in zip(visioncam.explain(twice, X), visioncam.explain(plain, X), strict=True):
        assert (e.score_kind, e.target.index) == ("logit", w.target.index)
        assert e.score == pytest.approx(w.score, rel=1e-5)
        np.testing.assert_allclose(e.raw, w.raw, atol=1e-5 * np.abs(w.raw).max())
        assert "one activation on top of another" in codes(e)["output-composed"]


def test_a_softmax_over_log_probabilities_has_logits_and_is_as_it_was(body: Body) -> None:
    e = visioncam.explain(body.model(lambda x: ops.softmax(ops.log_softmax(x))), X[0], target=1)
    answer = np.asarray(body.model(ops.log_softmax)(X[:1]))[0]
    assert (e.score_kind, e.score) == ("logit", pytest.approx(answer[1], rel=1e-5))
    assert "output-composed" not in codes(e)


def test_logits_of_different_groups_are_never_compared(body: Body) -> None:
    model = body.model(FOUND["two softmaxes"])
    with pytest.raises(TargetError, match=r"Contrast\(0, 7\) compares logits of two groups"):
        visioncam.explain(model, X[0], target=visioncam.targets.Contrast(0, 7))
    mixed = body.model(FOUND["softmax and sigmoid"])
    with pytest.raises(TargetError, match="pass two classes of one group"):
        visioncam.explain(mixed, X[0], target=visioncam.targets.Contrast(0, 4))
    inside = visioncam.explain(model, X[0], target=visioncam.targets.Contrast(5, 7))
    logits = np.asarray(body.model()(X[:1]))[0]
    assert inside.score == pytest.approx(logits[0] - logits[2], rel=1e-4)
    by_sigmoids = visioncam.explain(mixed, X[0], target=visioncam.targets.Contrast(3, 4))
    assert by_sigmoids.score_kind == "logit"
    across = visioncam.explain(model, X[0], target=visioncam.targets.Contrast(0, 7), score="probability")
    answer = np.asarray(model(X[:1]))[0]
    assert across.score == pytest.approx(answer[0] - answer[7], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", ["two softmaxes", "two softmaxes by a reshape", "average of softmaxes"])
def test_ranks_are_the_models_own_and_a_batch_equals_its_singles(name: str, body: Body) -> None:
    model = body.model(FOUND[name])
    own = np.argsort(-np.asarray(model(X)), axis=1, kind="stable")
    batch = visioncam.explain(model, X, "hirescam", target="top4")
    for i, stack in enumerate(batch):
        assert [e.target.index for e in stack] == own[i, :4].tolist()
        for e, alone in zip(stack, visioncam.explain(model, X[i], "hirescam", target="top4"), strict=True):
            assert e.score == pytest.approx(alone.score, rel=1e-5)
            np.testing.assert_allclose(e.raw, alone.raw, atol=1e-5 * np.abs(e.raw).max())
    values, second = visioncam.explain(model, X, "hirescam"), visioncam.targets.Ranked(1)
    assert [e.target.index for e in values] == own[:, 0].tolist()
    assert [e.target.index for e in visioncam.explain(model, X, target=second)] == own[:, 1].tolist()


def test_one_value_is_the_positive_class_where_its_probability_says_so(body: Body) -> None:
    for head in (
        sigmoid_by_hand,
        lambda x: (ops.sigmoid(x) + ops.sigmoid(3 - 2 * x)) / 2,
        lambda x: 100 * ops.sigmoid(x),
        lambda x: 1 - ops.sigmoid(x),
        lambda x: ops.softmax(side_by_side(0 * x, x))[:, 1:],
        lambda x: 100 * ops.softmax(side_by_side(0 * x, x))[:, 1:],
    ):
        moved = L.Dense(1)
        model = body.model(lambda x, head=head, moved=moved: head(moved(x)), count=1)
        for shift in (-20.0, 20.0):
            moved.set_weights([np.ones((1, 1), np.float32), np.array([shift], np.float32)])
            answer = np.asarray(model(X))[:, 0]
            answer = answer / (100 if answer.max() > 1 else 1)
            for e, p in zip(visioncam.explain(model, X, "hirescam"), answer, strict=True):
                assert e.target.index == int(p >= 0.5)
                assert e.target.probability == pytest.approx(max(p, 1 - p), abs=1e-5)


def dense(head: Callable[[Any, Any], Any]) -> Any:
    """Return a segmentation model whose head joins two maps of logits."""
    keras.utils.set_random_seed(4)
    i = L.Input((12, 12, 3))
    x = conv("c2")(i)
    draw = keras.initializers.RandomNormal(stddev=3.0)
    maps = [L.Conv2D(3, 1, kernel_initializer=draw, name=f"map{n}")(x) for n in range(2)]
    return keras.Model(i, head(unsure(maps[0]), maps[1]))


@pytest.mark.parametrize(
    "head",
    [
        lambda a, b: L.Concatenate()([ops.softmax(a), ops.softmax(b)]),
        lambda a, b: (ops.softmax(a) + ops.softmax(b)) / 2,
    ],
    ids=["groups", "average"],
)
def test_positions_are_of_the_class_that_the_model_gives_them(head: Any) -> None:
    model = dense(head)
    predicted = np.asarray(model(X[:1]))[0].argmax(-1)
    top = int(np.bincount(predicted.reshape(-1)).argmax())
    e = visioncam.explain(model, X[0], "hirescam", layer="c2")
    assert e.target.index == top
    where = visioncam.targets.Region(top, predicted == top)
    same = visioncam.explain(model, X[0], "hirescam", layer="c2", target=where)
    np.testing.assert_allclose(e.raw, same.raw, atol=1e-5 * np.abs(same.raw).max())


def test_a_mean_over_positions_is_an_average_and_its_maps_stay_layers() -> None:
    model = dense(lambda a, b: L.GlobalAveragePooling2D()(ops.sigmoid(b)))
    e = visioncam.explain(model, X[0], "hirescam")
    assert e.score_kind == "logit"
    assert e.target.probability == pytest.approx(float(np.asarray(model(X[:1])).max()), rel=1e-5)
    assert e.layer.path == "map1"  # the classes' own maps, as where logits are averaged


def flipped(halves: Callable[[Any], Any]) -> Any:
    """Return a model that averages over a picture and its mirror image, in one batch."""
    keras.utils.set_random_seed(4)
    i = L.Input((12, 12, 3))
    inner = keras.Model(i, L.Dense(4, activation="softmax")(gap(conv("c2")(i))))
    j = L.Input((12, 12, 3))
    return keras.Model(j, halves(inner(ops.concatenate([j, j[:, :, ::-1]], axis=0))))


@pytest.mark.parametrize(
    "halves",
    [
        lambda p: L.Average()(ops.split(p, 2, axis=0)),
        lambda p: ops.mean(ops.reshape(p, (2, -1, 4)), axis=0),
    ],
    ids=["split", "reshaped"],
)
def test_an_average_over_augmented_pictures_is_found(halves: Any) -> None:
    model = flipped(halves)
    e = visioncam.explain(model, X[1], "hirescam")
    assert e.score_kind == "logit"
    assert e.target.probability == pytest.approx(float(np.asarray(model(X[1:2])).max()), rel=1e-5)


@pytest.mark.parametrize("name", ASSUMED)
def test_a_softmax_of_ours_is_told_wherever_it_is_applied(name: str, body: Body) -> None:
    model = body.model(ASSUMED[name])
    default = visioncam.explain(model, X[0], "scorecam")
    assert default.target.probability is None
    assert "probability-assumed" not in codes(default)
    for keywords in ({"score": "probability"}, {"weights": "probability"}):
        told = codes(visioncam.explain(model, X[0], "scorecam", **keywords))
        assert "a softmax was applied to it, as to logits" in told["probability-assumed"]
        answer = np.asarray(model(X[:1]))
        within = bool(answer.min() >= 0 and answer.max() <= 1)
        assert ("like probabilities" in told["probability-assumed"]) == within
        assert within or name != "small logits"
    found = visioncam.compare(model, X[0], ["scorecam", "hirescam"])
    assert not any("probability-assumed" in codes(e) for e in found)


def test_evaluations_and_recommendations_tell_it_too(body: Body) -> None:
    cheap = {"methods": "hirescam", "seeds": 1, "cascade": 1, "steps": 2}
    told = visioncam.evaluate(body.model(), X, metrics="averagedrop", **cheap)
    assert "a softmax was applied to it, as to logits" in "\n".join(told.notes)
    assert "a softmax was applied to it" in str(told)
    advice = visioncam.recommend(body.model(), X, **cheap)
    assert isinstance(advice, Recommendation)
    assert "a softmax was applied to it" in str(advice)
    for name in ("softmax by hand", "sigmoid by hand"):
        silent = visioncam.evaluate(body.model(OWN[name]), X, metrics="averagedrop", **cheap)
        assert not silent.notes
    percent = visioncam.evaluate(body.model(OTHERWISE["percent"][0]), X, metrics="averagedrop", **cheap)
    assert "between 0 and 100" in "\n".join(percent.notes)


def test_what_was_taken_for_probabilities_and_leaves_0_to_1_is_told(body: Body) -> None:
    def bright(x: Any) -> Any:
        """Return values that stay in [0, 1] but for pictures of one colour."""
        spread = ops.max(body.input, axis=(1, 2, 3)) - ops.min(body.input, axis=(1, 2, 3))
        return ops.sigmoid(x) * ops.where(spread > 0, 1.0, 3.0)[:, None]

    model = body.model(bright)
    assert "probability-assumed" not in codes(visioncam.explain(model, X[0], "scorecam"))
    flat = np.ones((12, 12, 3), np.float32)
    assert np.asarray(model(flat[None])).max() > 1
    told = codes(visioncam.explain(model, flat, "scorecam"))
    assert "was taken as probabilities" in told["probability-assumed"]
    found = visioncam.evaluate(model, [flat, X[0]], "scorecam", metrics="averagedrop", seeds=1, cascade=1)
    assert "was taken as probabilities" in "\n".join(found.notes)


def test_classes_without_a_gradient_are_refused_and_scored_as_they_are(body: Body) -> None:
    model = body.model(lambda x: ops.one_hot(ops.argmax(x, axis=-1), CLASSES))
    with pytest.raises(LayerError, match="cannot be differentiated"):
        visioncam.explain(model, X[0], "hirescam")
    assert visioncam.explain(model, X[0], "scorecam").target.probability == 1.0
