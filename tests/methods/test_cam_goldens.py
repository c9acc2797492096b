"""LayerCAM, Eigen-CAM and Recipro-CAM: other libraries' maps, identities, and small cases by hand."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.golden_cams import LAYERS, golden, keras_net

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.evidence import Evidence
from visioncam_core.testing import ArrayNet
from visioncam_methods.cam.eigencam import EigenCAM
from visioncam_methods.cam.gradcam import GradCAM
from visioncam_methods.cam.gradcamelementwise import GradCAMElementWise
from visioncam_methods.cam.layercam import LayerCAM
from visioncam_methods.cam.reciprocam import ReciproCAM

CAM = golden()
CLASSES = CAM["classes"].tolist()
PLACES = ["gap/act3", "mlp/act3", "smooth/act3", "smooth/act2"]
METHODS = {
    "layercam": LayerCAM(), "reciprocam_delta": ReciproCAM(),
    "eigencam_paper_uncentred": EigenCAM(), "eigencam_centred_pgc": EigenCAM(centre=True),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("key", METHODS)
def test_maps_are_those_of_other_libraries(place: str, key: str) -> None:
    name, _, layer = place.partition("/")
    found = visioncam.explain(
        keras_net(name), CAM["pictures"], METHODS[key], target=CLASSES, layer=LAYERS[layer], preprocess="none"
    )
    for one, wanted in zip(found, CAM[f"{place}/{key}"], strict=True):
        sign = np.sign((one.raw * wanted).sum()) if "centred_pgc" in key else 1  # theirs is an accident
        assert np.abs(sign * one.raw - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_where_nothing_is_negative_layer_cam_is_element_wise_grad_cam() -> None:
    net = ArrayNet.random(biases=True)
    evidence = net.evidence(net.pictures(2))
    wanted = GradCAMElementWise()(evidence)
    np.testing.assert_array_equal(LayerCAM()(evidence), wanted)


def test_gamma_brightens() -> None:
    A, G = np.array([[[1.0, 2.0], [3.0, 1.0]]]), np.array([[[2.0, -1.0], [1.0, 4.0]]])
    np.testing.assert_allclose(LayerCAM()(Evidence.from_arrays(A, G)), [[2, 7]])
    wanted = [[np.tanh(4 / 7), np.tanh(2)]]
    np.testing.assert_allclose(LayerCAM(gamma=2.0)(Evidence.from_arrays(A, G)), wanted)


def test_behind_an_average_and_a_dense_layer_recipro_cam_is_grad_cam(
    rng: np.random.Generator,
) -> None:
    A, w, b = rng.random((1, 3, 4, 5)), rng.normal(size=5), 0.7
    G = np.broadcast_to(w / 12, A.shape)
    evidence = Evidence.from_arrays(A, G, score_activations=lambda A: A.mean((1, 2)) @ w + b)
    gradcam = GradCAM()(evidence)
    np.testing.assert_allclose(ReciproCAM()(evidence), gradcam + b, rtol=1e-12)
    np.testing.assert_allclose(ReciproCAM(relative=True)(evidence), gradcam, atol=1e-12)


def test_the_blur_is_the_authors_filter() -> None:
    (mask,) = ReciproCAM(mask="blur").masks(np.array([4]), (3, 3))
    np.testing.assert_array_equal(mask, np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16)
    (edge,) = ReciproCAM(mask="blur").masks(np.array([2]), (3,))
    np.testing.assert_array_equal(edge, [0, 0.25, 0.5])


def test_recipro_cam_costs_a_tail_for_each_position() -> None:
    x = CAM["pictures"][0]
    explainer = visioncam.explainer(keras_net("gap"), "reciprocam", layer="conv3", preprocess="none")
    explainer(x)
    before = COUNTERS.snapshot()
    explainer(x)
    spent = COUNTERS.snapshot() - before
    assert (spent["forward"], spent["backward"], spent["tail"]) == (1, 0, 48)


def test_one_pattern_in_all_channels_is_found() -> None:
    a, b = np.array([[0.0, 1.0, 2.0], [0.5, 0.0, 3.0]]), np.array([1.0, 2.0, 2.0])
    np.testing.assert_allclose(
        EigenCAM()(Evidence.from_arrays((a[..., None] * b)[None]))[0], 3 * a, atol=1e-12
    )


@pytest.mark.parametrize("centre", [False, True])
def test_the_sign_is_no_accident_and_mixing_channels_changes_nothing(
    rng: np.random.Generator, centre: bool
) -> None:
    method = EigenCAM(centre=centre)
    for _ in range(20):
        A = rng.normal(size=(1, 4, 5, 3)) + 0.3
        M = method(Evidence.from_arrays(A))
        assert (M * A.sum(-1)).sum() > 0 if centre else M.sum() > 0
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        other = method(Evidence.from_arrays(A @ turn))
        np.testing.assert_allclose(np.abs(other), np.abs(M), atol=1e-12)
        np.testing.assert_allclose(method(Evidence.from_arrays(A[..., ::-1])), M, atol=1e-12)


def test_eigen_cam_says_that_it_does_not_look_at_the_class() -> None:
    model, x = keras_net("gap"), CAM["pictures"][0]
    maps = [
        visioncam.explain(model, x, "eigen-cam", target=target, layer="conv3", preprocess="none")
        for target in (0, 3)
    ]
    np.testing.assert_array_equal(maps[0].raw, maps[1].raw)
    assert "class-blind" in [one.code for one in maps[0].diagnostics]


def test_values_that_are_not_finite_stay_so() -> None:
    A = np.ones((2, 2, 2, 3))
    A[0, 0, 0, 0] = np.nan
    M = EigenCAM()(Evidence.from_arrays(A))
    assert np.isnan(M[0, 0, 0])
    assert np.isfinite(M[1]).all()


def test_the_family_and_all() -> None:
    from visioncam_core.pipeline.request import method_list

    new = {"layercam", "eigencam", "reciprocam"}
    assert new <= set(method_list("cam"))
    assert not new & set(method_list("all"))
