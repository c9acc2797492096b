"""The contract of an engine, as a list of named checks."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from visioncam_core import ops
from visioncam_core.engine.batch_size import Budget
from visioncam_core.engine.cache import forget, open_trace
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.errors import VisionCamError
from visioncam_core.testing.checks.engine_subject import EngineSubject, each, spent, values_of
from visioncam_core.testing.checks.subject import Check, assert_same, by_name, require

STEPS = (0.1, 0.03, 0.01, 0.003)
KINK = 0.03
"""How far a gradient may be off finite differences, which meet the kinks of a ReLU."""


def engine_checks(
    engine: Any, model: Any, images: Any, *, rounding: float = 0.0, layer: str = ""
) -> list[Check]:
    """Return the checks that an engine must pass, on one of its models.

        @pytest.mark.parametrize("check", engine_checks(SPEC, my_model(), pictures))
        def test_contract(check):
            check()

    Args:
        engine: its row (`EngineSpec`), or the engine.
        model: a small model of it, with more than one class, whose score depends on every picture.
        images: model input, (N, ...) with at least three rows; for several inputs a list of such arrays.
        rounding: how far its answers may be off the model's own, as a share of the largest; equal to the bit
            by default.
        layer: path of the layer that is looked at; the last one by default.

    Returns:
        One check each, with a `name` that pytest shows; calling it raises AssertionError or returns.
    """
    subject = EngineSubject.of(engine, model, images, rounding, layer)
    return [Check(name, subject, run) for name, run in ENGINE_CHECKS.items()]


def accepts(subject: EngineSubject) -> None:
    """Its row takes its own models, and nothing else."""
    if subject.spec is None:
        return
    require(subject.spec.accepts(subject.model), f"{subject.name} does not accept its own model")
    for other in (None, 1, "model.keras", [1], np.zeros(3), object(), int):
        require(not subject.spec.accepts(other), f"{subject.name} accepts {other!r}")


def inputs(subject: EngineSubject) -> None:
    """The inputs are described as they are."""
    found = subject.inputs
    count = len(subject.images)
    require(
        len(found.inputs) == count, f"{len(found.inputs)} inputs are described, and the model takes {count}"
    )
    require(0 <= found.image < count, f"image={found.image} is no position among {count} inputs")
    shape = found.image_shape
    pictures = subject.images[found.image].shape[1:]
    fitting = shape is None or (
        len(shape) == len(pictures) and all(n in (None, m) for n, m in zip(shape, pictures, strict=True))
    )
    require(fitting, f"the image input is described as {shape}, and pictures are {pictures}")


def mark(subject: EngineSubject) -> None:
    """The mark of an unchanged model stays the same."""
    first = subject.engine.mark(subject.model)
    subject.probe()
    require(first == subject.engine.mark(subject.model), "the mark changes though the model does not")


def forward(subject: EngineSubject) -> None:
    """The trace answers as the model itself, for batches of one, two and three."""
    traced = open_trace(subject.engine, subject.model, subject.inputs, subject.flat())
    for count in (1, 2, 3):
        flat = subject.flat(slice(0, count))
        own = subject.engine.call(subject.model, subject.inputs, flat)
        again = traced.answers(flat)
        require(len(own) == len(again), f"the model has {len(own)} outputs, and the trace {len(again)}")
        for a, b in zip(own, again, strict=True):
            assert_same(b, a, f"a batch of {count}, the trace and the model", subject.rounding)


def table(subject: EngineSubject) -> None:
    """Score, table and activations agree on their shapes."""
    view = subject.view()
    choice = subject.choice(view)
    found = view.passes(choice, None, Budget(2)).watch(subject.flat(), [])[0]
    A, values = ops.to_numpy(found.activations), ops.to_numpy(found.values)
    require(A.shape[1:-1] == choice.grid, f"activations of shape {A.shape} at a layer of grid {choice.grid}")
    wanted = view.score.shape
    fits = len(wanted) == values.ndim and all(
        n in (None, m) for n, m in zip(wanted[1:], values.shape[1:], strict=True)
    )
    require(fits, f"the score is described as {wanted}, and its values are {values.shape}")
    require(A.dtype.kind == "f" and A.dtype.itemsize >= 4, f"activations are {A.dtype}, less than float32")


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

    def cotangent(values: Any, indices: np.ndarray) -> np.ndarray:
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
    wanted = subject.values_behind(passes, ops.to_numpy(ops.without_channels(A, channels)))
    whole = values_of(found.values, None)
    assert_same(out - whole, wanted - whole, "the effect of leaving out a channel", 1e-3)


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
    wanted = passes.forward(single, place, lambda k: versions[k], count, values_of)
    assert_same(found, wanted, "pictures changed by maps")


def _dimmed(picture: Any, maps: Any) -> Any:
    return picture * ops.resize(maps, tuple(int(n) for n in picture.shape[1:-1]))[..., None]


def batch_equals_singles(subject: EngineSubject) -> None:
    """Three pictures at once, in batches of two, are three pictures one by one."""
    together = each([subject.probe(slice(0, 3))])
    singles = each([subject.probe(slice(i, i + 1)) for i in range(3)])
    for name, values in together.items():
        assert_same(values, singles[name], f"{name} of a batch and of singles")


def untouched(subject: EngineSubject) -> None:
    """The model is what it was, also after an error in the middle of a pass."""

    def failing(indices: np.ndarray) -> Any:
        raise VisionCamError("for the check")

    before = subject.state()
    subject.probe(slice(0, 3))
    passes, flat = subject.passes(), subject.flat()
    for run in (
        partial(passes.tail, flat, None, failing, 1, values_of),
        partial(passes.forward, flat, subject.inputs.image, failing, 1, values_of),
    ):
        try:
            run()
        except VisionCamError as error:
            require("for the check" in str(error), f"an error of the caller came out as {error!r}")
        else:
            raise AssertionError("an error of the caller was lost")
    require(subject.state() == before, "the model, or a weight of it, is not what it was")


def passes_counted(subject: EngineSubject) -> None:
    """Passes are counted in pictures."""
    found, passes = subject.probe(), subject.passes()
    A = ops.to_numpy(found.activations)
    forward_and_back = spent(lambda: subject.probe(slice(0, 3)))
    require(
        forward_and_back["forward"] == 3, f"three pictures count as {forward_and_back['forward']} forward"
    )
    wanted = 3 if subject.differentiates else 0
    require(
        forward_and_back["backward"] == wanted, f"{forward_and_back['backward']} backward for three pictures"
    )
    tails = spent(lambda: subject.values_behind(passes, np.repeat(A, 4, axis=0)))
    require(tails["tail"] == 4, f"four changed activations count as {tails['tail']} tails")
    require(tails["forward"] == 0, "changed activations run the whole model")


def nothing_traced_twice(subject: EngineSubject) -> None:
    """Another class, layer or kind of pass traces nothing again."""
    subject.probe()
    first = open_trace(subject.engine, subject.model, subject.inputs, subject.flat())

    def more() -> None:
        subject.probe(slice(0, 3), classes=1)
        view = subject.view()
        for row in view.table.candidates:
            if row.reaches_score:
                view.passes(LayerChoice(row, "for the check"), None, Budget(2)).watch(subject.flat(), [])

    require(spent(more)["traces"] == 0, "another class or layer traces the model again")
    again = open_trace(subject.engine, subject.model, subject.inputs, subject.flat(slice(0, 3)))
    require(again is first, "another batch size traces the model again")


def threads(subject: EngineSubject) -> None:
    """Eight threads get what one gets."""
    wanted = each([subject.probe()])
    with ThreadPoolExecutor(8) as pool:
        every = list(pool.map(lambda _: each([subject.probe()]), range(16)))
    for found in every:
        for name, values in found.items():
            assert_same(values, wanted[name], f"{name} in several threads")


def copies(subject: EngineSubject) -> None:
    """A copy has the same weights, and is a model of its own."""
    if not subject.copies:
        return
    before, copied = subject.state(), subject.engine.copy(subject.model)
    weights = copied.get()
    require(len(weights) == len(copied.owners), f"{len(weights)} weights and {len(copied.owners)} owners")
    own = [ops.to_numpy(value) for _, value in subject.engine.weights(subject.model)]
    require(all(map(np.array_equal, weights, own)), "a copy has other weights")
    copied.set([np.zeros_like(value) for value in weights])
    require(all(not value.any() for value in copied.get()), "the weights of a copy cannot be set")
    require(subject.state() == before, "setting the weights of a copy changes the model")


def freed(subject: EngineSubject) -> None:
    """A model that is dropped is freed, with what was traced."""
    other = subject.same_model()
    subject.passes(model=other).watch(subject.flat(), [])
    reference = weakref.ref(other)
    del other
    gc.collect()
    require(reference() is None, "a dropped model stays in memory: a trace, a view or a copy holds it")
    forget(subject.model)
    subject.probe()


ENGINE_CHECKS = by_name(
    accepts, inputs, mark, forward, table, head_and_tail, gradients, every_gradient, slope,
    changed_activations, changed_pictures, batch_equals_singles, untouched, passes_counted,
    nothing_traced_twice, threads, copies, freed,
)  # fmt: skip
"""Name -> check."""
