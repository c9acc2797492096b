"""Table of contents: the nine methods that `methods="all"` means, and the others."""

from __future__ import annotations

from visioncam_core.hookspecs import hookimpl
from visioncam_core.specs import MethodSpec


@hookimpl
def visioncam_register_methods() -> list[MethodSpec]:
    """Return one row for each built-in method."""
    from visioncam_methods.attention.attentiongradient import AttentionGradient
    from visioncam_methods.attention.legrad import LeGrad
    from visioncam_methods.attention.rollout import Rollout
    from visioncam_methods.cam.ablationcam import AblationCAM
    from visioncam_methods.cam.eigencam import EigenCAM
    from visioncam_methods.cam.gradcam import GradCAM
    from visioncam_methods.cam.gradcamelementwise import GradCAMElementWise
    from visioncam_methods.cam.gradcamplusplus import GradCAMPlusPlus
    from visioncam_methods.cam.hirescam import HiResCAM
    from visioncam_methods.cam.layercam import LayerCAM
    from visioncam_methods.cam.layerintegratedgradients import LayerIntegratedGradients
    from visioncam_methods.cam.reciprocam import ReciproCAM
    from visioncam_methods.cam.respondcam import RespondCAM
    from visioncam_methods.cam.scorecam import ScoreCAM
    from visioncam_methods.cam.smoothgradcamplusplus import SmoothGradCAMPlusPlus
    from visioncam_methods.cam.xgradcam import XGradCAM
    from visioncam_methods.gradient.expectedgradients import ExpectedGradients
    from visioncam_methods.gradient.gradientinput import GradientInput
    from visioncam_methods.gradient.integratedgradients import IntegratedGradients
    from visioncam_methods.gradient.saliency import Saliency
    from visioncam_methods.gradient.smoothgrad import SmoothGrad
    from visioncam_methods.region.kernelshap import KernelSHAP
    from visioncam_methods.region.lime import LIME
    from visioncam_methods.region.occlusion import Occlusion
    from visioncam_methods.region.partitionshap import PartitionSHAP
    from visioncam_methods.region.rise import RISE

    plain = frozenset({"scale-invariant", "flip-equivariant"})
    return [
        MethodSpec("gradcam", GradCAM, "Grad-CAM", "Selvaraju et al. 2017, arXiv:1610.02391",
                   "channels weighted by their mean gradient", claims=plain),
        MethodSpec("gradcamplusplus", GradCAMPlusPlus, "Grad-CAM++",
                   "Chattopadhay et al. 2018, arXiv:1710.11063",
                   "positive gradients, weighted so that every occurrence of the object counts",
                   aliases=("gradcampp",), claims=frozenset({"flip-equivariant"})),
        MethodSpec("gradcamelementwise", GradCAMElementWise, "Grad-CAM element-wise",
                   "Pillai and Pirsiavash 2021, AAAI",
                   "the positive part of activation times gradient, summed over channels",
                   claims=plain | {"non-negative"}),
        MethodSpec("hirescam", HiResCAM, "HiResCAM", "Draelos and Carin 2020, arXiv:2011.08891",
                   "activation times gradient at each position; exact if one dense layer follows",
                   aliases=("hriescam",), claims=plain | {"sums-to-score"}),
        MethodSpec("respondcam", RespondCAM, "Respond-CAM", "Zhao et al. 2018, arXiv:1806.00102",
                   "made for volumes: a signed map whose sum is the score", claims=plain | {"sums-to-score"}),
        MethodSpec("scorecam", ScoreCAM, "Score-CAM", "Wang et al. 2020, arXiv:1910.01279",
                   "channels weighted by the score of the picture seen through them",
                   claims=frozenset({"flip-equivariant"})),
        MethodSpec("smoothgradcamplusplus", SmoothGradCAMPlusPlus, "Smooth Grad-CAM++",
                   "Omeiza et al. 2019, arXiv:1908.01224",
                   "Grad-CAM++ with gradients averaged over noisy copies"),
        MethodSpec("xgradcam", XGradCAM, "XGrad-CAM", "Fu et al. 2020, arXiv:2008.02312",
                   "channels weighted by gradients averaged with the activations as weights",
                   claims=plain | {"sums-to-score"}),
        MethodSpec("ablationcam", AblationCAM, "Ablation-CAM", "Desai and Ramaswamy 2020, WACV",
                   "channels weighted by the drop of the score without them", claims=plain),
        MethodSpec("layercam", LayerCAM, "LayerCAM", "Jiang et al. 2021, IEEE TIP",
                   "each activation weighted by its own positive gradient", claims=plain, in_all=False),
        MethodSpec("eigencam", EigenCAM, "Eigen-CAM", "Muhammad and Yeasin 2020, arXiv:2008.00299",
                   "the first principal component of the channels; independent of the class",
                   claims=plain, in_all=False),
        MethodSpec("reciprocam", ReciproCAM, "Recipro-CAM", "Byun and Lee 2022, arXiv:2209.14074",
                   "each position by the score when only it is left", claims=plain, in_all=False),
        MethodSpec("integratedgradients", IntegratedGradients, "Integrated Gradients",
                   "Sundararajan, Taly and Yan 2017, arXiv:1703.01365",
                   "gradients averaged along a path from a baseline; the values add up to the score",
                   aliases=("ig",), in_all=False),
        MethodSpec("saliency", Saliency, "Saliency", "Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034",
                   "how much each pixel changes the score, whether up or down",
                   aliases=("vanillagradient", "vanillagradients", "gradient", "gradients"),
                   claims=plain | {"non-negative"}, in_all=False),
        MethodSpec("gradientinput", GradientInput, "Gradient × input",
                   "Shrikumar et al. 2016, arXiv:1605.01713",
                   "what each pixel would add if the model were linear",
                   aliases=("gradient×input", "inputxgradient", "gradientxinput", "gradienttimesinput"),
                   claims=plain | {"sums-to-score"}, in_all=False),
        MethodSpec("smoothgrad", SmoothGrad, "SmoothGrad", "Smilkov et al. 2017, arXiv:1706.03825",
                   "gradients averaged over noisy copies; their squares or variance",
                   claims=frozenset({"scale-invariant", "non-negative"}), in_all=False),
        MethodSpec("expectedgradients", ExpectedGradients, "Expected Gradients",
                   "Erion et al. 2021, arXiv:1906.10670",
                   "Integrated Gradients over several baselines, sampled; GradientSHAP",
                   aliases=("gradientshap", "gradientexplainer"), claims=plain, in_all=False),
        MethodSpec("layerintegratedgradients", LayerIntegratedGradients, "Layer Integrated Gradients",
                   "Sundararajan, Taly and Yan 2017, arXiv:1703.01365",
                   "HiResCAM averaged along a path from a baseline; adds up to the score",
                   aliases=("layerig",), claims=plain, in_all=False),
        MethodSpec("partitionshap", PartitionSHAP, "Partition SHAP",
                   "Owen 1977; Lundberg and Lee 2017, arXiv:1705.07874",
                   "exact Owen values on a tree of regions; they add up, and nothing is sampled",
                   aliases=("owen", "partitionexplainer"), in_all=False),
        MethodSpec("kernelshap", KernelSHAP, "Kernel SHAP", "Lundberg and Lee 2017, arXiv:1705.07874",
                   "Shapley values of regions by weighted least squares; they add up",
                   aliases=("kernelexplainer",), in_all=False),
        MethodSpec("lime", LIME, "LIME", "Ribeiro, Singh and Guestrin 2016, arXiv:1602.04938",
                   "a linear model of the score on pictures with regions hidden",
                   aliases=("limeimageexplainer",), in_all=False),
        MethodSpec("occlusion", Occlusion, "Occlusion", "Zeiler and Fergus 2014, arXiv:1311.2901",
                   "how far the score falls when a window or region is hidden",
                   aliases=("occlusionsensitivity",), in_all=False),
        MethodSpec("rise", RISE, "RISE", "Petsiuk, Das and Saenko 2018, arXiv:1806.07421",
                   "the score's covariance with random soft masks", in_all=False),
        MethodSpec("rollout", Rollout, "Attention rollout", "Abnar and Zuidema 2020, arXiv:2005.00928",
                   "attention followed through all blocks of a transformer; the same for every class",
                   claims=frozenset({"non-negative", "scale-invariant"}), in_all=False),
        MethodSpec("attentiongradient", AttentionGradient, "Attention gradient",
                   "Chefer et al. 2021, arXiv:2103.15679",
                   "attention times its gradient, followed through all blocks of a transformer",
                   aliases=("gae", "chefer"), claims=frozenset({"non-negative"}), in_all=False),
        MethodSpec("legrad", LeGrad, "LeGrad", "Bousselham et al. 2024, arXiv:2404.03214",
                   "gradients of each block's own score in its attention",
                   claims=frozenset({"non-negative", "scale-invariant"}), in_all=False),
    ]  # fmt: skip
