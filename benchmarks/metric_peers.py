"""captum, pytorch-grad-cam and Quantus, asked for their numbers on our arrays through a plain function.

Each function takes cases with a map and yields (what is compared, ours, theirs) a case.  Where a metric
draws at random, theirs is given the draws of ours, so that what is left is the definition.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import attrs
import numpy as np

from visioncam_core.metrics.case import Case
from visioncam_core.metrics.measure import judge
from visioncam_metrics.complexity.complexity import Entropy, Sparseness
from visioncam_metrics.faithfulness.correlation import FaithfulnessCorrelation, Infidelity, cells, subsets
from visioncam_metrics.faithfulness.road import missing, removal
from visioncam_metrics.localisation.pointing import EnergyPointingGame, PointingGame
from visioncam_metrics.robustness.sensitivity import MaxSensitivity
from visioncam_metrics.support.imputing import impute
from visioncam_metrics.support.order import order

Compared = tuple[str, float, float]


def captum(cases: Sequence[Case]) -> Iterator[Compared]:
    """Infidelity with and without its scale, and max-sensitivity."""
    import torch
    from captum.metrics import infidelity, sensitivity_max

    metric, moving = Infidelity(samples=50), MaxSensitivity(samples=16)
    for case in cases:
        x, phi = _first(case.x), _first(np.repeat(case.heat[..., None], case.x.shape[-1], -1))
        gone = _gone(metric, case)

        def removed(inputs: Any, gone: np.ndarray = gone) -> tuple[Any, Any]:
            change = inputs * torch.from_numpy(gone[:, None].astype(np.float32))
            return change, inputs - change

        ours = metric(case)
        for name, scale, scaled in (
            ("infidelity, β on both sides", 1.0, True),
            ("infidelity, β on both sides, theirs of the map × 10", 10.0, True),
            ("infidelity, captum as it comes (no β)", 1.0, False),
            ("infidelity, captum as it comes, of the map × 10", 10.0, False),
        ):
            theirs = infidelity(
                _asked(case), removed, x, scale * phi, n_perturb_samples=metric.samples, normalize=scaled
            )
            yield name, ours, float(theirs[0])
        rng, reach = case.rng(), moving.radius * float(np.ptp(case.x))
        noise = rng.uniform(-reach, reach, (moving.samples, *case.x.shape)).astype(np.float32)
        drawn = iter(np.split(noise, 2))
        theirs = sensitivity_max(
            lambda inputs, case=case: (torch.from_numpy(case.maps(_last(_one(inputs)))),),
            x, lambda inputs, drawn=drawn: inputs + _moved(next(drawn)), n_perturb_samples=moving.samples,
            max_examples_per_batch=moving.samples // 2,
        )  # fmt: skip
        yield "max-sensitivity", moving(case).value, float(theirs[0])


def pytorch_grad_cam(cases: Sequence[Case]) -> Iterator[Compared]:
    """ROAD without its noise: the holes, their filling and what the model then says."""
    import torch
    from pytorch_grad_cam.metrics.perturbation_confidence import RemoveMostRelevantFirst
    from pytorch_grad_cam.metrics.road import NoisyLinearImputer

    imputer = NoisyLinearImputer(noise=0.0)
    for case in cases:
        untied = np.random.default_rng(case.picture).random(case.heat.shape).astype(np.float32)
        narrow = np.where(case.heat >= np.percentile(case.heat, 94), case.heat, np.float32(0))
        for kind, heat in (("random map", untied), ("Grad-CAM", case.heat), ("its strongest 6 %", narrow)):
            for percentage in (10.0, 50.0, 90.0):
                gone = missing(order(heat), percentage, heat.shape)
                share = float((heat >= np.percentile(heat, 100 - percentage)).mean())
                yield f"share removed, {kind}, nominal {percentage:.0f} %", float(gone.mean()), share
                if share == 1:
                    continue  # nothing is left to fill from: their system of equations is singular
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    x, kept = _first(case.x)[0], torch.from_numpy((~gone).astype(np.float32))
                    whole = imputer(x, kept).numpy().transpose(1, 2, 0)
                    theirs = RemoveMostRelevantFirst(100 - percentage, imputer)(x, torch.from_numpy(heat))
                apart = float(np.abs(whole - impute(case.x, gone)).max() / np.ptp(case.x))
                yield "imputation of the same hole, worst pixel in ranges of the picture", 0.0, apart
                ours = float(removal(attrs.evolve(case, heat=heat), (percentage,), 0.0)[0])
                name = f"probability left by ROAD, {kind}, {percentage:.0f} %"
                yield name, ours, float(_asked(case)(theirs[None])[0])


def quantus(cases: Sequence[Case]) -> Iterator[Compared]:
    """Gini index, entropy, relevance mass, and faithfulness correlation over the same sets of cells."""
    import quantus as peer
    import torch

    quiet = {"disable_warnings": True, "display_progressbar": False, "return_aggregate": False}
    metric = FaithfulnessCorrelation(samples=50)
    for case in cases:
        one = {
            "model": torch.nn.Identity(),
            "x_batch": _first(case.x).numpy(),
            "y_batch": np.array([0]),
            "channel_first": True,
        }
        heat = case.heat[None, None]
        gini = peer.Sparseness(**quiet)(a_batch=heat.copy(), **one)
        yield "Gini index", Sparseness()(case), float(gini[0])
        yield "entropy", Entropy()(case), float(peer.Complexity(**quiet)(a_batch=heat.copy(), **one)[0])
        if case.truth is not None:
            mass = peer.RelevanceMassAccuracy(**quiet)(
                a_batch=heat.copy(), s_batch=case.truth[None, None], **one
            )
            yield "energy on the object", EnergyPointingGame()(case).value, float(mass[0])
        empty = peer.PointingGame(**quiet)(a_batch=heat.copy(), s_batch=np.zeros(heat.shape, bool), **one)
        ours = judge(PointingGame(), attrs.evolve(case, truth=np.zeros(case.heat.shape, bool))).value
        yield "pointing game, no object marked", ours, float(empty[0])
        place, number = cells(case.heat.shape, metric.cell)
        grid = tuple(-(-n // metric.cell) for n in case.heat.shape)
        said = np.bincount(place.ravel(), case.heat.ravel().astype(np.float64), number).reshape(grid)
        size = round(number * metric.share)
        drawn = subsets(case.rng(), number, size, metric.samples)
        rows = [np.flatnonzero(row) for row in drawn]
        correlation = peer.FaithfulnessCorrelation(
            nr_runs=metric.samples, subset_size=size, perturb_baseline=0.0, **quiet
        )
        with mock.patch.object(np.random, "choice", side_effect=rows):
            theirs = correlation(
                model=_cells_shown(case, place), x_batch=np.ones((1, 1, *grid), np.float32),
                y_batch=np.array([0]), a_batch=said[None, None], channel_first=True,
            )  # fmt: skip
        yield "faithfulness correlation, same cells", metric(case).value, float(np.ravel(theirs)[0])
        alone = peer.FaithfulnessCorrelation(nr_runs=metric.samples, perturb_baseline=0.0, **quiet)
        np.random.seed(case.picture)  # noqa: NPY002 -- what Quantus draws from
        theirs = alone(**one | {"model": _pixels_shown(case)}, a_batch=heat.copy())
        name = "faithfulness correlation, Quantus as it comes (224 values of single channels)"
        yield name, metric(case).value, float(np.ravel(theirs)[0])


PEERS: dict[str, Callable[[Sequence[Case]], Iterator[Compared]]] = {
    "captum": captum,
    "pytorch-grad-cam": pytorch_grad_cam,
    "quantus": quantus,
}


def _first(x: np.ndarray) -> Any:
    """Return one (H, W, C) picture as a (1, C, H, W) tensor."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1)[None], np.float32))


def _last(x: Any) -> np.ndarray:
    return np.ascontiguousarray(x.detach().numpy().transpose(0, 2, 3, 1))


def _one(x: Any) -> Any:
    return x[0] if isinstance(x, tuple) else x


def _moved(noise: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(noise.transpose(0, 3, 1, 2)))


def _asked(case: Case) -> Callable[[Any], Any]:
    """Return the probability of the class as a function of (b, C, H, W) tensors."""
    import torch

    def score(x: Any) -> Any:
        pictures = _last(x)
        return torch.from_numpy(case.scores(lambda chosen: pictures[chosen], len(pictures)))

    return score


def _gone(metric: Any, case: Case) -> np.ndarray:
    """Return the (samples, H, W) bool sets of pixels that a metric of ours removes."""
    place, number = cells(case.heat.shape, metric.cell)
    size = min(max(round(number * metric.share), 1), number - 1)
    return subsets(case.rng(), number, size, metric.samples)[:, place]


def _pixels_shown(case: Case) -> Any:
    import torch

    class Shown(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            p = _asked(case)(x)
            return torch.stack([p, 1 - p], dim=1)

    return Shown().eval()


def _cells_shown(case: Case, place: np.ndarray) -> Any:
    """Return a model of which cells are shown: (b, 1, *grid) of 0 and 1 -> (b, 2)."""
    import torch

    class Shown(torch.nn.Module):
        def forward(self, z: Any) -> Any:
            kept = z.reshape(len(z), -1)[:, torch.from_numpy(place)]
            p = _asked(case)(_first(case.x) * kept[:, None])
            return torch.stack([p, 1 - p], dim=1)

    return Shown().eval()
