"""Where methods agree, and how much: by hand-made maps."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from helpers.viz import comparison, explanation, layer

from visioncam_core.errors import ImageError, OptionError
from visioncam_core.results.agreement import ranks
from visioncam_core.results.comparison import Comparison
from visioncam_viz.drawing.agreement import number


def of(*raws: object, evidence: str = "for") -> Comparison:
    """Return a comparison of methods m0, m1, ... with these raw maps, heat maps equal to them."""
    maps = [np.asarray(raw, np.float32) for raw in raws]
    return comparison(
        *(
            explanation(np.full((*m.shape, 3), 200, np.uint8), m, method=f"m{i}", evidence=evidence)
            for i, m in enumerate(maps)
        )
    )


def test_agreement_is_the_share_of_methods_with_strong_evidence_there() -> None:
    a, b, c = np.zeros((3, 10, 10), np.float32)
    a[:2, :5], b[:2, 3:8], c[5:7, :5] = 1, 1, 1
    shares = of(a, b, c).agreement()
    assert shares.dtype == np.float32
    expected = (a + b + c) / 3
    np.testing.assert_allclose(shares, expected)
    loose = of(a, b * 0.4, c).agreement(0.5)
    np.testing.assert_allclose(loose, expected)
    np.testing.assert_allclose(of(a * 0, b, c).agreement(), (b + c) / 3)


def test_each_method_counts_with_the_same_area(rng: np.random.Generator) -> None:
    wide, narrow = rng.permutation(400).reshape(20, 20) + 1.0, rng.permutation(400).reshape(20, 20) + 1.0
    both = of(wide / 400, (narrow / 400) ** 8).agreement()
    assert both.sum() == pytest.approx(40)


def test_ranks_are_shared_by_equal_values() -> None:
    assert ranks(np.array([3.0, 1, 3, 2])).tolist() == [2.5, 0, 2.5, 1]


def test_correlation_is_of_ranks() -> None:
    x = np.arange(1, 13.0).reshape(3, 4)
    found = of(x, x**3, 1 / x, np.full((3, 4), 0.5)).correlations()
    assert found.methods == ("m0", "m1", "m2", "m3")
    np.testing.assert_allclose(found.values[:3, :3], [[1, 1, -1], [1, 1, -1], [-1, -1, 1]])
    assert np.isnan(found.values[3]).all(), "a map without an order has a correlation"
    assert found.mean == pytest.approx(-1 / 3)
    assert "m2" in str(found)
    assert np.isnan(of(x).correlations().mean)


def test_correlation_agrees_with_a_hand_worked_case_with_ties() -> None:
    found = of([[1.0, 2, 2, 4]], [[1.0, 3, 2, 2]]).correlations()
    # Ranks 0, 1.5, 1.5, 3 and 0, 3, 1.5, 1.5: covariance 2.25, variances 4.5 and 4.5.
    assert found.values[0, 1] == pytest.approx(0.5)


def test_only_what_the_map_shows_is_compared() -> None:
    raw, other = np.array([[-5.0, -1, 2, 3]]), np.array([[-1.0, -5, 2, 3]])
    assert of(raw, other).correlations().values[0, 1] == pytest.approx(1)
    assert of(raw, other, evidence="signed").correlations().values[0, 1] == pytest.approx(0.8)
    assert of(raw, other, evidence="against").correlations().values[0, 1] < 1


def test_maps_of_different_layers_can_be_compared(rng: np.random.Generator) -> None:
    x = np.linspace(0, 1, 64).reshape(8, 8)
    subject = of(x)
    finer = attrs.evolve(subject[0], raw=np.kron(x, np.ones((2, 2))).astype(np.float32), method="fine")
    found = comparison(subject[0], finer).correlations()
    assert found.values[0, 1] > 0.95
    assert found.methods == ("m0", "fine")


def test_agreement_of_nothing_and_of_different_pictures_is_refused() -> None:
    with pytest.raises(ImageError, match="received none"):
        comparison().agreement()
    two = comparison(of(np.ones((3, 4)))[0], of(np.ones((4, 4)))[0])
    with pytest.raises(ImageError, match=r"\(3, 4\), \(4, 4\)"):
        two.agreement()
    with pytest.raises(OptionError, match="p101"):
        of(np.ones((3, 4))).agreement("p101")


def test_the_sheet_shows_both_when_asked(rng: np.random.Generator) -> None:
    heats = rng.random((4, 90, 150)).astype(np.float32)
    subject = of(*heats)
    plain = subject.sheet(columns=7)
    both = subject.sheet(columns=7, agreement=True, correlations=True)
    assert both.shape[1] > plain.shape[1]
    assert np.array_equal(both[120:, :1600], plain[120:, :1600])
    for shape in ((40,), (5, 6, 7)):
        e = explanation(rng.random(shape), np.ones(shape, np.float32), layer=layer("c", (4,)))
        assert comparison(e, e, e).sheet(agreement=True, correlations=True).ndim == 3
    one = comparison(subject[0], failures={"m9": "no"})
    assert one.sheet(agreement=True, correlations=True).ndim == 3


def test_numbers_are_short() -> None:
    values = (0.874, -0.05, 1.0, -1.0, 0.001, float("nan"), -0.001)
    assert [number(value) for value in values] == [".87", "−.05", "1", "−1", "0", "–", "0"]
