"""A snapshot of everything about a model that a tool might disturb."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from visioncam_engines.keras.recording import walk

_IGNORED = {"_tracker", "_lock", "_name_scope_on_exit"}


def snapshot(model: Any) -> dict[str, Any]:
    """Return weights, units, `__dict__`s, losses and flags, comparable with `==`."""
    units = [("", model), *walk(model)]
    weights = hashlib.sha256()
    for weight in model.get_weights():
        weights.update(np.ascontiguousarray(weight).tobytes())
    return {
        "weights": weights.hexdigest(),
        "units": [(path, id(unit)) for path, unit in units],
        "attributes": {path: _state(unit) for path, unit in units},
        "losses": [id(loss) for path, unit in units for loss in unit.__dict__.get("_losses", ())],
        "variables": [(id(v), np.asarray(v).tobytes()) for v in _variables(model)],
        "built": [getattr(unit, "built", None) for _, unit in units],
        "nodes": [len(getattr(unit, "_inbound_nodes", ())) for _, unit in units],
    }


def _state(unit: Any) -> dict[str, Any]:
    return {key: (id(value), _contents(value)) for key, value in unit.__dict__.items() if key not in _IGNORED}


def _contents(value: Any) -> list[int]:
    """Return the ids of what a list or dictionary holds: a layer may keep tensors there."""
    if not isinstance(value, list | dict):
        return []
    return [id(part) for part in (value.values() if isinstance(value, dict) else value)]


def _variables(model: Any) -> list[Any]:
    """Return every variable, also seeds and RNN states."""
    found = list(getattr(model, "variables", ()))
    return [variable for variable in found if getattr(variable, "shape", None) is not None]
