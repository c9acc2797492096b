"""The model behind an evidence: its passes, one picture's target at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.interface import Engine, Passes
from visioncam_core.engine.model_inputs import in_place
from visioncam_core.engine.records import AttentionResult, Change, Make, Read, Reading, TailInputs
from visioncam_core.errors import GradientError, LayerError, OptionError, TargetError
from visioncam_core.images.regions import Regions
from visioncam_core.pipeline.attention import Attention, attention_on
from visioncam_core.pipeline.batch import Batch
from visioncam_core.pipeline.hidden import Absent
from visioncam_core.pipeline.sources import Tell, Which, kept, kept_labels, with_rest
from visioncam_core.targets.resolve import Target


@attrs.frozen(eq=False)
class EngineSource:
    """The model behind an evidence's scorers.

    Attributes:
        shared: what changed pictures gave, for every class at once, where there are several targets.
        pool: what pictures with some regions kept gave, for every class and method of the call.
        asked: which scores were asked for.
        told: (sample, what the reader of its map should know).
    """

    batch: Batch
    passes: Passes
    targets: list[Target]
    at_layer: TailInputs | None = None
    shared: dict[Any, Any] | None = None
    pool: dict[Any, Any] | None = None
    asked: set[str] = attrs.field(factory=set)
    told: list[tuple[int, str]] = attrs.field(factory=list)
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

    def score_changed(
        self,
        picture: int,
        change: Change,
        maps: Any,
        which: Which,
        tell: Tell | None,
        extra: tuple[np.ndarray, ...] = (),
    ) -> Any:
        read = self._read(picture, which)
        args = (self._single(picture), self.batch.view.image, change, maps)
        if self.shared is None:
            return self.passes.through(*args, _reporting(read, tell), extra)
        key = (picture, change, *map(_digest, (ops.to_numpy(maps), *extra)))
        if key not in self.shared:
            self.shared[key] = with_answers(
                lambda both: self.passes.through(*args, _reporting(both, tell), extra)
            )
        return read(*self.shared[key])

    def score_without(
        self, picture: int, activations: Any, channels: np.ndarray, which: Which, tell: Tell | None
    ) -> Any:
        self._check_changeable()
        read = _reporting(self._read(picture, which), tell)
        return self.passes.without(self._single(picture), self.at_layer, activations, channels, read)

    def score_kept(
        self,
        picture: int,
        regions: Regions,
        keep: np.ndarray,
        hidden: np.ndarray,
        which: Which,
        tell: Tell | None,
    ) -> Any:
        read, view, single = self._read(picture, which), self.batch.view, self._single(picture)
        labels, hidden = kept_labels(regions), hidden.astype(np.float32)
        extra = (labels, hidden)
        if self.pool is None:
            return self.passes.through(
                single, view.image, kept, with_rest(keep), _reporting(read, tell), extra
            )
        pool = self.pool.setdefault((picture, *map(_digest, extra)), Pool())
        names = [row.tobytes() for row in np.packbits(keep, axis=1)]
        new = {name: i for i, name in enumerate(names) if name not in pool.places}
        if new:
            rows = with_rest(keep[list(new.values())])
            pool.add(
                new,
                lambda both: self.passes.through(
                    single, view.image, kept, rows, _reporting(both, tell), extra
                ),
            )
        return read(*pool.rows(names))

    def fitted(self, picture: int, labels: np.ndarray) -> np.ndarray:
        """Return labels of the user's picture (H, W) on the model's input, -1 where there is no picture."""
        sample = self.batch.samples[picture]
        if not sample.whole:
            raise OptionError(
                "regions= lie on the whole picture, but geometry='tile' cuts it into windows; pass "
                "'grid:7' or 'slic:50', or another geometry, such as 'letterbox'"
            )
        geometry = sample.geometry
        if geometry is None or labels.shape != geometry.shape:
            wanted = self.images().shape[1:-1] if geometry is None else geometry.shape
            raise OptionError(f"regions= has shape {labels.shape}; this picture has {tuple(wanted)}")
        return geometry.to_input(labels)

    def absent(self, picture: int) -> Absent:
        """Return what hidden pictures are made from; pixels are preprocessed like the picture."""
        batch, sample = self.batch, self.batch.samples[picture]
        how = batch.preprocessing
        if sample.geometry is None and (not how.known or how.name == "none"):  # it says nothing of an array
            how = batch.expected
        convert = how.function if sample.geometry is not None or how.known else None
        if how.whole is not None:
            whole = how.whole
            convert = lambda pixels: np.stack([whole(one.astype(np.uint8)) for one in pixels])  # noqa: E731
        return Absent(self.images()[picture : picture + 1], convert, batch.request.settings.seed)

    def tell(self, picture: int, word: str) -> None:
        self.told.append((picture, word))

    def tail_gradients(self, picture: int, make: Make, count: int) -> Any:
        self._check_changeable()
        one = self.targets[picture]

        def slope(values: Any, indices: np.ndarray, answer: Any = None) -> Any:
            return one.slope(values)

        return self.passes.tail_gradients(self._single(picture), self.at_layer, make, count, slope)

    def attention(self, reading: Reading | None, grid: tuple[int, ...]) -> Attention:
        if reading not in self._attention:

            def slopes(values: Any, indices: np.ndarray, answer: Any = None) -> Any:
                return joined([self.targets[k].slope(values[i : i + 1]) for i, k in enumerate(indices)])

            args = () if reading is None else (slopes, reading)
            self._attention[reading] = self.passes.attention(self.batch.flat, *args)
        return attention_on(self._attention[reading], self.batch.view.table, grid)

    def _check_changeable(self) -> None:
        if self.passes.reshape is not None:
            raise LayerError(
                "methods that change activations must put them back into the layer, which "
                "your own reshape= cannot do; choose a gradient method or ScoreCAM"
            )

    def _single(self, picture: int) -> list[Any]:
        if int(self.batch.flat[0].shape[0]) == 1:
            return self.batch.flat
        return [x[picture : picture + 1] for x in self.batch.flat]

    def at(self, picture: int, images: Any) -> tuple[Any, Any, Any]:
        view, one = self.batch.view, self.targets[picture]
        flat = in_place(images, self._single(picture), view.image, view.channels_first)
        flat = self.batch.engine.tensors(flat)
        try:
            if one.index is not None and len(self.passes.score.shape) <= 2:
                result = self.passes.probe(flat, np.full(len(images), one.index, np.int32))
            else:
                (result,) = self.passes.watch(flat, [lambda values, *_: one.slope(values)])
        except GradientError as error:
            raise no_gradient(self.batch, error) from error
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


def joined(slopes: list[Any]) -> Any:
    """Return the gradients of single pictures as one batch; as NumPy's where some are."""
    alike = len({isinstance(one, np.ndarray) for one in slopes}) == 1
    return ops.concatenate(slopes if alike else list(map(ops.to_numpy, slopes)))


def with_answers(run: Callable[[Read], Any]) -> tuple[Any, Any]:
    """Return (values, answer) of every version that a pass runs."""
    answers: list[Any] = []

    def both(values: Any, answer: Any) -> Any:
        answers.append(answer)
        return values

    return run(both), ops.concatenate(answers)


def no_gradient(batch: Batch, error: GradientError) -> GradientError:
    """Return why there is no gradient; of the picture itself, which is no layer to choose another for."""
    if batch.on == "layer":
        return error
    kind = ops.dtype_name(batch.flat[batch.image])
    why = "" if "float" in kind else f": it takes {kind}, whole numbers, which have none"
    return GradientError(
        f"the score has no gradient with respect to the picture, as the model receives it{why}; choose a "
        "method that looks at a layer, such as gradcam or layerintegratedgradients, or one of the family "
        "'region'"
    )


@attrs.frozen(eq=False)
class Pool:
    """Scores of one picture with some of its regions kept, by which.

    Attributes:
        places: the kept regions as bits -> its row.
        parts: (values, answer) of each request, in order.
    """

    places: dict[bytes, int] = attrs.field(factory=dict)
    parts: list[tuple[Any, Any]] = attrs.field(factory=list)

    def add(self, names: Iterable[bytes], run: Callable[[Read], Any]) -> None:
        """Take in what a pass gives, one row a name."""
        values, answers = map(ops.to_numpy, with_answers(run))
        self.parts.append((values, answers))
        self.places.update(zip(names, range(len(self.places), len(self.places) + len(values)), strict=True))

    def rows(self, names: Sequence[bytes]) -> tuple[Any, Any]:
        """Return (values, answer) of each name."""
        where = [self.places[name] for name in names]
        values, answers = (np.concatenate(column)[where] for column in zip(*self.parts, strict=True))
        return values, answers


def _digest(array: np.ndarray) -> bytes:
    return hashlib.sha256(array.tobytes()).digest()


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
