"""A model on tape asked by running it: on pictures of noise, the same each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import torch

from visioncam_core.engine.batches import COUNTERS
from visioncam_engines.torch.placing import Placing
from visioncam_engines.torch.tape.model_trace import Trace, at_rest, outputs_of
from visioncam_engines.torch.tape.records import Record, named_leaves
from visioncam_engines.torch.tape.source import compiled


@attrs.frozen(eq=False)
class Noise:
    """Runs of one model on pictures of noise.

    Attributes:
        trace: the model.
        placing: device and dtype of its inputs.
        given: inputs of whole numbers as the user gave them, such as tokens; None for those of real ones.
    """

    trace: Trace
    placing: Placing
    given: tuple[Any, ...]

    @classmethod
    def like(cls, trace: Trace, placing: Placing, flat: Sequence[Any]) -> Noise:
        """Return runs on inputs like these."""
        return cls(trace, placing, tuple(None if x.is_floating_point() else x[:1].clone() for x in flat))

    def picture(self, low: float = -1.0, high: float = 1.0, seed: int = 0) -> list[Any]:
        """Return one picture of noise."""
        draw = np.random.default_rng(seed)
        found = []
        for value, given in zip(self.trace.inputs, self.given, strict=True):
            if given is not None:
                found.append(
                    torch.from_numpy(draw.permuted(given.cpu().numpy().reshape(-1))).reshape(given.shape)
                )
            else:
                shape = (1, *self.trace.shapes[value][1:])
                found.append(torch.from_numpy(draw.uniform(low, high, shape)).to(self.trace.dtypes[value]))
        return self.placing.placed(found)

    def values(self, flat: list[Any], wanted: Sequence[int]) -> list[Any]:
        """Return values of the tape for one picture."""
        with at_rest():
            found = self.trace.cut(self.trace.inputs, wanted)(1, *flat)
        COUNTERS.add("forward")
        return list(found)

    def behind_picture(self, flat: list[Any], image: int, wanted: int) -> tuple[Any, Any]:
        """Return the picture as a leaf, and a value that depends on it."""
        with at_rest(True):
            leaf = flat[image].detach().clone().requires_grad_()
            given = [leaf if i == image else x for i, x in enumerate(flat)]
            (value,) = self.trace.cut(self.trace.inputs, [wanted])(1, *given)
        return leaf, value

    def slopes(self, score: Any, wanted: Sequence[int]) -> dict[int, Any]:
        """Return value -> gradient of the score, of any class; left out where nothing is known.

        One pass forward and one backward, whatever is wanted.
        """
        found: dict[int, Any] = {}

        def watch(value: int) -> Callable[[Any], None]:
            def take(slope: Any) -> None:
                found[value] = slope.detach().clone()

            def made(tensor: Any) -> None:
                if tensor.requires_grad:
                    found[value] = torch.zeros_like(tensor)
                    tensor.register_hook(take)

            return made

        trace = self.trace
        watched = {value: watch(value) for value in wanted}
        run = compiled(trace, trace.inputs, score.fetches, trace.replaced, watched)
        with at_rest(True):
            leaves = [x.clone().requires_grad_(x.is_floating_point()) for x in self.picture()]
            values, _ = score.read(run(1, *leaves))
            COUNTERS.add("forward")
            known = gradients_of(of_any_class(values), [x for x in leaves if x.requires_grad])
        return {} if known is None else found

    def flows(self, score: Any, at: int) -> list[float] | None:
        """Return the evidence, Σ |A ∘ G|, that flows through a value, and through each one beside it.

        None where nothing can be differentiated.
        """
        trace = self.trace
        sides = trace.once(("sides", at, score.fetches), lambda: trace.frontier(at, score.fetches))
        every = [at, *sides]
        with at_rest(True):
            leaves = [one.detach().clone() for one in self.values(self.picture(), every)]
            wanted = [leaf.requires_grad_() for leaf in leaves if leaf.is_floating_point()]
            values, _ = score.read(trace.cut(every, score.fetches)(1, *leaves))
            gradients = gradients_of(of_any_class(values), wanted)
        if gradients is None:
            return None
        return [float((x.detach() * g).float().abs().sum()) for x, g in zip(wanted, gradients, strict=True)]


@attrs.frozen(eq=False)
class CalledNoise(Noise):
    """Runs of a model that is called as it is: its tape is only read.

    Attributes:
        run: (inputs, path -> hook of a module's output) -> the model's answer.
        layer: (score, record, inputs) -> the layer's output as a leaf, and the score's values.
    """

    run: Callable[[list[Any], Mapping[str, Callable[[Any], Any]]], Any] = lambda flat, hooks: None
    layer: Callable[[Any, Record, list[Any]], tuple[Any, Any]] = lambda score, record, flat: (None, None)

    def values(self, flat: list[Any], wanted: Sequence[int]) -> list[Any]:
        with at_rest():
            answers = dict(outputs_of(self.run(flat, {})))
        COUNTERS.add("forward")
        names = {value: name for name, value in self.trace.outputs.items()}
        return [answers[names[value]] for value in wanted]

    def behind_picture(self, flat: list[Any], image: int, wanted: int) -> tuple[Any, Any]:
        record = next(one for one in self.trace.records if one.value == wanted)
        kept: list[Any] = []

        def keep(output: Any) -> Any:
            kept.append(dict(named_leaves(output)).get(record.key))
            return output

        with at_rest(True):
            leaf = flat[image].detach().clone().requires_grad_()
            self.run([leaf if i == image else x for i, x in enumerate(flat)], {record.bare: keep})
        calls = [one.path for one in self.trace.records if (one.bare, one.key) == (record.bare, record.key)]
        return leaf, kept[calls.index(record.path)]

    def slopes(self, score: Any, wanted: Sequence[int]) -> dict[int, Any]:
        found: dict[int, Any] = {}
        for record in {one.value: one for one in self.trace.records if one.value in wanted}.values():
            leaf, values = self.layer(score, record, self.picture())
            COUNTERS.add("forward")
            with at_rest(True):
                gradients = gradients_of(of_any_class(values), [leaf])
            if gradients is not None:
                found[record.value] = gradients[0]
        return found

    def flows(self, score: Any, at: int) -> list[float] | None:
        """Return None: what flows beside a layer is not seen."""
        return None


def of_any_class(values: Any) -> Any:
    """Return a number that depends on the values of every class."""
    return (values.square() + values).sum()


def gradients_of(total: Any, wanted: list[Any]) -> list[Any] | None:
    """Return gradients, zeros where there are none; None where torch cannot differentiate."""
    if not total.requires_grad or not wanted:
        return [torch.zeros_like(one) for one in wanted] if not total.requires_grad else None
    COUNTERS.add("backward")
    try:
        found = torch.autograd.grad(total, wanted, allow_unused=True)
    except (RuntimeError, NotImplementedError):
        return None
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, wanted, strict=True)]
