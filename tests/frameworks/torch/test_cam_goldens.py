"""LayerCAM, Eigen-CAM and Recipro-CAM of PyTorch models: other libraries' maps."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.golden_cams import golden, torch_net

import visioncam
from visioncam_methods.cam.eigencam import EigenCAM
from visioncam_methods.cam.layercam import LayerCAM
from visioncam_methods.cam.reciprocam import ReciproCAM

CAM = golden()
METHODS = {
    "layercam": LayerCAM(), "reciprocam_delta": ReciproCAM(),
    "eigencam_paper_uncentred": EigenCAM(),
}  # fmt: skip


@pytest.mark.parametrize("place", ["gap/act3", "mlp/act3", "smooth/act3", "smooth/act2"])
def test_maps_are_those_of_other_libraries(place: str) -> None:
    name, _, layer = place.partition("/")
    found = visioncam.compare(
        torch_net(name), np.moveaxis(CAM["pictures"], -1, 1), list(METHODS.values()),
        target=CAM["classes"].tolist(), layer=layer, preprocess="none",
    )  # fmt: skip
    for picture, one in enumerate(found):
        for key, method in METHODS.items():
            wanted = CAM[f"{place}/{key}"][picture]
            assert (
                np.abs(one[type(method).__name__.lower()].raw - wanted).max() <= 1e-5 * np.abs(wanted).max()
            ), key
