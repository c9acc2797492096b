"""The request of a run as plain facts: two runs with one fingerprint may share a folder."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import attrs

from visioncam_core.pipeline.settings import Settings
from visioncam_core.plain_data import plain
from visioncam_core.text import brief
from visioncam_core.version import VERSION

Facts = dict[str, Any]
_SAME_MAPS = ("batch_size", "progress", "class_names", "engine")  # change no map; names are hashed


def facts_of(
    model: str,
    method: str,
    options: Mapping[str, Any],
    target: Any,
    settings: Settings,
    results: Mapping[str, Any],
) -> Facts:
    """Return everything that decides what a run writes.

    Args:
        model: its mark, see `visioncam_core.results.provenance`.
        method: its name.
        options: of the method.
        target: what is explained where a picture's own row says nothing.
        settings: the other keywords.
        results: what is written of each map.
    """
    facts: Facts = {"visioncam": VERSION, "model": model, "method": method}
    facts |= {f"option {name}": _plain(value) for name, value in options.items()}
    facts["target"] = _plain(target)
    for field in attrs.fields(Settings):
        if field.name not in _SAME_MAPS and (field.name != "window" or settings.window is not None):
            facts[field.name] = _plain(getattr(settings, field.name))
    names = settings.class_names
    facts["class names"] = None if names is None else _digest(json.dumps(_plain(names)).encode())
    return facts | {name: _plain(value) for name, value in results.items()}


def completed(facts: Facts) -> Facts:
    """Return the facts of a run of any age: before placements were known, maps were spread evenly."""
    return {"placement": "stretched", **facts}


def mark_of(facts: Facts) -> str:
    """Return the fingerprint: 16 hexadecimal digits."""
    return _digest(json.dumps(facts, sort_keys=True).encode())


def changes(before: Facts, now: Facts) -> list[str]:
    """Return what differs, each as `name: was this, now that`.

    >>> changes({"method": "gradcam", "seed": 0}, {"method": "scorecam", "seed": 0})
    ["method: was 'gradcam', now 'scorecam'"]
    """
    missing = object()
    found = []
    for name in dict.fromkeys([*before, *now]):
        was, is_now = before.get(name, missing), now.get(name, missing)
        if was != is_now:
            words = ["not there" if one is missing else brief(one, 60) for one in (was, is_now)]
            found.append(f"{name}: was {words[0]}, now {words[1]}")
    return found


def _digest(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()[:16]


def _plain(value: Any) -> Any:
    return plain(value, not_finite=float, other=_named)


def _named(value: Any) -> Any:
    """Return functions and objects by name, never by address."""
    if isinstance(value, os.PathLike):
        return os.fsdecode(os.fspath(value))
    if attrs.has(type(value)):
        return {"": type(value).__qualname__, **_plain(attrs.asdict(value, recurse=False))}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    name = getattr(value, "__qualname__", None) or getattr(value, "name", None)
    return f"{type(value).__name__} {name or ''}".strip()
