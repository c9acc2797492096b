"""Classes of the user, from a module that the user names."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from visioncam_core.errors import ModelError
from visioncam_core.text import brief


def objects_of(module: str) -> dict[str, Any]:
    """Import a module and return what a model file may name in it.

    That is its `CUSTOM_OBJECTS` where it has such a mapping, otherwise the classes and functions it
    defines or lists in `__all__`.  What it registers with Keras is found as well.
    """
    if not all(part.isidentifier() for part in module.split(".")) or module.endswith(".py"):
        raise ModelError(
            f"--custom-objects takes the name of a Python module, received {brief(module)}; for a file "
            "my_layers.py in the current folder write my_layers"
        )
    here = os.getcwd()  # modules in the current folder are found, too
    added = here not in sys.path
    if added:
        sys.path.append(here)
    try:
        found = importlib.import_module(module)
    except Exception as error:  # somebody's module may raise anything
        why = " ".join(str(error).split())
        raise ModelError(
            f"the module {module!r} of --custom-objects cannot be imported ({type(error).__name__}: {why}); "
            "check its name, and that it is installed or in the current folder"
        ) from error
    finally:
        if added:
            sys.path.remove(here)
    listed = getattr(found, "CUSTOM_OBJECTS", None)
    if isinstance(listed, dict):
        return dict(listed)
    public = set(getattr(found, "__all__", ()))
    return {
        name: value
        for name, value in vars(found).items()
        if callable(value) and (name in public or getattr(value, "__module__", None) == module)
    }
