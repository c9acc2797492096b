"""What a model says of itself, read off its layers: its name, its size, how its pictures are preprocessed."""

from __future__ import annotations

from typing import Any

from visioncam_core import ops
from visioncam_core.engine.records import Hints, Scaling
from visioncam_engines.demo import card
from visioncam_engines.keras import hub
from visioncam_engines.keras.applications import EMBEDDED, recognise, resembles
from visioncam_engines.keras.first_layers import front, is_a, leaves, opaque, own_scaling, weights_of


def hints_of(model: Any) -> Hints:
    """Return what a Keras model says of itself."""
    how, why = preprocessing_of(model)
    geometry: object = None
    names = None
    steps, unread = hub.preprocessor_of(model)
    if steps is not None:
        assert isinstance(steps.preprocess, Scaling)
        how, why, geometry = steps.preprocess, f"the model's own {steps.why}", steps.geometry
    elif how is EMBEDDED.mode:
        geometry, names = card.GEOMETRY, card.names_of(ops.to_numpy(model.weights[-1]))
    elif not how:
        why = unread or why
    title = str(getattr(model, "name", "model"))
    features = hub.features_of(model)
    return Hints(title, _kind(model), weights_of(model), how, why, geometry, names, features)


def _kind(model: Any) -> str:
    named = next((name for name in ("Sequential", "Functional") if is_a(model, name)), "")
    packages = {cls.__module__.partition(".")[0] for cls in type(model).__mro__}
    library = " of KerasHub" if hub.is_hub(model) else " of Keras 2" if "tf_keras" in packages else ""
    return {"Sequential": "Sequential", "Functional": "functional"}.get(named, "subclassed") + library


def preprocessing_of(model: Any) -> tuple[str | Scaling, str]:
    """Return how pictures are made ready, a name or "" where that is not known, and where it comes from.

    The model's own Rescaling, Normalization or arithmetic tells it; else a network of `keras.applications`.
    """
    layers = list(leaves(model))
    before = layers[: front(layers)]
    own = own_scaling(before)
    if own is not None:
        return own
    closed = next((layer for layer in before if opaque(layer)), None)
    if closed is not None:
        return "", f"layer {closed.name!r} comes before the first weights and may or may not preprocess"
    row = recognise(layers)
    if row is not None:
        return (
            row.mode,
            card.RECOGNISED if row is EMBEDDED else f"recognised {row.name} of keras.applications",
        )
    like = resembles(layers)
    if like is not None:
        return "", f"its first layers are named like {like.name}'s ({like.mode!r}), its weights differ"
    return "", "no Rescaling or Normalization layer, and no network of keras.applications was recognised"
