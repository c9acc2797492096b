"""A written file, run on pictures in its own runtime and held against `visioncam.explain`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.export import INPUT, TOP, ExportPlan, Run
from visioncam_core.engine.output import Head
from visioncam_core.errors import ModelError
from visioncam_core.images.sample import Read, Sample
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.resize import placed_matrix
from visioncam_core.results import agreement
from visioncam_core.results.heat import heat

PICTURES = 3


@attrs.frozen
class Checked:
    """How far the maps of a file are from those of `explain`; see `result.Exported`."""

    error: float
    correlation: float
    same_class: tuple[bool, ...]


def check(plan: ExportPlan, run: Run, explainer: Explainer, head: Head, samples: list[Sample]) -> Checked:
    """Return how a file did on pictures."""
    errors, correlations, same = [], [], []
    for i, sample in enumerate(samples[:PICTURES]):
        given = named(plan, sample)
        target: Any = None if plan.target in (TOP, INPUT) else plan.target
        if plan.target is INPUT:
            asked = TOP if i == 0 else i % head.classes
            given["target"] = np.asarray([asked], np.int32)
            target = None if asked == TOP else asked
        found = run(given)
        best = _best(found, head)
        target = best if plan.target == TOP and best is not None else target
        (wanted,) = explainer(Read([sample], False), target)
        if best is not None:
            same.append(wanted.predictions[0].index == best)
        for name in ("heatmap", "raw"):
            if name not in found:
                continue
            expected = wanted.raw if name == "raw" else _heat(plan, wanted, found[name].shape[1:], explainer)
            scale = float(np.abs(expected).max(initial=0.0)) or 1.0
            difference = np.abs(found[name][0].astype(np.float64) - expected).max(initial=0.0) / scale
            errors.append(float(difference) if np.isfinite(difference) else float("inf"))
            correlations.append(rank_correlation(found[name][0] / scale, expected / scale))
    return Checked(max(errors), min(correlations), tuple(same))


def refuse_if_off(checked: Checked, least: float, most: float | None, name: str) -> None:
    """Raise `ModelError` for a file whose maps are not those of `explain`.

    Args:
        checked: how it did.
        least: the least rank correlation allowed.
        most: the largest difference allowed; None where it computes in int8.
        name: of the file.
    """
    off = most is not None and not checked.error <= most
    if off or not checked.correlation >= least:
        raise ModelError(
            f"{name} was not written: run on pictures, its maps differ from those of visioncam.explain by up "
            f"to {checked.error:.2g}, with a rank correlation of {checked.correlation:.3f} at least"
            + (f" (at most {most:g} is allowed)" if off else f" (at_least={least:g})")
            + "; choose another layer or method"
            + ("" if most is not None else ", pass more pictures as quantize=, or a smaller at_least=")
        )


def named(plan: ExportPlan, sample: Sample) -> dict[str, np.ndarray]:
    """Return a picture's inputs by name."""
    return dict(zip(plan.inputs, sample.flat, strict=True))


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's rank correlation of two maps, values that differ by 1e-4 or so counting as equal.

    Of constant maps it is 1 where both are, else 0.
    """
    one, other = (np.round(values.reshape(-1).astype(np.float64), 4) for values in (one, other))
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float(np.ptp(one) == np.ptp(other))
    return agreement.rank_correlation(one, other)


def _best(found: Mapping[str, np.ndarray], head: Head) -> int | None:
    """Return the class that a file's answer has as its best; None where that is not to be seen."""
    values = found.get("probabilities", found.get("logits"))
    if values is None or head.dense or head.features:
        return None
    if head.binary:
        return int(values.reshape(-1)[0] >= (0.5 if "probabilities" in found else head.middle))
    return int(np.argmax(values[0])) if values.ndim == 2 and values.shape[-1] == head.classes else None


def _heat(plan: ExportPlan, wanted: Any, size: tuple[int, ...], explainer: Explainer) -> np.ndarray:
    grid = heat(wanted.raw, explainer.settings.evidence)
    space, placement = plan.view.table.image_shape, plan.choice.placement
    if plan.metadata["size"] is None:
        return grid
    for axis, length in enumerate(size):
        matrix = placed_matrix(length, grid.shape[axis], space[axis], 0, space[axis], placement, axis)
        grid = np.moveaxis(np.tensordot(matrix, grid, axes=(1, axis)), 0, axis)
    return grid
