"""Methods of regions on Keras on TensorFlow: other libraries' values; one pool of pictures; real photos."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import golden_regions as shared
from helpers.golden_nets import keras_net

from visioncam_methods.region.lime import LIME
from visioncam_methods.region.rise import soft


@pytest.mark.parametrize("net", shared.NETS)
def test_values_of_shap_and_captum(net: str) -> None:
    shared.of_values(keras_net(net), net, False)


@pytest.mark.parametrize("net", shared.NETS)
def test_masks_of_rise(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shared.of_rise(keras_net(net), net, False, monkeypatch)


def test_methods_share_their_pictures() -> None:
    shared.of_one_pool(keras_net("gap"), False)


@pytest.mark.parametrize("net", shared.NETS)
def test_limes_weights_are_those_of_lime(net: str) -> None:
    data = shared.golden()
    for i in (0, 1):
        Z, y = data[f"{net}/lime12_zero_samples"][i], data[f"{net}/lime12_zero_scores"][i]
        np.testing.assert_allclose(
            LIME()._weights(Z, y, 1.0), data[f"{net}/lime12_zero_weights"][i], atol=1e-12
        )


def test_a_mask_of_rise_is_its_bits_enlarged_and_cut_out() -> None:
    data = shared.golden()
    step = np.array([7 / (8 * 4), 7 / (8 * 5)])
    pixels = [
        ((np.arange(n) + 0.5) * d - 0.5).astype(np.float32) for n, d in zip((24, 32), step, strict=True)
    ]
    maps = np.concatenate([data["rise_bits"].reshape(64, -1), data["rise_offsets"] * step], axis=1)
    masks = soft(maps.astype(np.float32)[:4], np.arange(7, dtype=np.float32), *pixels)
    np.testing.assert_allclose(masks, data["rise_masks"], atol=1e-5)
