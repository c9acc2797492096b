"""What a run will cost, said before it begins: methods see scores of zero, and their passes are counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import attrs
import numpy as np

from visioncam.cli.terminal import Output
from visioncam_core import ops
from visioncam_core.errors import VisionCamError
from visioncam_core.pipeline.apply import apply
from visioncam_core.pipeline.engine_source import EngineSource
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.gather import gather_what_can
from visioncam_core.targets.resolve import specs_of_call, stack_size

LONG = 10  # seconds from which on a run says its cost


@attrs.frozen(eq=False)
class Dry(EngineSource):
    """A model that is never run: it counts the pictures that go through all of it, and through its tail."""

    counted: Counter[str] = attrs.field(factory=Counter)
    shape: tuple[int, ...] = ()  # of one picture's activations

    def _count(self, what: str, number: int) -> np.ndarray:
        self.counted[what] += number
        return np.zeros(number, np.float32)

    def score_inputs(self, picture: int, make: Any, count: int, which: Any) -> Any:
        return self._count("whole", count)

    def score_activations(self, picture: int, make: Any, count: int, which: Any) -> Any:
        return self._count("tail", count)

    def score_changed(self, picture: int, change: Any, maps: Any, *rest: Any, **more: Any) -> Any:
        return self._count("whole", len(maps))

    def score_without(self, picture: int, activations: Any, channels: Any, *rest: Any) -> Any:
        return self._count("tail", len(channels))

    def score_kept(self, picture: int, regions: Any, keep: Any, *rest: Any) -> Any:
        return self._count("whole", len(keep))

    def tail_gradients(self, picture: int, make: Any, count: int) -> Any:
        self._count("tail", 2 * count)  # there and back
        return np.zeros((count, *self.shape), np.float32)

    def at(self, picture: int, images: Any) -> tuple[Any, Any, Any]:
        zeros = np.zeros((len(images), *self.shape), np.float32)
        return zeros, zeros, self._count("whole", 2 * len(images))[: len(images)]


def tell_cost(
    output: Output,
    explainer: Explainer,
    images: Sequence[str],
    targets: Any = None,
    layers: Any = None,
    copies: int = 0,
) -> None:
    """Say on standard error what a run will cost, in passes and seconds, where it takes over ten seconds.

    Args:
        output: of the command.
        explainer: with all methods.
        images: of the run; the first is looked at.
        targets: classes side by side: a list, or a stack such as "top3".
        layers: layers side by side, or None.
        copies: randomised copies of the model that are explained, too, by an evaluation.
    """
    if all("gradients" in one.needs for one in explainer.methods):
        return
    with suppress(VisionCamError):  # the run itself will say it
        several = isinstance(targets, list)
        size = len(targets) if several else min(stack_size(targets, explainer.names), 5)
        times = len(images) * max(size, 1) * len(layers or "1") * (1 + copies)
        passes, seconds = cost_of(explainer, images[0])
        if seconds * times > LONG:
            what = "the maps alone will take" if copies else "this will take"
            output.note(f"{what} about {cost_in_words(passes * times, seconds * times)}")


def cost_of(explainer: Explainer, image: str) -> tuple[int, float]:
    """Return passes and seconds that the methods need for one picture and class, as estimated.

    A pass through the tail costs what is after the layer: its share of the layers.
    """
    sample = next(explainer.reader.read(image)[0][0].parts())
    batch = explainer.batch([sample], [0])
    number, seconds = 0, 0.0
    with explainer.engine.running(explainer.model):
        for _, here in batch.places():
            passes = here.view.passes(here.layers[0], None, explainer.settings.budget)
            here, (observed, *_) = gather_what_can(here, passes, specs_of_call(None, 0, 1, here.head))
            passes.watch(here.flat, [])  # the first call may compile
            start = time.perf_counter()
            passes.watch(here.flat, [])
            once = time.perf_counter() - start
            behind = 1 - (here.layers[0].row.index or 0) / max(len(here.view.table), 1)
            real: Any = observed.evidence
            activations = ops.to_numpy(real.activations)
            dry = Dry(here, passes, observed.targets, real._source.at_layer, shape=activations.shape[1:])
            gradients = ops.to_numpy(real.gradients) if real.has_gradients else None
            trial = attrs.evolve(
                real,
                activations=activations,
                score=np.zeros_like(real.score),
                gradients=gradients,
                source=dry,
                progress=None,
            )
            for _, method in here.methods:
                if "attention" not in method.needs:
                    apply(method, trial)
            number += dry.counted.total()
            seconds += once * (dry.counted["whole"] + behind * dry.counted["tail"])
    return number, seconds


def cost_in_words(passes: float, seconds: float) -> str:
    spent = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
    return f"{passes:,.0f} passes, {spent}"
