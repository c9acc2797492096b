"""What travels in an exported file: whatever is needed to prepare a picture and to read the answer."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.export import INPUT, TOP
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.engine.output import Head
from visioncam_core.images.geometry import geometry_named
from visioncam_core.images.preprocessing import Preprocessing
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.plain_data import plain
from visioncam_core.results.provenance import weights_digest

VERSION = 1
"""Of the document."""


def metadata_of(
    explainer: Explainer,
    choice: LayerChoice,
    head: Head,
    target: int | None,
    names: tuple[str, ...],
    shapes: tuple[tuple[int, ...], ...],
    outputs: dict[str, list[int]],
    size: tuple[int, ...] | None,
) -> dict[str, Any]:
    """Return the document.

    Args:
        explainer: with the method.
        choice: the layer.
        head: the explained output.
        target: as in `ExportPlan`.
        names: of the inputs.
        shapes: of the inputs, without the batch.
        outputs: name -> shape of a map without the batch, [] of another output.
        size: of the heat map; None for the layer's grid.
    """
    (method,), inputs, settings = explainer.methods, explainer.inputs, explainer.settings
    channels = shapes[inputs.image][0 if inputs.channels_first else -1]
    whole = explainer.preprocessing.whole is not None
    document = {
        "visioncam.export": VERSION,
        "model": explainer.hints.title,
        "weights_sha256": weights_digest(explainer.engine, explainer.model),
        "versions": explainer.versions,
        "inputs": [
            {"name": name, "shape": list(shape), "dtype": one.dtype}
            for name, shape, one in zip(names, shapes, inputs.inputs, strict=True)
        ],
        "picture": {
            "input": names[inputs.image],
            "channels_first": inputs.channels_first,
            "geometry": None if whole else _geometry(explainer.reader.geometry),
            "preprocess": preprocess_facts(explainer.preprocessing, channels),
        },
        "outputs": outputs,
        "size": size,
        "class_names": None if head.known is None else list(head.known),
        "probabilities": "own" if head.probable or head.own else head.assumed or "none",
        "method": method.name,
        "options": method.options,
        "layer": choice.path,
        "placement": attrs.asdict(choice.placement),
        "score": settings.score,
        "evidence": settings.evidence,
        "target": "top" if target == TOP else "input" if target is INPUT else target,
    }
    found: dict[str, Any] = plain(document)
    return found


def _geometry(geometry: Any) -> dict[str, Any]:
    made = geometry_named(geometry)
    fields: dict[str, Any] = attrs.asdict(made) if attrs.has(type(made)) else {}  # type: ignore[arg-type]
    return {"name": type(made).__name__, **fields}


def preprocess_facts(preprocessing: Preprocessing, channels: int) -> dict[str, Any]:
    """Return what is done to a picture's RGB values of 0 to 255, as numbers where it is `(x - mean) / std`.

    "order" says from which channel of the picture each of the input comes.  What no numbers say has its name
    alone: the code is not in the file.
    """
    facts: dict[str, Any] = {
        "name": preprocessing.name,
        "known": preprocessing.known,
        "why": preprocessing.why,
    }
    if preprocessing.whole is not None:
        return facts
    try:
        zero, one, two = (_through(preprocessing, np.full((1, 1, channels), n)) for n in (0.0, 255.0, 51.0))
        single = np.stack(
            [_through(preprocessing, np.eye(channels)[i][None, None] * 255.0) for i in range(channels)]
        )
    except Exception:  # a function of the user's, which takes pictures of one size alone
        return facts
    step = (one - zero) / 255
    order = np.argmax(np.abs(single - zero), axis=0)
    told = np.where(np.arange(channels)[:, None] == order, one, zero)
    straight = np.allclose(two, zero + step * 51, rtol=1e-4) and np.allclose(
        single, told, rtol=1e-4, atol=1e-4
    )
    if straight and np.all(step > 0):
        facts |= {"order": order.tolist(), "mean": (-zero / step).tolist(), "std": (1 / step).tolist()}
    return facts


def _through(preprocessing: Preprocessing, pixel: np.ndarray) -> np.ndarray:
    values = preprocessing.function(np.broadcast_to(pixel, (8, 8, pixel.shape[-1]))[None].astype(np.float32))
    if not np.allclose(values, values[:, :1, :1]):
        raise ValueError("it depends on the place")
    return np.asarray(values[0, 0, 0], np.float64)
