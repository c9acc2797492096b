"""VisionCam shows why an image model decided what it did.

    import visioncam
    e = visioncam.explain(model, "cat.jpg", method="xgradcam")
    e.save("cat_xgradcam.png")

Importing it loads neither TensorFlow nor pyplot.
"""

from visioncam import demo, geometry, targets
from visioncam.api import (
    compare,
    doctor,
    explain,
    explainer,
    forget,
    layers,
    load,
    load_plugin,
    methods,
    plugins,
    registry,
    render,
    renderers,
)
from visioncam_core.cards import ModelCard, describe
from visioncam_core.diagnostics import Diagnostic
from visioncam_core.errors import VisionCamError
from visioncam_core.explainer import Explainer
from visioncam_core.explanation import Comparison, Explanation
from visioncam_core.version import VERSION
from visioncam_methods.ablationcam import AblationCAM
from visioncam_methods.gradcam import GradCAM
from visioncam_methods.gradcamelementwise import GradCAMElementWise
from visioncam_methods.gradcamplusplus import GradCAMPlusPlus
from visioncam_methods.hirescam import HiResCAM
from visioncam_methods.respondcam import RespondCAM
from visioncam_methods.scorecam import ScoreCAM
from visioncam_methods.smoothgradcamplusplus import SmoothGradCAMPlusPlus
from visioncam_methods.xgradcam import XGradCAM

__version__ = VERSION

__all__ = [
    "AblationCAM",
    "Comparison",
    "Diagnostic",
    "Explainer",
    "Explanation",
    "GradCAM",
    "GradCAMElementWise",
    "GradCAMPlusPlus",
    "HiResCAM",
    "ModelCard",
    "RespondCAM",
    "ScoreCAM",
    "SmoothGradCAMPlusPlus",
    "VisionCamError",
    "XGradCAM",
    "__version__",
    "compare",
    "demo",
    "describe",
    "doctor",
    "explain",
    "explainer",
    "forget",
    "geometry",
    "layers",
    "load",
    "load_plugin",
    "methods",
    "plugins",
    "registry",
    "render",
    "renderers",
    "targets",
]
