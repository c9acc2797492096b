"""VisionCam shows why an image model decided what it did.

    import visioncam
    e = visioncam.explain(model, "cat.jpg", method="xgradcam")
    e.save("cat_xgradcam.png")

Importing it loads neither TensorFlow nor pyplot.
"""

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
from visioncam_core import geometry, targets
from visioncam_core.cards import ModelCard, describe
from visioncam_core.diagnostics import Diagnostic
from visioncam_core.errors import VisionCamError
from visioncam_core.explainer import Explainer
from visioncam_core.explanation import Comparison, Explanation

__version__ = "1.0.0.dev0"

__all__ = [
    "Comparison",
    "Diagnostic",
    "Explainer",
    "Explanation",
    "ModelCard",
    "VisionCamError",
    "__version__",
    "compare",
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
