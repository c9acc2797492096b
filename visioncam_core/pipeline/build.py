"""From a raw map to an explanation: the part that is shown, on the picture's own pixels."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import numpy as np

from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.engine.output import Head
from visioncam_core.images.sample import Item
from visioncam_core.pipeline.apply import Named
from visioncam_core.pipeline.settings import Settings
from visioncam_core.results.data import Prediction, TargetInfo
from visioncam_core.results.diagnostics import Diagnostic
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.heat import heat
from visioncam_core.results.provenance import versions
from visioncam_core.targets.resolve import Pick, function_name


@attrs.frozen(eq=False)
class Context:
    """What all explanations of one call have in common.

    Attributes:
        settings: how the question was asked.
        head: the explained output.
        score_kind: what the score is.
        assumed: it is a softmax or sigmoid that was not found in the model.
        choice: the layer.
        model_name: for the provenance.
        preprocessing: its name.
    """

    settings: Settings
    head: Head
    score_kind: str
    assumed: bool
    choice: LayerChoice
    model_name: str
    preprocessing: str


def finish(
    context: Context,
    item: Item,
    named: Named,
    raw: np.ndarray,
    target: TargetInfo,
    score: float,
    best: tuple[Prediction, ...],
    diagnostics: Iterable[Diagnostic],
) -> Explanation:
    """Return the explanation of one picture by one method.

    Args:
        context: what all explanations of the call share.
        item: the picture.
        named: the method.
        raw: (*grid) raw map; values that are not finite become 0 (a diagnostic says so).
        target: what was explained.
        score: its value.
        best: the model's best classes.
        diagnostics: what was found.
    """
    finite = np.nan_to_num(raw, nan=0.0, posinf=0.0, neginf=0.0)
    shown = item.project(heat(finite, context.settings.evidence))
    return Explanation(
        raw=finite,
        heatmap=np.clip(shown, -1.0 if context.settings.evidence == "signed" else 0.0, 1.0),
        picture=item.display,
        target=target,
        score=score,
        score_kind=context.score_kind,
        predictions=best,
        probabilities=context.head.probable or context.head.scored,
        layer=context.choice,
        method=named.name,
        method_title=named.title,
        options=named.options,
        evidence=context.settings.evidence,
        diagnostics=tuple(diagnostics),
        provenance={
            **versions(),
            "model": context.model_name,
            "source": item.source,
            "preprocess": context.preprocessing if item.geometry is not None else "model input as passed",
            "geometry": item.geometry.name if item.geometry is not None else "model input as passed",
            "seed": context.settings.seed,
            "batch_size": context.settings.batch,
        },
    )


def target_info(pick: Pick, answer: np.ndarray, values: np.ndarray, head: Head) -> TargetInfo:
    """Return what was explained, in words.

    Args:
        pick: the target.
        answer: (...) output of the model for this picture.
        values: (...) score values of this picture.
        head: the explained output.
    """
    if pick.index is None:
        index = getattr(pick.source, "class_", None)
        name = None if index is None else head.name(index)
        return TargetInfo(index, name, None, f"{name}: " * bool(name) + function_name(pick.source))
    name = head.name(pick.index)
    given = head.probabilities(values[None], answer[None])
    probability = None if given is None else float(pick.probability(values[None], answer[None])[0])
    short = name.split(",")[0] if name else None
    plain = f"class {pick.index}" if head.classes > 1 else f"output {pick.index}"
    return TargetInfo(pick.index, name, probability, f"{short} ({pick.index})" if short else plain)


def predictions(values: np.ndarray, answer: np.ndarray, head: Head, count: int = 5) -> tuple[Prediction, ...]:
    """Return the model's best classes, best first; none where the output is no list of classes.

    Args:
        values: (...) score values of one picture.
        answer: (...) output of the model for it.
        head: the explained output.
        count: how many at most.
    """
    if head.dense:
        return ()
    given = head.probabilities(values, answer)
    shown = (answer if given is None else given).reshape(-1)
    if head.binary:
        shown = np.asarray([1.0 - shown[0], shown[0]])
    best = np.argsort(-shown, kind="stable")[:count]
    return tuple(Prediction(int(i), head.name(int(i)), float(shown[i])) for i in best)
