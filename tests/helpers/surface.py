"""What a user can see of a module, class or function, as plain data that can be frozen."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

import attrs

MADE_BY_USERS = {"ModelCard", "Diagnostic", "ExplanationMonitor", "FolderSink", "TensorBoardSink"}
"""Classes that a user constructs; of results, which only VisionCam makes, the constructor is not public."""
ELSEWHERE = ("torch", "jax", "lightning", "pytorch_lightning")
"""Frameworks that `make test` does not install."""
SPECIAL = ("__call__", "__getitem__", "__iter__", "__len__", "__str__", "_repr_html_", "_repr_png_")
PART = {"Explainer": {"compare", "__call__"}}
"""Of an Explainer, whose fields are its workings, only what stands here is public."""


def parameters(function: Any) -> list[str]:
    """Return a signature, one parameter a line, without annotations."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # of an exception
        return ["..."]
    shown: list[str] = []
    for one in signature.parameters.values():
        starred = any(word.startswith("*") for word in shown)
        if one.kind is one.KEYWORD_ONLY and not starred:
            shown.append("*")
        bare = one.replace(annotation=one.empty, default=one.empty)
        given = one.default not in (one.empty, attrs.NOTHING)
        default = "<function>" if inspect.isfunction(one.default) else repr(one.default)
        shown.append(f"{bare}={default}" if given else str(bare))
        if one.kind is one.POSITIONAL_ONLY:
            shown[-1] += " (by position only)"
    return shown


def ours(cls: type) -> list[type]:
    """Return the bases of a class, itself included, that belong to VisionCam."""
    return [base for base in cls.__mro__ if base.__module__.startswith("visioncam")]


def members(cls: type) -> dict[str, Any]:
    """Return the public attributes and methods of a class, without those of Python, NumPy and Keras."""
    names = {name for base in ours(cls) for name in vars(base)}
    fields = [field.name for field in attrs.fields(cls)] if attrs.has(cls) else []
    kept = {name for name in {*names, *fields} if not name.startswith("_") or name in SPECIAL}
    kept &= PART.get(cls.__name__, kept)
    found: dict[str, Any] = {}
    for name in sorted(kept):
        value = inspect.getattr_static(cls, name, None)
        if name in fields:
            found[name] = "field"
        elif isinstance(value, property) or hasattr(value, "func"):
            found[name] = "property"
        elif callable(value) or isinstance(value, classmethod | staticmethod):
            found[name] = parameters(getattr(cls, name))
        else:
            found[name] = "attribute"
    return found


def surface(value: Any, made: bool = False) -> dict[str, Any]:
    """Return what a user can see of a public value; of a class also how it is made, where users make it."""
    if isinstance(value, ModuleType):
        public = list(vars(value).get("__all__", ())) or own_functions(value)
        return {"kind": "module", "names": {name: surface(getattr(value, name), made) for name in public}}
    if inspect.isclass(value):
        bases = [base.__name__ for base in value.__mro__[1:] if base.__module__ == "builtins"]
        told: dict[str, Any] = {"kind": "class", "bases": [base for base in bases if base != "object"]}
        return (
            told
            | ({"made": parameters(value)} if made or value.__name__ in MADE_BY_USERS else {})
            | {"members": members(value)}
        )
    if callable(value):
        return {"kind": "function", "signature": parameters(value)}
    return {"kind": type(value).__name__}


def own_functions(module: ModuleType) -> list[str]:
    """Return the functions of a module that has no `__all__`: those that it defines itself."""
    return sorted(
        n for n, v in vars(module).items() if inspect.isfunction(v) and v.__module__ == module.__name__
    )
