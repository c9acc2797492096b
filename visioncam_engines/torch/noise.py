"""A model on tape asked by running it: on pictures of noise, the same each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import torch

from visioncam_core.engine.batches import COUNTERS
from visioncam_engines.torch.placing import Placing
from visioncam_engines.torch.tape.records import Record, named_leaves
from visioncam_engines.torch.tape.trace import Trace, at_rest, outputs_of


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

    def slopes(self, score: Any, at: int, beside: bool = False) -> list[tuple[Any, Any]] | None:
        """Return (value, gradient) at a value, and at what the tail needs besides if wanted.

        The gradient is that of the sum of the score's values squared and plain: of any class.  None where
        nothing can be differentiated.
        """
        trace = self.trace
        sides = trace.once(("sides", at, score.fetches), lambda: trace.frontier(at, score.fetches))
        found = trace.once("noise", dict)
        missing = [value for value in (at, *sides) if value not in found]
        if missing:
            found.update(zip(missing, self.values(self.picture(), missing), strict=True))
        with at_rest(True):
            leaves = [found[value].detach().clone() for value in (at, *sides)]
            for value, leaf in zip((at, *sides), leaves, strict=True):
                leaf.requires_grad_(leaf.is_floating_point() and (beside or value == at))
            values, _ = score.read(trace.cut([at, *sides], score.fetches)(1, *leaves))
            wanted = [leaf for leaf in leaves if leaf.requires_grad]
            gradients = gradients_of((values.square() + values).sum(), wanted)
        return None if gradients is None else list(zip(wanted, gradients, strict=True))


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
        return [
            next(answers[key] for key, one in self.trace.outputs.items() if one == value) for value in wanted
        ]

    def behind_picture(self, flat: list[Any], image: int, wanted: int) -> tuple[Any, Any]:
        record = next(one for one in self.trace.records if one.value == wanted)
        kept: list[Any] = []

        def keep(output: Any) -> Any:
            kept.append(dict(named_leaves(output)).get(record.key))
            return output

        with at_rest(True):
            leaf = flat[image].detach().clone().requires_grad_()
            self.run([leaf if i == image else x for i, x in enumerate(flat)], {record.bare: keep})
        number = [one.path for one in self.trace.records if (one.bare, one.key) == (record.bare, record.key)]
        return leaf, kept[number.index(record.path)]

    def slopes(self, score: Any, at: int, beside: bool = False) -> list[tuple[Any, Any]] | None:
        record = next(one for one in self.trace.records if one.value == at)
        leaf, values = self.layer(score, record, self.picture())
        COUNTERS.add("forward")
        with at_rest(True):
            gradients = gradients_of((values.square() + values).sum(), [leaf])
        return None if gradients is None else [(leaf, gradients[0])]


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
