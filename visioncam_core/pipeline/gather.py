"""Evidence from a model: the passes run, the targets fixed, the engine behind the scorers."""

from __future__ import annotations

import hashlib
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.interface import Engine, Passes
from visioncam_core.engine.model_inputs import in_place
from visioncam_core.engine.output import looks_probable
from visioncam_core.engine.records import Cotangent, Read, TailInputs
from visioncam_core.errors import LayerError, TargetError
from visioncam_core.pipeline.evidence import Change, Evidence, Make, Tell, Which
from visioncam_core.progress import Progress
from visioncam_core.targets import resolve as p


@attrs.frozen(eq=False)
class Observed:
    """The evidence of a chunk of pictures, with what was decided on the way.

    Attributes:
        evidence: for the methods.
        picks: the scalar of each picture.
        values: (N, ...) score values.
        answer: (N, ...) output of the model.
        head: the explained output, known better now that it was seen.
    """

    evidence: Evidence
    picks: list[p.Pick]
    values: np.ndarray
    answer: np.ndarray
    head: p.Head


def observe(
    engine: Engine,
    passes: Passes,
    flat: list[Any],
    image: int,
    channels_first: bool,
    questions: list[list[p.Wish]],
    head: p.Head,
    gradients: bool,
    seed: int,
    progress: Progress | None,
) -> list[Observed]:
    """Run the passes that the methods need, once; of several questions only the gradients differ.

    Args:
        engine: of the model.
        passes: the passes for the chosen layer and score.
        flat: flat input tensors of N pictures.
        image: which of them is the image.
        channels_first: whether its channels come before its space.
        questions: what is asked of each picture, once or several times.
        head: the explained output.
        gradients: whether any method needs gradients.
        seed: for methods that draw at random.
        progress: called by the scorers.
    """
    plain = all(isinstance(wish, int) for wish in questions[0]) and not head.dense
    if gradients and plain and len(questions) == 1 and len(passes.score.shape) <= 2:
        seen = [passes.probe(flat, np.asarray(questions[0], np.int32))]
    else:
        slopes = [_slopes(engine, wishes, head) for wishes in questions] if gradients else []
        seen = passes.watch(flat, slopes)
    values, answer = ops.to_numpy(seen[0].values), ops.to_numpy(seen[0].answer)
    picks = [
        [p.pick(wish, values[i : i + 1], head, engine) for i, wish in enumerate(wishes)]
        for wishes in questions
    ]
    if not head.probable and not head.dense and looks_probable(answer):
        head = attrs.evolve(head, probable=True)  # a softmax written by hand: never applied a second time
        picks = [[attrs.evolve(one, head=head) for one in fixed] for fixed in picks]
    found = []
    shared: dict[Any, Any] | None = {} if len(questions) > 1 and values.ndim == 2 else None
    for i, fixed in enumerate(picks):
        once = seen[i if gradients else 0]
        score = np.concatenate([one.score(values[j : j + 1]) for j, one in enumerate(fixed)])
        source = EngineSource(engine, passes, flat, image, channels_first, fixed, once.at_layer, shared)
        every = tuple(range(len(fixed)))
        score = score.astype(np.float32)
        evidence = Evidence(once.activations, score, seed, once.gradients, source, every, progress)
        found.append(Observed(evidence, fixed, values, answer, head))
    return found


def _slopes(engine: Engine, wishes: list[p.Wish], head: p.Head) -> Cotangent:
    """Return the gradient of each picture's target in the values, as a function of (values, indices)."""

    def slopes(values: Any, indices: np.ndarray) -> Any:
        singles = [values[i : i + 1] for i in range(int(values.shape[0]))]
        picks = [
            p.pick(wishes[k], ops.to_numpy(one), head, engine)
            for k, one in zip(indices, singles, strict=True)
        ]
        found = [pick.slope(one) for pick, one in zip(picks, singles, strict=True)]
        alike = len({isinstance(one, np.ndarray) for one in found}) == 1
        return ops.concatenate(found if alike else list(map(ops.to_numpy, found)))

    return slopes


@attrs.frozen(eq=False)
class EngineSource:
    """The model behind an evidence's scorers.

    Attributes:
        shared: what changed pictures gave, for every class at once, where several classes are asked about.
    """

    engine: Engine
    passes: Passes
    flat: list[Any]
    image: int
    channels_first: bool
    picks: list[p.Pick]
    at_layer: TailInputs | None = None
    shared: dict[Any, Any] | None = None

    def images(self) -> Any:
        """Return the (N, *space, C) image inputs, channels last."""
        images = ops.to_numpy(self.flat[self.image])
        images = (
            images.astype(np.float32) if images.dtype.kind != "f" or images.dtype.itemsize < 4 else images
        )
        return np.moveaxis(images, 1, -1) if self.channels_first else images

    def score_inputs(self, picture: int, make: Make, count: int, which: Which) -> Any:
        """Run the whole model on changed pictures."""
        single = self._single(picture)
        made = (
            (lambda indices: np.moveaxis(ops.to_numpy(make(indices)), -1, 1)) if self.channels_first else make
        )
        return self.passes.forward(single, self.image, made, count, self._read(picture, which))

    def score_activations(self, picture: int, make: Make, count: int, which: Which) -> Any:
        """Run the tail of the model on changed activations."""
        self._check_changeable()
        return self.passes.tail(self._single(picture), self.at_layer, make, count, self._read(picture, which))

    def score_changed(self, picture: int, change: Change, maps: Any, which: Which, tell: Tell | None) -> Any:
        """Run the whole model on pictures that are changed inside the graph."""
        read = self._read(picture, which)
        asked = (self._single(picture), self.image, change, maps)
        if self.shared is None:
            return self.passes.through(*asked, _told(read, tell))
        key = (picture, change, hashlib.sha256(ops.to_numpy(maps).tobytes()).digest())
        if key not in self.shared:
            answers: list[Any] = []

            def keep(values: Any, answer: Any) -> Any:
                answers.append(answer)
                return values

            self.shared[key] = self.passes.through(*asked, _told(keep, tell)), ops.concatenate(answers)
        return read(*self.shared[key])

    def score_without(
        self, picture: int, activations: Any, channels: np.ndarray, which: Which, tell: Tell | None
    ) -> Any:
        """Run what lies behind the layer without each of the channels."""
        self._check_changeable()
        read = _told(self._read(picture, which), tell)
        return self.passes.without(self._single(picture), self.at_layer, activations, channels, read)

    def _check_changeable(self) -> None:
        if self.passes.reshape is not None:
            raise LayerError(
                "methods that change activations need to put them back into the layer, which a reshape= of "
                "the user's own does not say how to do; choose a gradient method or ScoreCAM"
            )

    def _single(self, picture: int) -> list[Any]:
        """Return the flat inputs of one picture."""
        if int(self.flat[0].shape[0]) == 1:
            return self.flat
        return [x[picture : picture + 1] for x in self.flat]

    def at(self, picture: int, images: Any) -> tuple[Any, Any, Any]:
        """Run forward and backward passes at other pictures, for one picture's target."""
        flat = self.engine.tensors(in_place(images, self._single(picture), self.image, self.channels_first))
        pick = self.picks[picture]
        if pick.index is not None and len(self.passes.score.shape) <= 2:
            seen = self.passes.probe(flat, np.full(len(images), pick.index, np.int32))
        else:
            (seen,) = self.passes.watch(flat, [lambda values, _: pick.slope(values)])
        return seen.activations, seen.gradients, pick.score(ops.to_numpy(seen.values)).astype(np.float32)

    def _read(self, picture: int, which: Which) -> Any:
        pick = self.picks[picture]
        if which != "target":
            if pick.index is None:
                raise TargetError(
                    "class probabilities need a class as target, received a function; pass an index or a name"
                )
            return pick.probability if which == "probability" else pick.remainder
        return pick.score


def _told(read: Read, tell: Tell | None) -> Read:
    """Return the same reader, which says how many versions are done."""
    if tell is None:
        return read
    done = 0

    def reading(values: Any, answer: Any) -> Any:
        nonlocal done
        found = read(values, answer)
        done += int(values.shape[0])
        tell(done)
        return found

    return reading
