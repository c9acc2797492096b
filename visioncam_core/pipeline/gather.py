"""Evidence from a model: the passes run, the targets fixed, the engine behind the scorers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.interface import Engine, Passes
from visioncam_core.engine.model_inputs import in_place
from visioncam_core.engine.output import Head, looks_probable
from visioncam_core.engine.records import AttentionResult, Change, Cotangent, Make, Read, Reading, TailInputs
from visioncam_core.errors import GradientError, LayerError, TargetError
from visioncam_core.pipeline.attention import Attention, attention_on
from visioncam_core.pipeline.batch import Batch
from visioncam_core.pipeline.evidence import Evidence, Tell, Which
from visioncam_core.targets.resolve import Target, TargetSpec, fix_target


@attrs.frozen(eq=False)
class Observation:
    """The evidence of a batch at one layer for one target, with what was decided on the way.

    Attributes:
        evidence: for the methods.
        targets: the scalar explained of each sample.
        values: (N, ...) score values.
        answer: (N, ...) output of the model.
        head: the explained output, better known now that the model has run.
        asked: what methods have asked of other pictures: "probability", "remainder" or "target".
    """

    evidence: Evidence
    targets: list[Target]
    values: np.ndarray
    answer: np.ndarray
    head: Head
    asked: set[str]


def gather_what_can(
    batch: Batch, passes: Passes, specs: Sequence[Sequence[TargetSpec]]
) -> tuple[Batch, list[Observation]]:
    """Gather; where the layer has no gradient, for the methods that need none, the batch refusing the others.

    Raises:
        GradientError: every method needs one.
    """
    try:
        return batch, gather(batch, passes, specs)
    except GradientError as error:
        methods = tuple(
            attrs.evolve(one, refusal=error) if "gradients" in one.needs else one
            for one in batch.request.methods
        )
        if all(one.refusal is not None for one in methods):
            raise
        batch = attrs.evolve(batch, request=attrs.evolve(batch.request, methods=methods))
        return batch, gather(batch, passes, specs)


def gather(batch: Batch, passes: Passes, specs: Sequence[Sequence[TargetSpec]]) -> list[Observation]:
    """Run the passes that the methods need, once; of several targets only the gradients differ.

    `specs` are, for each target of the call, that of each sample; each gives an observation.
    """
    head, settings = batch.head, batch.request.settings
    gradients = any("gradients" in one.needs for one in batch.request.methods if one.refusal is None)
    plain = all(isinstance(spec, int) for spec in specs[0]) and not head.dense
    if gradients and plain and len(specs) == 1 and len(passes.score.shape) <= 2:
        results = [passes.probe(batch.flat, np.asarray(specs[0], np.int32))]
    else:
        slopes = [_slopes(batch, row) for row in specs] if gradients else []
        results = passes.watch(batch.flat, slopes)
    values, answer = ops.to_numpy(results[0].values), ops.to_numpy(results[0].answer)
    targets = [
        [
            fix_target(spec, values[i : i + 1], head, batch.engine, answer[i : i + 1])
            for i, spec in enumerate(row)
        ]
        for row in specs
    ]
    unknown = batch.view.score.own is None and not batch.view.score.assumed
    if unknown and not head.probable and not head.dense and looks_probable(answer):
        # A softmax written by hand: never applied a second time.
        head = attrs.evolve(head, probable=True, assumed="")
        targets = [[attrs.evolve(one, head=head) for one in row] for row in targets]
    found = []
    shared: dict[Any, Any] | None = {} if len(specs) > 1 and values.ndim == 2 else None
    for i, row in enumerate(targets):
        result = results[i if gradients else 0]
        score = np.concatenate([one.score(values[j : j + 1]) for j, one in enumerate(row)])
        evidence = Evidence(
            result.activations,
            score.astype(np.float32),
            settings.seed,
            result.gradients,
            EngineSource(batch, passes, row, asked := set[str](), result.at_layer, shared),
            tuple(range(len(row))),
            settings.progress,
        )
        found.append(Observation(evidence, row, values, answer, head, asked))
    return found


def _slopes(batch: Batch, specs: Sequence[TargetSpec]) -> Cotangent:
    """Return the gradient of each sample's target in the values, as a function of values, indices, answer."""

    def slopes(values: Any, indices: np.ndarray, answer: Any = None) -> Any:
        found = []
        for i, k in enumerate(indices):
            one, own = (None if x is None else x[i : i + 1] for x in (values, answer))
            own = None if own is None else ops.to_numpy(own)
            found.append(fix_target(specs[k], ops.to_numpy(one), batch.head, batch.engine, own).slope(one))
        alike = len({isinstance(one, np.ndarray) for one in found}) == 1
        return ops.concatenate(found if alike else list(map(ops.to_numpy, found)))

    return slopes


@attrs.frozen(eq=False)
class EngineSource:
    """The model behind an evidence's scorers.

    Attributes:
        asked: which scores were asked for.
        shared: what changed pictures gave, for every class at once, where there are several targets.
    """

    batch: Batch
    passes: Passes
    targets: list[Target]
    asked: set[str]
    at_layer: TailInputs | None = None
    shared: dict[Any, Any] | None = None
    _attention: dict[Reading | None, AttentionResult] = attrs.field(factory=dict)

    @property
    def engine(self) -> Engine:
        return self.batch.engine

    def images(self) -> Any:
        view = self.batch.view
        images = ops.to_numpy(self.batch.flat[view.image])
        small = images.dtype.kind != "f" or images.dtype.itemsize < 4
        images = images.astype(np.float32) if small else images
        return np.moveaxis(images, 1, -1) if view.channels_first else images

    def score_inputs(self, picture: int, make: Make, count: int, which: Which) -> Any:
        single = self._single(picture)
        view = self.batch.view
        made = (lambda ks: np.moveaxis(ops.to_numpy(make(ks)), -1, 1)) if view.channels_first else make
        return self.passes.forward(single, view.image, made, count, self._read(picture, which))

    def score_activations(self, picture: int, make: Make, count: int, which: Which) -> Any:
        self._check_changeable()
        return self.passes.tail(self._single(picture), self.at_layer, make, count, self._read(picture, which))

    def score_changed(self, picture: int, change: Change, maps: Any, which: Which, tell: Tell | None) -> Any:
        read = self._read(picture, which)
        args = (self._single(picture), self.batch.view.image, change, maps)
        if self.shared is None:
            return self.passes.through(*args, _reporting(read, tell))
        key = (picture, change, hashlib.sha256(ops.to_numpy(maps).tobytes()).digest())
        if key not in self.shared:
            answers: list[Any] = []

            def keep(values: Any, answer: Any) -> Any:
                answers.append(answer)
                return values

            self.shared[key] = (
                self.passes.through(*args, _reporting(keep, tell)),
                ops.concatenate(answers),
            )
        return read(*self.shared[key])

    def score_without(
        self, picture: int, activations: Any, channels: np.ndarray, which: Which, tell: Tell | None
    ) -> Any:
        self._check_changeable()
        read = _reporting(self._read(picture, which), tell)
        return self.passes.without(self._single(picture), self.at_layer, activations, channels, read)

    def _check_changeable(self) -> None:
        if self.passes.reshape is not None:
            raise LayerError(
                "methods that change activations need to put them back into the layer, which a reshape= of "
                "the user's own does not say how to do; choose a gradient method or ScoreCAM"
            )

    def _single(self, picture: int) -> list[Any]:
        if int(self.batch.flat[0].shape[0]) == 1:
            return self.batch.flat
        return [x[picture : picture + 1] for x in self.batch.flat]

    def at(self, picture: int, images: Any) -> tuple[Any, Any, Any]:
        view, one = self.batch.view, self.targets[picture]
        flat = in_place(images, self._single(picture), view.image, view.channels_first)
        flat = self.batch.engine.tensors(flat)
        if one.index is not None and len(self.passes.score.shape) <= 2:
            result = self.passes.probe(flat, np.full(len(images), one.index, np.int32))
        else:
            (result,) = self.passes.watch(flat, [lambda values, *_: one.slope(values)])
        return result.activations, result.gradients, one.score(ops.to_numpy(result.values)).astype(np.float32)

    def _read(self, picture: int, which: Which) -> Any:
        one = self.targets[picture]
        self.asked.add(which)
        if which != "target":
            if one.index is None:
                raise TargetError(
                    "class probabilities need a class as target, received a function; pass an index or a name"
                )
            return one.probability if which == "probability" else one.remainder
        return one.score

    def attention(self, reading: Reading | None, grid: tuple[int, ...]) -> Attention:
        if reading not in self._attention:

            def slopes(values: Any, indices: np.ndarray, answer: Any = None) -> Any:
                each = [self.targets[k].slope(values[i : i + 1]) for i, k in enumerate(indices)]
                alike = len({isinstance(one, np.ndarray) for one in each}) == 1
                return ops.concatenate(each if alike else list(map(ops.to_numpy, each)))

            args = () if reading is None else (slopes, reading)
            self._attention[reading] = self.passes.attention(self.batch.flat, *args)
        return attention_on(self._attention[reading], self.batch.view.table, grid)


def _reporting(read: Read, tell: Tell | None) -> Read:
    """Return the same reader, which reports how many versions are done."""
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
