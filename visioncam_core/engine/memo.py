"""What was found out about a model by reading it, kept while the model lives and stays the same."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

from visioncam_core.engine.units import fingerprint

_FOUND: weakref.WeakKeyDictionary[Any, tuple[tuple[int, ...], dict[str, Any]]] = weakref.WeakKeyDictionary()
_LOCK = threading.RLock()


def recalled(model: Any, **finds: Callable[[], Any]) -> list[Any]:
    """Return what each function finds out about `model`, from memory where the model has not changed.

    Args:
        model: a Keras model; only weakly held.
        **finds: functions that read the model, each under its name.  What they return must not hold it.
    """
    mark = fingerprint(model)
    with _LOCK:
        entry = _FOUND.get(model)
        if entry is None or entry[0] != mark:
            entry = _FOUND[model] = (mark, {})
    found = entry[1]
    for name, find in finds.items():
        if name not in found:
            found[name] = find()
    return [found[name] for name in finds]
