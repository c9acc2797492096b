"""Names that people know from other libraries: an alias, or an error that says what to take."""

from __future__ import annotations

import pytest

import visioncam
from visioncam_core.errors import NameNotFoundError
from visioncam_core.plugins import elsewhere

KNOWN = {row.name for row in visioncam.methods()}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ig", "integratedgradients"),
        ("IntegratedGradients", "integratedgradients"),
        ("integrated-gradients", "integratedgradients"),
        ("GradientShap", "expectedgradients"),
        ("gradient_shap", "expectedgradients"),
        ("InputXGradient", "gradientinput"),
        ("Gradient x Input", "gradientinput"),
        ("gradient × input", "gradientinput"),
        ("vanilla gradient", "saliency"),
        ("gradient", "saliency"),
        ("Saliency", "saliency"),
        ("SmoothGrad", "smoothgrad"),
        ("LayerIntegratedGradients", "layerintegratedgradients"),
    ],
)
def test_an_alias_is_understood(name: str, meant: str) -> None:
    assert visioncam.registry().method(name).name == meant


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("captum", "take 'integratedgradients' or 'occlusion'; known: "),
        ("AIX360", "take 'lime' or 'kernelshap'; known: "),
        ("vargrad", "take 'smoothgrad', statistic='variance'; known: "),
        ("SmoothGrad-Squared", "take 'smoothgrad', statistic='square'; known: "),
        ("NoiseTunnel", "take 'smoothgrad'; known: "),
        (
            "DeepLift",
            "take 'integratedgradients' or 'gradientinput'; methods that replace a model's backward",
        ),
        (
            "GuidedBackprop",
            "take 'smoothgrad'; methods that replace a model's backward rules are not provided, and",
        ),
        ("finer-cam", "take 'gradcam', target=visioncam.targets.Contrast(class); known: "),
        ("blur_ig", "take 'integratedgradients', baseline='blur:10'; known: "),
    ],
)
def test_what_is_not_here_says_what_to_take(name: str, words: str) -> None:
    with pytest.raises(NameNotFoundError) as caught:
        visioncam.registry().method(name)
    assert str(caught.value).startswith(f"unknown method {name!r}; {words}")


def test_no_name_of_elsewhere_is_one_of_ours_and_what_to_take_exists() -> None:
    for word, (names, _) in elsewhere._BY_NAME.items():
        assert word not in KNOWN
        assert not elsewhere.instead_of(word, ())  # nothing is named that is not here
        offered = [name for name in names if name in KNOWN]
        assert bool(offered) == bool(elsewhere.instead_of(word, KNOWN))


def test_the_method_and_the_renderer_of_one_name_are_told_apart() -> None:
    registry = visioncam.registry()
    assert registry.method("saliency").title == "Saliency"
    assert registry.renderer("saliency").name == "overlay"


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("renderer", "smoothgrad", "it is the name of a method, method='smoothgrad'"),
        ("renderer", "Grad-CAM", "it is the name of a method, method='Grad-CAM'"),
        ("method", "overlay", "it is the name of a renderer, renderer='overlay'"),
        ("method", "deletion", "it is the name of a metric, metric='deletion'"),
        ("metric", "saliency", "it is the name of a method, method='saliency'"),
        ("method", "torch", "it is the name of an engine, engine='torch'"),
    ],
)
def test_a_name_of_another_list_says_which(kind: str, name: str, words: str) -> None:
    with pytest.raises(NameNotFoundError) as caught:
        getattr(visioncam.registry(), kind)(name)
    assert str(caught.value).startswith(f"unknown {kind} {name!r}; {words}; known: ")
