"""Other libraries on the same model, picture, layer and method, interleaved, where they run at all."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

from benchmarks.kept import Line
from benchmarks.models import Subject, subject
from benchmarks.timing import interleaved

# Score-CAM costs a pass for each channel: a layer with few, so that every tool is done today.
LAYERS = {
    "gradcam": "conv5_block3_out",
    "gradcamplusplus": "conv5_block3_out",
    "scorecam": "conv2_block3_2_relu",
}
TITLES = {"gradcam": "Grad-CAM", "gradcamplusplus": "Grad-CAM++", "scorecam": "Score-CAM, 64 channels"}
Make = Callable[[Subject, str, Any], Callable[[], Any]]


def compared(rounds: int, name: str = "ResNet50") -> list[Line]:
    """Return (tool, work, result) for every peer and method: in forward passes, or what it failed at."""
    import tensorflow as tf

    import visioncam

    s = subject(name)
    picture = s.pictures(1)
    x = tf.constant(picture)
    lines = []
    for tool, (make, methods) in PEERS.items():
        for method in methods:
            work = f"{TITLES[method]}, {name}, batch 1"
            if importlib.util.find_spec(tool) is None:
                lines.append((tool, work, "not installed here"))
                continue
            ask = visioncam.explainer(s.model, method, layer=LAYERS[method])
            few = 3 if method == "scorecam" else rounds
            try:
                theirs = make(s, method, picture)
                times = interleaved(
                    few, F=lambda: s.forward(x), ours=lambda ask=ask: ask(picture[0]), theirs=theirs
                )
            except Exception as error:
                lines.append((tool, work, failure(error)))
                continue
            ours = f"ours in the same rounds {times.ratio('ours', 'F'):.2f} F"
            lines.append((tool, work, f"{times.ratio('theirs', 'F'):.2f} F; {ours}"))
    return lines


def failure(error: Exception) -> str:
    """Return an error in one line of a table."""
    first = (str(error).splitlines() or [""])[0]
    return f"fails: {type(error).__name__}: {first[:90]}"


def tf_keras_vis(s: Subject, method: str, picture: Any) -> Callable[[], Any]:
    """Return tf-keras-vis' method on the same picture and layer."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
    from tf_keras_vis.scorecam import Scorecam
    from tf_keras_vis.utils.scores import CategoricalScore

    kinds = {"gradcam": Gradcam, "gradcamplusplus": GradcamPlusPlus, "scorecam": Scorecam}
    explainer = kinds[method](s.model, clone=False)
    return lambda: explainer(CategoricalScore(0), picture, penultimate_layer=LAYERS[method])


def tf_explain(s: Subject, method: str, picture: Any) -> Callable[[], Any]:
    """Return tf-explain's Grad-CAM on the same picture and layer."""
    from tf_explain.core.grad_cam import GradCAM

    return lambda: GradCAM().explain((picture, None), s.model, 0, layer_name=LAYERS[method])


def xplique(s: Subject, method: str, picture: Any) -> Callable[[], Any]:
    """Return xplique's method on the same picture and layer."""
    import numpy as np
    from xplique.attributions import GradCAM, GradCAMPP

    kinds = {"gradcam": GradCAM, "gradcamplusplus": GradCAMPP}
    explainer = kinds[method](s.model, conv_layer=LAYERS[method])
    target = np.eye(1000, dtype=np.float32)[:1]
    return lambda: explainer(picture, target)


PEERS: dict[str, tuple[Make, tuple[str, ...]]] = {
    "tf_keras_vis": (tf_keras_vis, ("gradcam", "gradcamplusplus", "scorecam")),
    "tf_explain": (tf_explain, ("gradcam",)),
    "xplique": (xplique, ("gradcam", "gradcamplusplus")),
}
