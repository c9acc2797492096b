"""A model's card, read from a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from visioncam_core.engine.model_card import ModelCard
from visioncam_core.engine.records import Scaling
from visioncam_core.images.geometry import CenterCrop, Letterbox, Resize, Tile
from visioncam_core.images.resize_crop import ResizeCrop

_KNOWN: dict[str, Callable[..., Any]] = {
    one.__name__: one for one in (Scaling, CenterCrop, Letterbox, Resize, ResizeCrop, Tile)
}


def card_from(record: Any) -> ModelCard:
    """Return the card that `ModelCard.record` wrote down; whatever else it is given, it raises something."""
    held = dict(record)
    if held["class_names"] is not None:
        held["class_names"] = tuple(map(str, held["class_names"]))
    for name in ("preprocess", "geometry"):
        if isinstance(held[name], dict):
            parts = dict(held[name])
            made = _KNOWN[parts.pop("class")]
            held[name] = made(**{key: tuple(x) if isinstance(x, list) else x for key, x in parts.items()})
    return ModelCard(**held)
