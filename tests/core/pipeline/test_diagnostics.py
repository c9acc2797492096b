"""Every diagnostic is provoked through the public API, says what to do, and goes away when that is done."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.networks import forms
from helpers.networks.kinds import X, conv, functional, gap
from helpers.networks.tokens import VIEW, vit
from keras import layers as L  # noqa: N812  -- as everybody writes it
from PIL import Image

import visioncam
from visioncam_core.results.diagnostics import FIXES

PICTURE = (X[0] * 255).astype(np.uint8)
explain = visioncam.explain


def colours(weights: Any, shift: float = 0.0, activation: str | None = None) -> Any:
    """Return a network whose features are the colours: (3, classes) weights say what speaks for what."""
    i = L.Input((16, 16, 3))
    x = L.Activation("linear", name="plain")(i - shift)
    x = L.Activation("relu", name="features")(L.Activation("tanh", name="signed")(x))
    model = keras.Model(i, L.Dense(len(weights[0]), activation, name="head")(gap(x)))
    model.set_weights([np.array(weights, np.float32), np.zeros(len(weights[0]), np.float32)])
    return model


BOTH = [[1.0, -1.0], [0.5, 0.0], [0.0, 2.0]]
"""The first class likes red and green, the second blue, and dislikes red."""


def by_hand() -> Any:
    """Return a network with a softmax of its own making."""
    i = L.Input((16, 16, 3))
    x = keras.ops.exp(L.Dense(3)(gap(conv("c")(i))))
    return keras.Model(i, x / keras.ops.sum(x, axis=-1, keepdims=True))


def averaged() -> Any:
    i = L.Input((16, 16, 3))
    x = gap(conv("c")(i))
    return keras.Model(i, L.Average()([L.Dense(3, activation="softmax")(x) for _ in range(2)]))


def rescaling() -> Any:
    i = L.Input((16, 16, 3))
    return keras.Model(i, L.Dense(3, activation="softmax")(gap(conv("c")(L.Rescaling(1 / 255)(i)))))


def two_outputs() -> Any:
    i = L.Input((16, 16, 3))
    return keras.Model(i, [L.Dense(2, name=name)(gap(conv(f"c_{name}")(i))) for name in ("a", "b")])


class Shifty(L.Layer):
    """Multiplies by a number where it is not traced: nothing a graph can know."""

    def __init__(self, eager: float) -> None:
        super().__init__()
        self.eager = eager

    def call(self, x: Any) -> Any:
        import tensorflow as tf

        return x * self.eager if tf.executing_eagerly() else x


def shifty(eager: float) -> Any:
    i = L.Input((16, 16, 3))
    return keras.Model(i, L.Dense(3)(gap(Shifty(eager)(conv("c")(i)))))


def segmenter() -> Any:
    i = L.Input((16, 16, 3))
    return keras.Model(i, L.Softmax()(L.Conv2D(3, 1, name="logits")(conv("c")(i))))


def png(alpha: int) -> bytes:
    image, buffer = Image.fromarray(PICTURE), io.BytesIO()
    image.putalpha(alpha)
    image.save(buffer, "PNG")
    return buffer.getvalue()


def stretched() -> Any:
    """Return a network whose first layer is one map for both classes, and whose second tells them apart."""
    i = L.Input((16, 16, 1))
    early = L.Activation("relu", name="early")(i)
    late = L.Conv2D(2, 1, activation="relu", name="late")(early)
    model = keras.Model(i, L.Dense(2)(gap(late)))
    model.set_weights([np.array([[[[1.0, 3.0]]]]), np.array([0.0, -2.5]), np.eye(2), np.zeros(2)])
    return model


def pooled() -> Any:
    return keras.Sequential(
        [L.Input((16, 16, 3)), conv("c"), L.AveragePooling2D(16, name="p"), L.Flatten(), L.Dense(2)]
    )


def apart() -> Any:
    """Return a network that adds a map to itself, moved by four positions."""
    i = L.Input((16, 16, 3))
    x = conv("c")(i)
    moved = [L.Cropping2D(((0, 0), cut))(x) for cut in ((4, 0), (0, 4))]
    return keras.Model(i, L.Dense(2)(gap(L.Add(name="joined")(moved))))


def valid() -> Any:
    """Return a network whose outermost positions look two pixels into the picture."""
    i = L.Input((16, 16, 3))
    return keras.Model(i, L.Dense(2)(gap(L.Conv2D(4, 5, activation="relu", name="c")(i))))


Ask = Callable[..., Any]


def ask(model: Callable[[], Any], image: Any = X[0], **common: Any) -> Ask:
    """Return `explain` for a model, made once."""
    model = cache(model)
    return lambda image=image, **keywords: explain(model(), image, **{**common, **keywords})


CASES: dict[str, tuple[Ask, dict[str, Any], dict[str, Any] | None]] = {
    "no-positive-evidence": (
        ask(lambda: colours([[1.0, -1.0]] * 3), target=1), {}, {"evidence": "signed"},
    ),
    "zero-gradient": (ask(lambda: colours([[1.0, 0.0]] * 3)), {"target": 1}, {"target": 0}),
    "non-finite": (ask(lambda: colours(BOTH)), {"target": lambda o: o[:, 0] / 0}, {"target": 0}),
    "saturated-probability": (
        ask(lambda: colours(np.multiply(BOTH, 200), activation="softmax")),
        {"score": "probability"}, {"score": "logit"},
    ),
    "dead-layer": (ask(lambda: colours(BOTH, shift=2.0)), {}, {"layer": "plain"}),
    "signed-activations": (
        ask(lambda: colours(BOTH, shift=0.5), method="gradcam++"), {"layer": "signed"}, {"layer": "features"},
    ),
    "trivial-grid": (ask(pooled), {"layer": "p"}, {"layer": "c"}),
    "patch-projection": (ask(vit, VIEW[0]), {"layer": "patch_embed"}, {"layer": "b1_add2"}),
    "placement-stretched": (ask(apart), {"layer": "joined"}, {"layer": "c"}),
    "placement-offset": (
        lambda placement: visioncam.doctor(valid(), X[0], placement=placement),
        {"placement": "stretched"}, {"placement": "effective"},
    ),
    "score-layer": (ask(segmenter, target=0), {"layer": "logits"}, {"layer": "auto"}),
    "pixel-range": (ask(rescaling), {}, {"image": PICTURE}),
    "preprocess-unknown": (ask(functional, PICTURE), {}, {"preprocess": "unit"}),
    "output-composed": (
        lambda model: explain(model(), X[0]), {"model": averaged}, {"model": functional},
    ),
    "score-not-logit": (
        lambda model: explain(model(), X[0]), {"model": by_hand}, {"model": functional},
    ),
    "picture-note": (ask(functional), {"image": png(100)}, {"image": png(255)}),
    "range-unused": (ask(functional, np.int16([[9] * 300, [9] * 299 + [9999]])), {}, {"window": (0, 9)}),
    "mostly-unseen": (
        ask(functional, np.tile(PICTURE, (1, 4, 1)), geometry="center_crop"), {}, {"geometry": "letterbox"},
    ),
    "trace-differs": (
        lambda eager: visioncam.doctor(shifty(eager), X[0]), {"eager": 2.0}, {"eager": 1.0},
    ),
    "exact-shape-trace": (ask(forms.closed_batch), {}, None),
    "autograph-trace": (ask(forms.branching_on_values), {}, None),
    "output-chosen": (ask(two_outputs), {}, {"output": "b"}),
    "class-insensitive": (
        lambda layer: visioncam.doctor(stretched(), X[0, ..., :1], layer=layer),
        {"layer": "early"}, {"layer": "late"},
    ),
}  # fmt: skip


def of(found: Any, code: str) -> list[Any]:
    return [diagnostic for diagnostic in found.diagnostics if diagnostic.code == code]


ELSEWHERE = {
    **dict.fromkeys(("terms-cancel", "faint-gradient", "unsteady-map"), "no_silent/test_rounding_noise.py"),
    **dict.fromkeys(("constant-map", "batch-mixes"), "no_silent/test_mixed_batches.py"),
    "answers-alike": "evaluation/test_doubts.py",
    "answers-vary": "engines/blackbox/test_refusals.py",
    **dict.fromkeys(("incomplete", "unsteady-sample", "baseline-assumed"), "no_silent/test_accounts.py"),
    "class-blind": "methods/test_cam_goldens.py",
    "stale-trace": "no_silent/test_stale_traces.py",
    "gradient-replaced": "engines/tensorflow/saved_model/test_saved_model.py",
    "probability-assumed": "core/results/test_scores.py",
    "peak-in-bars": "no_silent/test_pictures.py",
    "run-as-it-is": "frameworks/torch/test_traps.py",
    "training-mode": "frameworks/torch/test_bad_input.py",
}
"""Codes that are provoked in another file."""


def test_every_code_has_a_case() -> None:
    assert {*CASES, *ELSEWHERE} == set(FIXES)
    for code, name in ELSEWHERE.items():
        assert f'"{code}"' in (Path(__file__).parents[2] / name).read_text("utf-8")


@pytest.mark.parametrize("code", CASES)
def test_a_diagnostic_is_provoked_and_cured(code: str) -> None:
    call, wrong, right = CASES[code]
    found = call(**wrong)
    diagnostic = of(found, code)[0]
    assert len(diagnostic.message) > 10
    assert "\n" not in diagnostic.message + diagnostic.fix
    assert diagnostic.fix == FIXES[code]
    assert f"{code}: " in str(diagnostic)
    if right is None:
        assert diagnostic.fix.startswith("nothing to do")
    else:
        assert of(call(**right), code) == []
    e = getattr(found, "explanation", found)
    assert np.isfinite(e.heatmap).all()
    assert np.isfinite(e.raw).all()
