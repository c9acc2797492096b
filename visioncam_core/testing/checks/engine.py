"""The contract of an engine, as a list of named checks."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from visioncam_core import ops
from visioncam_core.engine.batches import Budget
from visioncam_core.engine.cache import forget, open_trace
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.errors import VisionCamError
from visioncam_core.testing.checks import engine_passes as on_passes
from visioncam_core.testing.checks.engine_subject import EngineSubject, each, spent, values_of
from visioncam_core.testing.checks.subject import Check, assert_same, by_name, require


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
    require(0 <= found.image < count, f"image={found.image} is not a position among {count} inputs")
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
    require(first == subject.engine.mark(subject.model), "the mark changes although the model does not")


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
    expected = view.score.shape
    fits = len(expected) == values.ndim and all(
        n in (None, m) for n, m in zip(expected[1:], values.shape[1:], strict=True)
    )
    require(fits, f"the score is described as {expected}, and its values are {values.shape}")
    require(A.dtype.kind == "f" and A.dtype.itemsize >= 4, f"activations are {A.dtype}, less than float32")


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
            require("for the check" in str(error), f"an error raised by the caller came out as {error!r}")
        else:
            raise AssertionError("an error raised by the caller was lost")
    require(subject.state() == before, "the model or one of its weights was changed")


def passes_counted(subject: EngineSubject) -> None:
    """Passes are counted in pictures."""
    found, passes = subject.probe(), subject.passes()
    A = ops.to_numpy(found.activations)
    forward_and_back = spent(lambda: subject.probe(slice(0, 3)))
    require(
        forward_and_back["forward"] == 3, f"three pictures count as {forward_and_back['forward']} forward"
    )
    expected = 3 if subject.differentiates else 0
    require(
        forward_and_back["backward"] == expected,
        f"{forward_and_back['backward']} backward for three pictures",
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
    expected = each([subject.probe()])
    with ThreadPoolExecutor(8) as pool:
        every = list(pool.map(lambda _: each([subject.probe()]), range(16)))
    for found in every:
        for name, values in found.items():
            assert_same(values, expected[name], f"{name} in several threads")


def copies(subject: EngineSubject) -> None:
    """A copy has the same weights, and is a model of its own."""
    if not subject.copies:
        return
    before, other = subject.state(), subject.engine.copy(subject.model)
    weights = other.get()
    require(len(weights) == len(other.owners), f"{len(weights)} weights and {len(other.owners)} owners")
    own = [ops.to_numpy(value) for _, value in subject.engine.weights(subject.model)]
    require(all(map(np.array_equal, weights, own)), "a copy has other weights")
    other.set([np.zeros_like(value) for value in weights])
    require(all(not value.any() for value in other.get()), "the weights of a copy cannot be set")
    require(subject.state() == before, "setting the weights of a copy changes the model")


def freed(subject: EngineSubject) -> None:
    """A model that is dropped is freed, with what was traced."""
    other = subject.duplicate()
    subject.passes(model=other).watch(subject.flat(), [])
    reference = weakref.ref(other)
    del other
    gc.collect()
    require(reference() is None, "a dropped model stays in memory: a trace, a view or a copy holds it")
    forget(subject.model)
    subject.probe()


ENGINE_CHECKS = by_name(
    accepts, inputs, mark, forward, table, on_passes.head_and_tail, on_passes.gradients,
    on_passes.every_gradient, on_passes.slope, on_passes.changed_activations, on_passes.changed_pictures,
    on_passes.batch_equals_singles, untouched, passes_counted, nothing_traced_twice, threads, copies, freed,
)  # fmt: skip
"""Name -> check."""
