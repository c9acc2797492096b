"""Table of contents: the nine methods VisionCam ships."""

from __future__ import annotations

from visioncam_core.hookspecs import hookimpl
from visioncam_core.specs import MethodSpec


@hookimpl
def visioncam_register_methods() -> list[MethodSpec]:
    """Return one row for each built-in method."""
    from visioncam_methods.cam.ablationcam import AblationCAM
    from visioncam_methods.cam.gradcam import GradCAM
    from visioncam_methods.cam.gradcamelementwise import GradCAMElementWise
    from visioncam_methods.cam.gradcamplusplus import GradCAMPlusPlus
    from visioncam_methods.cam.hirescam import HiResCAM
    from visioncam_methods.cam.respondcam import RespondCAM
    from visioncam_methods.cam.scorecam import ScoreCAM
    from visioncam_methods.cam.smoothgradcamplusplus import SmoothGradCAMPlusPlus
    from visioncam_methods.cam.xgradcam import XGradCAM

    plain = frozenset({"scale-invariant", "flip-equivariant"})
    return [
        MethodSpec(
            name="gradcam",
            cls=GradCAM,
            title="Grad-CAM",
            reference="Selvaraju et al. 2017, arXiv:1610.02391",
            summary="channels weighted by their mean gradient",
            claims=plain,
        ),
        MethodSpec(
            name="gradcamplusplus",
            cls=GradCAMPlusPlus,
            title="Grad-CAM++",
            reference="Chattopadhay et al. 2018, arXiv:1710.11063",
            summary="positive gradients, weighted so that every occurrence of the object counts",
            aliases=("gradcampp",),
            claims=frozenset({"flip-equivariant"}),
        ),
        MethodSpec(
            name="gradcamelementwise",
            cls=GradCAMElementWise,
            title="Grad-CAM element-wise",
            reference="Pillai and Pirsiavash 2021, AAAI",
            summary="the positive part of activation times gradient, summed over channels",
            claims=plain | {"non-negative"},
        ),
        MethodSpec(
            name="hirescam",
            cls=HiResCAM,
            title="HiResCAM",
            reference="Draelos and Carin 2020, arXiv:2011.08891",
            summary="activation times gradient at each position; exact for one dense layer behind it",
            aliases=("hriescam",),
            claims=plain | {"sums-to-score"},
        ),
        MethodSpec(
            name="respondcam",
            cls=RespondCAM,
            title="Respond-CAM",
            reference="Zhao et al. 2018, arXiv:1806.00102",
            summary="made for volumes: a signed map whose sum is the score",
            claims=plain | {"sums-to-score"},
        ),
        MethodSpec(
            name="scorecam",
            cls=ScoreCAM,
            title="Score-CAM",
            reference="Wang et al. 2020, arXiv:1910.01279",
            summary="channels weighted by the score of the picture seen through them",
            claims=frozenset({"flip-equivariant"}),
        ),
        MethodSpec(
            name="smoothgradcamplusplus",
            cls=SmoothGradCAMPlusPlus,
            title="Smooth Grad-CAM++",
            reference="Omeiza et al. 2019, arXiv:1908.01224",
            summary="Grad-CAM++ with gradients averaged over noisy copies",
        ),
        MethodSpec(
            name="xgradcam",
            cls=XGradCAM,
            title="XGrad-CAM",
            reference="Fu et al. 2020, arXiv:2008.02312",
            summary="channels weighted by gradients averaged with the activations as weights",
            claims=plain | {"sums-to-score"},
        ),
        MethodSpec(
            name="ablationcam",
            cls=AblationCAM,
            title="Ablation-CAM",
            reference="Desai and Ramaswamy 2020, WACV",
            summary="channels weighted by the drop of the score without them",
            claims=plain,
        ),
    ]
