"""Checks of an engine's passes: the layer, what is behind it, gradients, and what is changed."""

from __future__ import annotations

from typing import Any

import numpy as np

from visioncam_core import ops
from visioncam_core.testing.checks.engine_subject import EngineSubject, each, values_of
from visioncam_core.testing.checks.subject import assert_same, require

STEPS = (0.1, 0.03, 0.01, 0.003)
KINK = 0.03
"""How far a gradient may be off finite differences, which meet the kinks of a ReLU."""


def head_and_tail(subject: EngineSubject) -> None:
    """Head and tail together are the whole model."""
    passes, found = subject.passes(), subject.probe()
    whole = values_of(found.values, None)
    behind = subject.values_behind(passes, ops.to_numpy(found.activations))
    assert_same(behind, whole, "the tail on the layer's own activations, and the whole model")


def gradients(subject: EngineSubject) -> None:
    """The gradient is that of the tail, by finite differences."""
    if not subject.differentiates:
        return
    passes, found = subject.passes(), subject.probe(classes=1)
    A, G = (ops.to_numpy(one).astype(np.float64) for one in (found.activations, found.gradients))
    require(bool(np.abs(G).max() > 0), "the gradient is zero everywhere; pass a model with one that is not")
    direction = np.abs(A).max() * np.sign(G) * np.random.default_rng(0).uniform(0.2, 1.0, G.shape)
    slope = float((G * direction).sum())
    off = []
    for step in STEPS:
        both = np.concatenate([A + step * direction, A - step * direction]).astype(np.float32)
        up, down = subject.values_behind(passes, both)[:, 1].astype(np.float64)
        off.append(abs((up - down) / (2 * step) - slope) / abs(slope))
    require(min(off) <= KINK, f"the gradient is {min(off):.1%} off finite differences along a direction")


def every_gradient(subject: EngineSubject) -> None:
    """A class, a function of the values, and two of them at once give the same gradient."""
    if not subject.differentiates:
        return
    passes, flat = subject.passes(), subject.flat(slice(0, 3))

    def cotangent(values: Any, indices: np.ndarray, answer: Any = None) -> np.ndarray:
        chosen = np.zeros(ops.to_numpy(values).shape, np.float32)
        chosen[..., 1] = 1.0
        return chosen

    probed = passes.probe(flat, np.full(3, 1, np.int32))
    for found in passes.watch(flat, [cotangent, cotangent]):
        assert_same(found.gradients, probed.gradients, "gradients of a class and of a function")


def slope(subject: EngineSubject) -> None:
    """The slope of a function of the values is its gradient."""
    values = np.random.default_rng(0).normal(size=(1, 4)).astype(np.float32)
    (given,) = subject.engine.tensors([values])
    scores, gradient = subject.engine.slope(lambda v: ops.backend(v).sum(v * v, axis=-1), given)
    assert_same(scores, (values**2).sum(axis=-1), "a function's values")
    assert_same(gradient, 2 * values, "a function's gradient", 1e-3)


def changed_activations(subject: EngineSubject) -> None:
    """Leaving channels out is the tail with those channels at zero."""
    passes, found = subject.passes(), subject.probe()
    A = found.activations
    channels = np.arange(int(A.shape[-1]))
    out = np.asarray(passes.without(subject.flat(), found.at_layer, A, channels, values_of))
    expected = subject.values_behind(passes, ops.to_numpy(ops.without_channels(A, channels)))
    whole = values_of(found.values, None)
    assert_same(out - whole, expected - whole, "the effect of leaving out a channel", 1e-3)


def changed_pictures(subject: EngineSubject) -> None:
    """A picture changed by maps is the model on the changed pictures."""
    view, passes = subject.view(), subject.passes()
    place, count = view.image, 5
    grid = subject.choice(view).grid
    maps = np.random.default_rng(0).uniform(size=(count, *grid)).astype(np.float32)
    single = subject.flat()
    found = passes.through(single, place, _dimmed, maps, values_of)
    picture = subject.images[place][:1]
    picture = np.moveaxis(picture, 1, -1) if view.channels_first else picture
    versions = np.asarray(_dimmed(picture.astype(np.float32), maps))
    versions = np.moveaxis(versions, -1, 1) if view.channels_first else versions
    expected = passes.forward(single, place, lambda k: versions[k], count, values_of)
    assert_same(found, expected, "pictures changed by maps")


def _dimmed(picture: Any, maps: Any) -> Any:
    return picture * ops.resize(maps, tuple(int(n) for n in picture.shape[1:-1]))[..., None]


def batch_equals_singles(subject: EngineSubject) -> None:
    """Three pictures at once, in batches of two, are three pictures one by one."""
    together = each([subject.probe(slice(0, 3))])
    singles = each([subject.probe(slice(i, i + 1)) for i in range(3)])
    for name, values in together.items():
        assert_same(values, singles[name], f"{name} of a batch and of singles")
