"""What is made when it is first read, and which pictures are looked at one by one."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import pytest
from helpers.networks.kinds import functional
from keras import layers as L  # noqa: N812

import visioncam
from visioncam_core.pipeline.apply import apply
from visioncam_core.pipeline.diagnosis.caveats import Caveats
from visioncam_core.pipeline.gather import gather_what_can
from visioncam_core.targets.resolve import target_specs

METHODS = [
    "gradcam",
    "xgradcam",
    "hirescam",
    "gradcamplusplus",
    "respondcam",
    "eigencam",
    "gradcamelementwise",
]


def inputs() -> np.ndarray:
    """Return pictures that diagnostics are about, blank, bright, dark and negative ones, and plain ones."""
    rng = np.random.default_rng(0)
    plain = rng.uniform(0, 1, (4, 16, 16, 3))
    return np.concatenate([plain, plain[:1] * 0, plain[:2] * 300, -plain[:1], plain[:1] * 1e-6]).astype(
        np.float32
    )


def normalised() -> Any:
    """Return a network whose gradients cancel over channels or positions."""
    i = keras.Input((16, 16, 3))
    x = L.LayerNormalization()(L.Conv2D(8, 3, padding="same")(i))
    x = L.Conv2D(8, 3, padding="same")(L.LayerNormalization(axis=[1, 2])(x))
    return keras.Model(i, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(x)))


def dead() -> Any:
    """Return a network whose features are zero for dark pictures."""
    i = keras.Input((16, 16, 3))
    x = L.Conv2D(4, 1, activation="relu", bias_initializer=keras.initializers.Constant(-0.4))(i)
    return keras.Model(i, L.Dense(3)(L.GlobalAveragePooling2D()(x)))


def caveats_of(model: Any, x: np.ndarray, *names: str, **settings: Any) -> tuple[Caveats, Any]:
    """Return the caveats of a batch, and what was seen of it."""
    methods = [visioncam.explainer(model, name, **settings).methods[0] for name in names]
    explainer = visioncam.explainer(model, **settings).with_methods(*methods)
    batch = explainer.batch(explainer.reader.read(x)[0], list(range(len(x))))
    (_, here), *_ = batch.places()
    passes = batch.view.passes(here.layers[0], None, explainer.settings.budget)
    here, (seen,) = gather_what_can(here, passes, [target_specs(None, len(x), batch.head)])
    applied = [apply(method, seen.evidence) for _, method in here.methods]
    return Caveats(here, seen, applied, [False] * len(applied), [[] for _ in applied]), seen


@pytest.mark.parametrize("evidence", ["for", "against", "signed"])
@pytest.mark.parametrize("score", ["logit", "probability"])
@pytest.mark.parametrize("make", [functional, normalised, dead])
def test_a_picture_that_is_not_looked_at_has_nothing_to_say(make: Any, score: str, evidence: str) -> None:
    model, x = make(), inputs()
    for layer in ("auto", 0):
        caveats, seen = caveats_of(model, x, *METHODS, layer=layer, score=score, evidence=evidence)
        every, quiet = caveats.every(), caveats.quiet()
        for i in range(len(x)):
            for k, said in enumerate(caveats.of(i, seen.output(i))):
                assert said == every[k] or not quiet[k][i]


def test_plain_pictures_are_not_looked_at_one_by_one() -> None:
    i = keras.Input((16, 16, 3))
    x = L.Conv2D(4, 3, activation="relu")(i)
    model = keras.Model(i, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(x)))
    assert caveats_of(model, inputs()[:4], "gradcam")[0].quiet()[0].all()


def test_every_thread_reads_the_same_and_a_pickle_holds_it() -> None:
    x = inputs()[:1]
    model = functional()
    fields = ("heatmap", "picture", "target", "predictions", "provenance")
    (one,) = visioncam.explain(model, x)
    copy = pickle.loads(pickle.dumps(visioncam.explain(model, x)[0]))
    with ThreadPoolExecutor(8) as pool:
        for field in fields:
            first, *others = pool.map(lambda _, field=field: getattr(one, field), range(32))
            assert all(other is first for other in others)
            np.testing.assert_equal(getattr(copy, field), first)


def test_maps_of_one_picture_share_it() -> None:
    found = visioncam.compare(functional(), inputs()[0], ["gradcam", "hirescam"])
    one, other = found.explanations
    assert one.picture is other.picture


def test_what_is_read_later_is_of_the_call() -> None:
    """The user's array and the weights may have changed meanwhile."""
    model, x = functional(), inputs()[:2]
    wanted, found = visioncam.explain(model, x.copy()), visioncam.explain(model, x)
    for one in wanted:
        assert one.heatmap.any()
        assert one.picture.any()
    names = [one.target for one in wanted]
    x[:] = 0
    model.set_weights([weight * 0 for weight in model.get_weights()])
    for i, one in enumerate(found):
        np.testing.assert_array_equal(one.heatmap, wanted[i].heatmap)
        np.testing.assert_array_equal(one.picture, wanted[i].picture)
        assert (one.target, one.predictions) == (names[i], wanted[i].predictions)


def test_an_attribute_that_does_not_exist_is_told_as_ever() -> None:
    (one,) = visioncam.explain(functional(), inputs()[:1])
    with pytest.raises(AttributeError, match="heat_map"):
        one.heat_map  # noqa: B018
