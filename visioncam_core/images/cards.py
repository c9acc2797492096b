"""A model's card, read from a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from visioncam_core.engine.model_card import ModelCard
from visioncam_core.engine.records import Scaling
from visioncam_core.images.geometry import CenterCrop, Letterbox, Resize, Tile
from visioncam_core.images.preprocessing import SETTINGS
from visioncam_core.images.resize_crop import ResizeCrop

EXPORT = "visioncam.export"
_KNOWN: dict[str, Callable[..., Any]] = {
    one.__name__: one for one in (Scaling, CenterCrop, Letterbox, Resize, ResizeCrop, Tile)
}


def card_from(record: Any) -> ModelCard:
    """Return the card in a file: what `ModelCard.record` wrote, alone or as "card", or an export's document.

    Whatever else it is given, it raises something.
    """
    held = dict(record.get("card", record))
    if EXPORT in held:
        return _of_export(held)
    for name in ("preprocess", "geometry"):
        if isinstance(held[name], dict):
            held[name] = _made(held[name], "class")
    return ModelCard(**held | {"class_names": _names(held)})


def _of_export(held: Mapping[str, Any]) -> ModelCard:
    picture = held["picture"]
    told, geometry, preprocess = picture["preprocess"], picture["geometry"], None
    if told["known"] and told["name"] in SETTINGS:
        preprocess = told["name"]
    elif told["known"] and told.get("order") == sorted(told.get("order", ())) and "mean" in told:
        preprocess = Scaling(tuple(told["mean"]), tuple(told["std"]), 1.0)
    return ModelCard(
        _names(held), preprocess, geometry and _made(geometry, "name"), str(held.get("model") or "")
    )


def _names(held: Mapping[str, Any]) -> tuple[str, ...] | None:
    return None if held["class_names"] is None else tuple(map(str, held["class_names"]))


def _made(parts: Mapping[str, Any], key: str) -> Any:
    held = {name: tuple(x) if isinstance(x, list) else x for name, x in parts.items() if name != key}
    return _KNOWN[parts[key]](**held)
