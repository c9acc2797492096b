"""VisionCam shows why an image model decides as it does.

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
    from visioncam.api import compare, doctor, explain, explainer, forget, layers, load, load_model
    from visioncam.auditing.audit import audit
    from visioncam.auditing.findings import Audit
    from visioncam.batch.explain_dataset import explain_dataset
    from visioncam.differences.diff import diff
    from visioncam.differences.result import Diff
    from visioncam.evaluation.evaluate import evaluate
    from visioncam.evaluation.evaluation import Evaluation
    from visioncam.evaluation.recommend import Recommendation, recommend
    from visioncam.exporting.export import export
    from visioncam.exporting.result import Exported
    from visioncam.html_report.report import report
    from visioncam_core.engine.model_card import ModelCard, set_model_card
    from visioncam_core.errors import VisionCamError
    from visioncam_core.pipeline.explainer import Explainer
    from visioncam_core.plugins.default import load_plugin, methods, metrics, plugins, registry, renderers
    from visioncam_core.progress import quiet
    from visioncam_core.results.comparison import Comparison
    from visioncam_core.results.diagnostics import Diagnostic
    from visioncam_core.results.explanation import Explanation
    from visioncam_engines.blackbox import blackbox
    from visioncam_methods.cam.ablationcam import AblationCAM
    from visioncam_methods.cam.gradcam import GradCAM
    from visioncam_methods.cam.gradcamelementwise import GradCAMElementWise
    from visioncam_methods.cam.gradcamplusplus import GradCAMPlusPlus
    from visioncam_methods.cam.hirescam import HiResCAM
    from visioncam_methods.cam.respondcam import RespondCAM
    from visioncam_methods.cam.scorecam import ScoreCAM
    from visioncam_methods.cam.smoothgradcamplusplus import SmoothGradCAMPlusPlus
    from visioncam_methods.cam.xgradcam import XGradCAM
else:
    _METHODS = (
        "AblationCAM", "GradCAM", "GradCAMElementWise", "GradCAMPlusPlus", "HiResCAM", "RespondCAM",
        "ScoreCAM", "SmoothGradCAMPlusPlus", "XGradCAM",
    )  # fmt: skip
    _HOMES = {
        "visioncam": ("callbacks", "demo", "geometry", "targets"),
        "visioncam.html_report.report": ("report",),
        "visioncam_core.plugins.default": (
            "load_plugin", "methods", "metrics", "plugins", "registry", "renderers",
        ),
        "visioncam.api": (
            "compare", "doctor", "explain", "explainer", "forget", "layers", "load", "load_model",
        ),
        "visioncam.auditing.findings": ("Audit",),
        "visioncam.auditing.audit": ("audit",),
        "visioncam.batch.explain_dataset": ("explain_dataset",),
        "visioncam.differences.diff": ("diff",),
        "visioncam.differences.result": ("Diff",),
        "visioncam.evaluation.evaluation": ("Evaluation",),
        "visioncam.evaluation.recommend": ("Recommendation", "recommend"),
        "visioncam.evaluation.evaluate": ("evaluate",),
        "visioncam.exporting.export": ("export",),
        "visioncam.exporting.result": ("Exported",),
        "visioncam_core.engine.model_card": ("ModelCard", "set_model_card"),
        "visioncam_core.results.diagnostics": ("Diagnostic",),
        "visioncam_core.errors": ("VisionCamError",),
        "visioncam_core.pipeline.explainer": ("Explainer",),
        "visioncam_core.progress": ("quiet",),
        "visioncam_core.results.comparison": ("Comparison",),
        "visioncam_core.results.explanation": ("Explanation",),
        "visioncam_engines.blackbox": ("blackbox",),
        **{f"visioncam_methods.cam.{name.lower()}": (name,) for name in _METHODS},
    }  # fmt: skip
    _NEW_SPELLING = {
        "describe": "visioncam.set_model_card(model, card)",
        "render": "e.render(renderer, ...), a method of what explain and compare return",
    }
    _HOME = {name: home for home, names in _HOMES.items() for name in names}

    def __getattr__(name):
        """Import a name from where it lives (PEP 562); type checkers see the imports above instead."""
        if name in _NEW_SPELLING:
            return _renamed(name)
        home = _HOME.get(name)
        if home is None:
            raise AttributeError(
                f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__]
            )
        value = import_module(f"{home}.{name}") if home == __name__ else getattr(import_module(home), name)
        globals()[name] = value
        return value

    def _renamed(name):
        """Return what says how a name of development versions is spelt now."""

        def old(*arguments, **keywords):
            from visioncam_core.errors import NameNotFoundError

            raise NameNotFoundError(f"visioncam.{name} is now {_NEW_SPELLING[name]}")

        return old

    def __dir__():
        return sorted({*globals(), *_HOME})


__version__ = VERSION

__all__ = [
    "AblationCAM", "Audit", "Comparison", "Diagnostic", "Diff", "Evaluation", "Explainer", "Explanation",
    "Exported", "GradCAM", "GradCAMElementWise", "GradCAMPlusPlus", "HiResCAM", "ModelCard", "Recommendation",
    "RespondCAM", "ScoreCAM", "SmoothGradCAMPlusPlus", "VisionCamError", "XGradCAM", "__version__", "audit",
    "blackbox", "callbacks", "compare", "demo", "diff", "doctor", "evaluate", "explain", "explain_dataset",
    "explainer", "export", "forget", "geometry", "layers", "load", "load_model", "load_plugin", "methods",
    "metrics", "plugins", "quiet", "recommend", "registry", "renderers", "report", "set_model_card",
    "targets",
]  # fmt: skip
