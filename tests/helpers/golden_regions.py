"""Methods of regions on small networks against stored values of other libraries; the same for every engine.

`tests/data/more/black.npz`: exact Shapley and Owen values as shap 0.51 has them, lime 0.2.0.1's rows, scores
and weights, masks and maps by RISE's formula, captum 0.9.0's occlusion; networks of `golden_nets`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.results.explanation import Explanation
from visioncam_methods.region.rise import RISE

DATA = Path(__file__).resolve().parents[1] / "data" / "more" / "black.npz"
NETS = ("gap", "mlp")


@cache
def golden() -> dict[str, np.ndarray]:
    with np.load(DATA) as file:
        return dict(file)


def picture(i: int, first: bool) -> Any:
    """Return one of the pictures (24, 32, 3); (3, 24, 32) with channels first, as PyTorch has them."""
    x = golden()["pictures"][i]
    return np.ascontiguousarray(np.moveaxis(x, -1, 0)) if first else x


def explain(model: Any, i: int, method: str, first: bool, **options: Any) -> Explanation:
    found = visioncam.explain(
        model, picture(i, first), method=method, target=int(golden()["classes"][i]), **options
    )
    assert isinstance(found, Explanation)
    return found


def close(actual: np.ndarray, expected: np.ndarray, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def of_values(model: Any, net: str, first: bool) -> None:
    data = golden()
    for i in (0, 1):
        for cells in (12, 48):
            labels = data[f"segments{cells}"].astype(int)
            found = explain(model, i, "partitionshap", first, regions=labels, hidden="zero")
            assert found.regions is not None
            close(found.regions.contributions, data[f"{net}/owen{cells}_zero"][i])
            np.testing.assert_array_equal(found.regions.labels, labels)
        found = explain(
            model, i, "kernelshap", first, regions=data["segments12"].astype(int), hidden="zero", n=4096
        )
        assert found.regions is not None
        close(found.regions.contributions, data[f"{net}/shapley12_zero"][i])
        nothing, everything = data[f"{net}/ends12"][i]
        assert found.account is not None
        assert found.account.expected == pytest.approx(everything - nothing, rel=1e-4)
        assert found.account.residual == pytest.approx(0, abs=1e-9)
        found = explain(model, i, "occlusion", first, window=8, stride=4, hidden="zero")
        close(found.raw, data[f"{net}/occlusion_8x8_stride4_zero"][i])
    means = explain(
        model, 0, "kernelshap", first, regions=data["segments12"].astype(int), hidden="regionmean", n=4096
    )
    assert means.regions is not None
    close(means.regions.contributions, data[f"{net}/shapley12_mean"][0])


def of_rise(model: Any, net: str, first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    data = golden()
    bits = data["rise_bits"].reshape(64, -1)

    def stored(self: RISE, count: int, cell: np.ndarray, step: np.ndarray, seed: int) -> np.ndarray:
        return np.concatenate([bits, data["rise_offsets"] * step], axis=1).astype(np.float32)[:count]

    monkeypatch.setattr(RISE, "_maps", stored)
    for i in (0, 1):
        found = explain(model, i, "rise", first, n=64, centre=False, hidden="zero")
        close(found.raw, data[f"{net}/rise_paper"][i])


def of_one_pool(model: Any, first: bool) -> None:
    """Four methods read little more than the largest of them alone, and give what they give alone."""
    methods = ["lime", "rise", "occlusion", "kernelshap"]
    x = picture(0, first)
    together = visioncam.compare(model, x, methods=methods, regions="grid:7")
    assert not together.failures
    alone = visioncam.compare(model, x, methods=["kernelshap"], regions="grid:7")
    assert sum(together.passes.values()) <= 1.02 * alone.passes["kernelshap"]
    one, other = together["kernelshap"], alone["kernelshap"]
    assert one.regions is not None
    assert other.regions is not None
    close(one.regions.contributions, other.regions.contributions)
    before = COUNTERS.snapshot()
    three = visioncam.explain(model, x, method="kernelshap", regions="grid:7", target="top3")
    spent = COUNTERS.snapshot() - before
    assert len(three) == 3
    assert spent["forward"] <= 1.02 * alone.passes["kernelshap"]
    assert spent["backward"] == 0
    before = COUNTERS.snapshot()
    visioncam.explain(model, x, method="rise", n=100, target="top3")
    assert (COUNTERS.snapshot() - before)["forward"] <= 103
    before = COUNTERS.snapshot()
    visioncam.explain(model, x, method="occlusion", target="top3")
    assert (COUNTERS.snapshot() - before)["forward"] <= 171
