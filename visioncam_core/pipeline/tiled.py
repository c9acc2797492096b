"""Pictures explained in windows: one class for the whole of each, and the windows' maps laid together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import attrs
import numpy as np

from visioncam_core.engine.batches import Budget
from visioncam_core.engine.output import Head
from visioncam_core.errors import TargetError
from visioncam_core.images.sample import Sample, Windows
from visioncam_core.images.tiling import stitch
from visioncam_core.ops import to_numpy
from visioncam_core.pipeline.apply import total
from visioncam_core.pipeline.batch import Batch
from visioncam_core.pipeline.build import Answer, grouped
from visioncam_core.pipeline.diagnosis import diagnose
from visioncam_core.resize import STRETCHED, Placement, resize
from visioncam_core.results.diagnostics import Diagnostic
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.heat import part_of
from visioncam_core.targets.classes import Ranked
from visioncam_core.targets.resolve import TOP, TargetSpec, fix_target

OF_A_WINDOW = ("no-positive-evidence", "dead-layer", "zero-gradient", "faint-gradient", "terms-cancel")
"""Normal in a window where nothing is to be seen, and reported only where every window has it."""


OF_A_MAP = ("no-positive-evidence", "constant-map")
"""Said of the whole map instead."""


@attrs.define(eq=False)
class WindowTargets:
    """One class for all windows of a picture where the model is to choose it.

    The class is the one with the highest mean of the model's own output over the windows; they are run
    once more for it.

    Attributes:
        samples: the pictures of the call.
        batch: windows in one pass.
    """

    samples: Sequence[Sample]
    batch: int
    _means: dict[int, tuple[np.ndarray, Head]] = attrs.field(factory=dict)

    def of(self, specs: list[list[TargetSpec]], batch: Batch) -> list[list[TargetSpec]]:
        """Return each target's specs for the pictures, with the class of their windows filled in.

        Raises:
            TargetError: a picture in windows, and an output with a value for every position.
        """
        cut = {picture for picture in batch.pictures if self.samples[picture].windows is not None}
        if not cut:
            return specs
        if batch.head.dense:
            for spec in (row[picture] for row in specs for picture in cut):
                if isinstance(spec, int) or getattr(spec, "where", "all") != "all":
                    raise TargetError(
                        "geometry='tile' explains one score for all windows, and the explained output has a "
                        "value for every position; pass target=targets.Region(class, 'all') or a function"
                    )

        def one(picture: int, spec: TargetSpec) -> TargetSpec:
            chooses = spec == TOP if isinstance(spec, int) else isinstance(spec, Ranked)
            if picture not in cut or not chooses:
                return spec
            if picture not in self._means:
                self._means[picture] = self._mean(self.samples[picture], batch)
            mean, known = self._means[picture]
            return fix_target(spec, mean[None], known, batch.engine).index

        return [[one(picture, spec) for picture, spec in enumerate(row)] for row in specs]

    def _mean(self, sample: Sample, batch: Batch) -> tuple[np.ndarray, Head]:
        windows, head = sample.windows, batch.head
        assert windows is not None

        def chosen(values: object, answer: object) -> np.ndarray:
            values, answer = to_numpy(values), to_numpy(answer)
            probable = head.probabilities(values, answer)
            found = values if probable is None else probable
            return found.reshape(len(found), -1)

        rows = batch.view.passes(next(batch.places())[1].layers[0], None, Budget(self.batch)).forward(
            batch.engine.tensors(sample.flat),
            windows.position,
            lambda indices: np.concatenate([windows.cut(windows.boxes[i]) for i in indices]),
            len(windows.boxes),
            chosen,
        )
        return rows.mean(axis=0), attrs.evolve(head, middle=0.5) if head.probable else head


def join_windows(answers: Iterable[Answer], samples: Sequence[Sample]) -> list[Answer]:
    """Return one answer for each picture, layer, target and method from one for each window."""
    found = []
    for windows in grouped(answers, "picture", "layer", "target", "method"):
        sample = samples[windows[0].picture]
        found.append(windows[0] if sample.windows is None else _whole(windows, sample, sample.windows))
    return found


def _whole(answers: Sequence[Answer], sample: Sample, windows: Windows) -> Answer:
    """Return the answer about a picture from those about its windows, which count alike."""
    first = answers[0]
    values = np.mean([one.output.values for one in answers], axis=0)
    given = np.stack([one.output.answer for one in answers])
    mean = np.log(np.exp(given).mean(axis=0)) if first.output.head.log else given.mean(axis=0)
    output = attrs.evolve(first.output, values=values, answer=mean)
    applied = total([one.applied for one in answers])
    whole = attrs.evolve(first, output=output, applied=applied, explanation=None)
    if applied.failure:
        return whole
    each = [one.explanation for one in answers if one.explanation is not None]
    return attrs.evolve(whole, explanation=_laid_together(each, whole, sample, windows))


def _laid_together(
    each: Sequence[Explanation], whole: Answer, sample: Sample, windows: Windows
) -> Explanation:
    """Return the explanation of a picture from those of its windows: one maximum for all, maps stitched."""
    shape = (sample.display.shape[0], sample.display.shape[1])
    evidence = each[0].evidence
    placement = each[0].layer.placement
    project = windows.geometry.project if windows.geometry is not None else None
    place = partial(project, placement=placement) if project else partial(_resized, windows, placement)
    raws = [explanation.raw for explanation in each]
    shown = [part_of(raw, evidence) for raw in raws]
    top = max(float(np.abs(part).max(initial=0.0)) for part in shown) or 1.0
    diagnostics = _of_windows([explanation.diagnostics for explanation in each])
    return attrs.evolve(
        each[0],
        raw=stitch(raws, windows.boxes, shape, place),
        heatmap=np.clip(stitch([part / top for part in shown], windows.boxes, shape, place), -1.0, 1.0),
        layer=attrs.evolve(each[0].layer, placement=STRETCHED),  # the stitched map lies on the pixels
        target=whole.output.target,
        score=float(np.mean([explanation.score for explanation in each])),
        predictions=whole.output.predictions(),
        account=None,
        regions=None,
        diagnostics=(*diagnostics, *diagnose.of_map(np.stack(raws), evidence)),
        provenance={**each[0].provenance, "geometry": "tile", "windows": len(each)},
    )


def _resized(windows: Windows, placement: Placement, values: np.ndarray) -> np.ndarray:
    top, left, bottom, right = windows.boxes[0]
    return resize(values, (bottom - top, right - left), placement)


def _of_windows(found: Sequence[Sequence[Diagnostic]]) -> Iterator[Diagnostic]:
    """Yield each code once, with the number of windows that have it where it is not all of them."""
    codes = dict.fromkeys(one.code for some in found for one in some)
    for code in codes:
        having = [one for some in found for one in some if one.code == code]
        windows = sum(any(one.code == code for one in some) for some in found)
        if code in OF_A_MAP or (code in OF_A_WINDOW and windows < len(found)):
            continue
        if windows == len(found):
            yield from dict.fromkeys(having)
        else:
            yield attrs.evolve(
                having[0], message=f"{having[0].message} (in {windows} of {len(found)} windows)"
            )
