"""Other libraries on the same model, picture and layer, interleaved, where they run at all."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

from benchmarks.models import Subject, subject
from benchmarks.timing import interleaved

LAYER = {"ResNet50": "conv5_block3_out"}


def compared(rounds: int, name: str = "ResNet50") -> list[tuple[str, str, str]]:
    """Return (tool, work, result) for every peer: its Grad-CAM in forward passes, or what it failed at."""
    import tensorflow as tf

    import visioncam

    s = subject(name)
    picture = s.pictures(1)
    x = tf.constant(picture)
    ask = visioncam.explainer(s.model, "gradcam", layer=LAYER[name])
    results = []
    for tool, make in PEERS.items():
        work = f"Grad-CAM, {name}, batch 1"
        if importlib.util.find_spec(tool) is None:
            results.append((tool, work, "not installed here"))
            continue
        try:
            theirs = make(s, picture)
            times = interleaved(rounds, F=lambda: s.forward(x), ours=lambda: ask(picture[0]), theirs=theirs)
        except Exception as error:
            results.append((tool, work, f"fails: {type(error).__name__}: {str(error).splitlines()[0][:90]}"))
            continue
        text = f"{times.ratio('theirs', 'F'):.2f} F; ours in the same rounds {times.ratio('ours', 'F'):.2f} F"
        results.append((tool, work, text))
    return results


def tf_keras_vis(s: Subject, picture: Any) -> Callable[[], Any]:
    """Return tf-keras-vis' Grad-CAM on the same picture and layer."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.scores import CategoricalScore

    explainer = Gradcam(s.model, clone=False)
    return lambda: explainer(CategoricalScore(0), picture, penultimate_layer=LAYER[s.name])


def tf_explain(s: Subject, picture: Any) -> Callable[[], Any]:
    """Return tf-explain's Grad-CAM on the same picture and layer."""
    from tf_explain.core.grad_cam import GradCAM

    return lambda: GradCAM().explain((picture, None), s.model, 0, layer_name=LAYER[s.name])


def xplique(s: Subject, picture: Any) -> Callable[[], Any]:
    """Return xplique's Grad-CAM on the same picture and layer."""
    import numpy as np
    from xplique.attributions import GradCAM

    explainer = GradCAM(s.model, conv_layer=LAYER[s.name])
    target = np.eye(1000, dtype=np.float32)[:1]
    return lambda: explainer(picture, target)


PEERS: dict[str, Callable[[Subject, Any], Callable[[], Any]]] = {
    "tf_keras_vis": tf_keras_vis,
    "tf_explain": tf_explain,
    "xplique": xplique,
}
