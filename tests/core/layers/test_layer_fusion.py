"""Several layers in one map, and maps on the second of two pictures."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.networks.kinds import X, functional, siamese

import visioncam


def by_maximum(values: np.ndarray) -> np.ndarray:
    return values / values.max()


@pytest.mark.parametrize(("rule", "combine"), [("mean", np.mean), ("max", np.max)])
def test_several_layers_give_their_mean_or_maximum(rule: str, combine: object) -> None:
    model = functional()
    picture = X[0]
    separate = [visioncam.explain(model, picture, "scorecam", layer=layer) for layer in ("c1", "c2")]
    assert all(e.heatmap.max() > 0 for e in separate)
    fused = visioncam.explain(model, picture, "scorecam", layer=["c1", "c2"], fuse=rule)
    expected = by_maximum(combine(np.stack([e.heatmap for e in separate]), axis=0))  # type: ignore[operator]
    np.testing.assert_allclose(fused.heatmap, expected, atol=1e-6)
    assert fused.raw.shape == (16, 16)
    assert "c1, c2" in fused.layer.why


def test_a_single_layer_in_a_list_is_that_layer() -> None:
    model = functional()
    alone, listed = (visioncam.explain(model, X[0], layer=layer) for layer in ("c2", ["c2"]))
    np.testing.assert_array_equal(alone.heatmap, listed.heatmap)


def test_an_empty_list_of_layers_is_refused() -> None:
    with pytest.raises(visioncam.VisionCamError, match=r"layer=\[\] names no layer"):
        visioncam.explain(functional(), X[0], layer=[])


def test_the_second_of_two_pictures_is_explained_by_its_own_call() -> None:
    """A siamese network: a layer's path says which call, and the map comes back on that call's picture."""
    model = siamese()
    a, b = X[0], X[1]
    listing = visioncam.layers(model, [a, b])
    calls = {row.inputs: row.path for row in listing if row.bare == "backbone/c2"}
    assert set(calls) == {(0,), (1,)}
    for position, picture in enumerate((a, b)):
        e = visioncam.explain(model, [a, b], "hirescam", layer=calls[position,])
        np.testing.assert_array_equal(e.picture, picture)
    with pytest.raises(visioncam.VisionCamError, match="different pictures"):
        visioncam.explain(model, [a, b], layer=list(calls.values()))


def test_swapping_the_pictures_swaps_the_maps() -> None:
    """The difference of two embeddings changes its sign: the evidence for becomes the evidence against."""
    model = siamese()
    a, b = X[0], X[1]
    calls = {row.inputs: row.path for row in visioncam.layers(model, [a, b]) if row.bare == "backbone/c2"}
    first = visioncam.explain(model, [a, b], "hirescam", layer=calls[0,], target=1)
    second = visioncam.explain(model, [b, a], "hirescam", layer=calls[1,], target=1)
    np.testing.assert_allclose(first.raw, -second.raw, atol=1e-6)
    assert first.raw.any()
