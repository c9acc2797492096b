"""Names that people know from other libraries, and what to take here."""

from __future__ import annotations

from collections.abc import Collection

from visioncam_core.text import normalise

_SHAP = ("partitionshap", "kernelshap")
_RULES = "; methods that replace a model's backward rules are not provided"
_INSTEAD: dict[tuple[str, ...], tuple[tuple[str, ...], str]] = {
    ("shap", "shapley", "shapleyvalues", "shapleyvaluesampling", "permutationexplainer", "samplingexplainer",
     "dalex"): (_SHAP, ""),
    ("captum",): (("integratedgradients", "occlusion"), ""),
    ("aix360",): (("lime", "kernelshap"), ""),
    ("banzhaf",): (("rise",), ", regions='grid:7'"),
    ("limeimage", "limeimageexplainer"): (("lime",), ""),
    ("vargrad",): (("smoothgrad",), ", statistic='variance'"),
    ("smoothgradsquared", "smoothgradsquare", "smoothgradsq", "smoothgrad2", "smoothgrad²"):
        (("smoothgrad",), ", statistic='square'"),
    ("noisetunnel",): (("smoothgrad",), ""),
    ("deeplift", "deepexplainer", "lrp"): (("integratedgradients", "gradientinput"), _RULES),
    ("deepliftshap", "deepshap"): (("expectedgradients",), _RULES),
    ("guidedbackprop", "guidedbackpropagation", "deconvolution", "deconvnet"):
        (("smoothgrad",), f"{_RULES}, and this one hardly depends on the class"),
    ("guidedgradcam",): (("hirescam", "gradcam"), _RULES),
    ("featureablation", "featurepermutation"): (("occlusion",), ""),
    ("xrai",): (("partitionshap",), ", regions='slic:50'"),
    ("blurig", "blurintegratedgradients"): (("integratedgradients",), ", baseline='blur:10'"),
    ("guidedig", "guidedintegratedgradients"): (("integratedgradients",), ""),
    ("layergradcam",): (("gradcam",), ""),
    ("layergradientxactivation",): (("hirescam",), ""),
    ("layerconductance", "internalinfluence", "layerdeeplift", "fullgrad"):
        (("layerintegratedgradients",), ""),
    ("eigengradcam", "kpcacam"): (("eigencam",), ""),
    ("finercam",): (("gradcam",), ", target=visioncam.targets.Contrast(class)"),
    ("sscam", "iscam"): (("scorecam",), ""),
    ("cam",): (("gradcam",), ""),
    ("chefer", "transformerattribution", "attentionlrp", "attnlrp"): (("attentiongradient",), ""),
    ("attention", "attentionrollout"): (("rollout", "attentiongradient"), ""),
}  # fmt: skip
_BY_NAME = {word: instead for words, instead in _INSTEAD.items() for word in words}


def instead_of(name: str, known: Collection[str]) -> str:
    """Return `"; take 'partitionshap' or 'kernelshap'"` for a method's name of elsewhere; else nothing.

    Args:
        name: what was asked for.
        known: the methods that are here; no other is named.
    """
    names, more = _BY_NAME.get(normalise(name), ((), ""))
    found = [repr(one) for one in names if one in known]
    return f"; take {' or '.join(found)}{more}" if found else ""
