"""`visioncam.evaluate`: which of the maps can be trusted on these pictures?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from visioncam.evaluation.budget import Budget
from visioncam.evaluation.evaluation import Evaluation
from visioncam.evaluation.measure import measure
from visioncam.evaluation.randomised import Randomised, checked_copy
from visioncam.evaluation.request import measures, told_apart
from visioncam.evaluation.subjects import subjects
from visioncam.evaluation.truth import marks
from visioncam_core.engine.cache import notes_of
from visioncam_core.errors import LayerError, ModelError
from visioncam_core.images.sample import Read
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request, several_layers, several_methods
from visioncam_core.results.provenance import versions
from visioncam_metrics.support.controls import CONTROLS


def evaluate(
    model: Any,
    images: Any,
    methods: str | Sequence[str | object] | None = None,
    *,
    method: str | object | None = None,
    layers: Sequence[Any] | None = None,
    metrics: str | Sequence[str | object] = "default",
    truth: Any = None,
    target: Any = None,
    steps: int = 20,
    seeds: int = 5,
    cascade: int = 4,
    patience: int = 3000,
    force: bool = False,
    progress: Any = None,
    **keywords: Any,
) -> Evaluation:
    """Measure the maps of several methods on pictures, next to controls that do not depend on the model.

    Always measured as well: a random map, a centred Gaussian, the picture's edges, Fake-CAM (ones but for
    one pixel), and each method on a copy of the model with random weights.  The model is never changed.

    Args:
        model: a PyTorch module or a built Keras model.
        images: a list of pictures or model inputs, as in `explain`; the more, the narrower the intervals.
        methods: a list of names and objects, or "all", the default.
        method: one of them; the same as a list of one.
        layers: several layers, measured one by one; `layer=` names a single one, as in `explain`.
        metrics: "default", "all", or names of `visioncam.metrics()` and objects.
        truth: for each picture where the object is: a mask of its pixels, a box (left, top, right, bottom),
            a list of boxes, or None.
        target: a class, a list with one for each picture, or None for the top class of the clean picture.
        steps: of deletion and insertion; 20 for a quick look, 224 for a report.
        seeds: randomised copies of the model for the sanity check.
        cascade: steps from the trained model to a random one.
        patience: passes that one metric may spend on maps of one picture by one method; beyond it is flagged.
        force: allow results computed differently in one table.
        progress: True for a bar, or a function of (done, total).
        **keywords: other keywords of `explain`, and options of the methods.

    Returns:
        The table: `print` it, `to_dataframe()`, `save("x.csv")`.

    Raises:
        VisionCamError: one of its kinds, naming the value received and the fix.
    """
    queries = several_layers(layers, keywords)
    request = Request.of(several_methods(method, methods), {**keywords, "progress": progress})
    report = request.settings.progress
    if queries is None:
        queries = [_single(request.settings.layer)]
    budget = Budget(steps=steps, seeds=seeds, cascade=cascade, patience=patience)
    applied = measures(metrics, budget, placed=truth is not None)
    apart = tuple(told_apart(request.methods, [one.name for one in CONTROLS]))
    explainer = Explainer.of(model, attrs.evolve(request, methods=apart)).with_settings(progress=None)
    items, single = explainer.reader.read(images)
    read = Read(items, single)
    placed = marks(truth if not single or truth is None else [truth], len(items))
    notes: list[str] = []
    copy, rounds = None, 0
    randomised: set[str] = set()
    try:
        copy = Randomised.of(checked_copy(explainer, read), budget.cascade)
    except ModelError as error:
        notes.append(f"no randomised models: {error}")
    else:
        cascade = any("randomised" in one.needs for one in applied)
        rounds = budget.seeds * budget.cascade if cascade else 1
        randomised = {one.name for one in explainer.methods}
    notes += [what for _, what in notes_of(explainer.engine, model)]
    rows = len(subjects(explainer.methods, randomised))
    count = _Count(len(queries) * len(items) * (rows + rounds), report)
    found = [
        measure(
            explainer.with_settings(layer=query),
            read, target, placed, applied, budget, copy, count,
        )
        for query in queries
    ]  # fmt: skip
    found = list({at.layer: at for at in found}.values())  # of which "auto" may be one that is named, too
    count.finish()
    notes += dict.fromkeys(note for at in found for note in at.notes)
    for at in found:
        measured = {one.of for one in at.subjects}
        missing = [one.title for one in explainer.methods if one.name in randomised - measured]
        if missing:
            notes.append(
                f"{', '.join(missing)} at {at.layer}: a map costs more than patience={patience} passes, so "
                "there is none of a randomised model"
            )
    return Evaluation(
        model=explainer.hints.title,
        layers=tuple(found),
        sources=tuple(item.source for item in items),
        notes=tuple(notes),
        provenance={
            **versions(explainer.engine.versions()),
            "seed": explainer.settings.seed,
            "preprocess": explainer.preprocessing.name,
            **attrs.asdict(budget),
        },
        force=force,
    )


def _single(layer: Any) -> Any:
    if isinstance(layer, list | tuple) and len(layer) > 1:
        raise LayerError("a metric looks at one layer; pass several as layers=[...] to measure each")
    return layer


@attrs.define(eq=False)
class _Count:
    """Counts units of work for a progress report."""

    total: int
    report: Any
    done: int = 0

    def __call__(self, units: int) -> None:
        self.done = min(self.done + units, self.total - 1)
        if self.report is not None:
            self.report(self.done, self.total)

    def finish(self) -> None:
        if self.report is not None:
            self.report(self.total, self.total)
