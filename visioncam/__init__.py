"""VisionCam shows why an image model decided what it did.

    import visioncam
    e = visioncam.explain(model, "cat.jpg", method="xgradcam")
    e.save("cat_xgradcam.png")

Importing it loads nothing: each name below is imported when it is first used.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from visioncam_core.version import VERSION

if TYPE_CHECKING:
    from visioncam import callbacks, demo, geometry, targets
    from visioncam.api import compare, doctor, explain, explainer, forget, layers, load, render
    from visioncam.auditing.record import Audit
    from visioncam.auditing.run import audit
    from visioncam.batch.dataset import explain_dataset
    from visioncam.evaluation.recommending import Recommendation, recommend
    from visioncam.evaluation.record import Evaluation
    from visioncam.evaluation.run import evaluate
    from visioncam.html_report.writing import report
    from visioncam.registered import load_plugin, methods, metrics, plugins, registry, renderers
    from visioncam_core.cards import ModelCard, describe
    from visioncam_core.diagnostics import Diagnostic
    from visioncam_core.errors import VisionCamError
    from visioncam_core.explainer import Explainer
    from visioncam_core.explanation import Comparison, Explanation
    from visioncam_methods.ablationcam import AblationCAM
    from visioncam_methods.gradcam import GradCAM
    from visioncam_methods.gradcamelementwise import GradCAMElementWise
    from visioncam_methods.gradcamplusplus import GradCAMPlusPlus
    from visioncam_methods.hirescam import HiResCAM
    from visioncam_methods.respondcam import RespondCAM
    from visioncam_methods.scorecam import ScoreCAM
    from visioncam_methods.smoothgradcamplusplus import SmoothGradCAMPlusPlus
    from visioncam_methods.xgradcam import XGradCAM
else:
    _HOMES = {
        "visioncam": ("callbacks", "demo", "geometry", "targets"),
        "visioncam.html_report.writing": ("report",),
        "visioncam.registered": ("load_plugin", "methods", "metrics", "plugins", "registry", "renderers"),
        "visioncam.api": ("compare", "doctor", "explain", "explainer", "forget", "layers", "load", "render"),
        "visioncam.auditing.record": ("Audit",),
        "visioncam.auditing.run": ("audit",),
        "visioncam.batch.dataset": ("explain_dataset",),
        "visioncam.evaluation.record": ("Evaluation",),
        "visioncam.evaluation.recommending": ("Recommendation", "recommend"),
        "visioncam.evaluation.run": ("evaluate",),
        "visioncam_core.cards": ("ModelCard", "describe"),
        "visioncam_core.diagnostics": ("Diagnostic",),
        "visioncam_core.errors": ("VisionCamError",),
        "visioncam_core.explainer": ("Explainer",),
        "visioncam_core.explanation": ("Comparison", "Explanation"),
        "visioncam_methods.ablationcam": ("AblationCAM",),
        "visioncam_methods.gradcam": ("GradCAM",),
        "visioncam_methods.gradcamelementwise": ("GradCAMElementWise",),
        "visioncam_methods.gradcamplusplus": ("GradCAMPlusPlus",),
        "visioncam_methods.hirescam": ("HiResCAM",),
        "visioncam_methods.respondcam": ("RespondCAM",),
        "visioncam_methods.scorecam": ("ScoreCAM",),
        "visioncam_methods.smoothgradcamplusplus": ("SmoothGradCAMPlusPlus",),
        "visioncam_methods.xgradcam": ("XGradCAM",),
    }
    _HOME = {name: home for home, names in _HOMES.items() for name in names}

    def __getattr__(name):
        """Import a name from where it lives (PEP 562); type checkers see the imports above instead."""
        home = _HOME.get(name)
        if home is None:
            raise AttributeError(
                f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__]
            )
        value = import_module(f"{home}.{name}") if home == __name__ else getattr(import_module(home), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *_HOME})


__version__ = VERSION

__all__ = [
    "AblationCAM",
    "Audit",
    "Comparison",
    "Diagnostic",
    "Evaluation",
    "Explainer",
    "Explanation",
    "GradCAM",
    "GradCAMElementWise",
    "GradCAMPlusPlus",
    "HiResCAM",
    "ModelCard",
    "Recommendation",
    "RespondCAM",
    "ScoreCAM",
    "SmoothGradCAMPlusPlus",
    "VisionCamError",
    "XGradCAM",
    "__version__",
    "audit",
    "callbacks",
    "compare",
    "demo",
    "describe",
    "doctor",
    "evaluate",
    "explain",
    "explain_dataset",
    "explainer",
    "forget",
    "geometry",
    "layers",
    "load",
    "load_plugin",
    "methods",
    "metrics",
    "plugins",
    "recommend",
    "registry",
    "render",
    "renderers",
    "report",
    "targets",
]
