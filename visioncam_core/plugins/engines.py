"""Which engine runs a model or reads a model file; no framework is imported to find out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import PurePath
from typing import Any

from visioncam_core.engine.model_name import scheme_of
from visioncam_core.errors import ModelError
from visioncam_core.plugins.specs import EngineSpec
from visioncam_core.text import brief

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")


def lacks(spec: EngineSpec) -> tuple[str, ...]:
    """Return the modules that an engine needs and that are not installed; nothing is imported."""
    return tuple(name for name in spec.requires if not installed(name))


def installed(name: str) -> bool:
    """Return whether a module can be found; a package is not imported."""
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # a parent that is missing, or a module without a spec
        return False


def engine_for(
    model: Any, rows: Sequence[EngineSpec], failed: Callable[[EngineSpec, BaseException], None]
) -> EngineSpec:
    """Return the row of the engine that runs a model.

    An engine whose `accepts` raises is passed over and reported to `failed`.

    Raises:
        ModelError: no engine accepts the model, or several do.
    """
    found = []
    for spec in rows:
        try:
            if spec.accepts(model):
                found.append(spec)
        except Exception as error:
            failed(spec, error)
    if len(found) == 1:
        return found[0]
    what = f"{brief(model, 40)} of type {type(model).__name__}"
    if found:
        names = " and ".join(repr(spec.name) for spec in found)
        raise ModelError(f"the engines {names} both run {what}; choose one: engine={found[0].name!r}")
    titles = list(dict.fromkeys(spec.title for spec in rows))[:2]  # the engines' names follow
    expected = " or ".join(f"{'an' if title[:1].lower() in 'aeiou' else 'a'} {title}" for title in titles)
    engines = _described(rows) if rows else "none is registered"
    raise ModelError(
        f"expected {expected or 'a model'}, received {what}{_advice(model, rows)}; engines: {engines}"
    )


def _advice(model: Any, rows: Sequence[EngineSpec]) -> str:
    """Return what to pass in the place of something that no engine runs."""
    owner = getattr(model, "__self__", None)
    if owner is not None and any(spec.accepts(owner) for spec in rows):
        return f"; pass the model itself, not its method {getattr(model, '__name__', 'call')!r}"
    inner = getattr(model, "model", None)
    if inner is not None and any(spec.accepts(inner) for spec in rows):
        return f"; pass the model itself, the attribute 'model' of the {type(model).__name__}"
    if isinstance(model, type):
        return "; that is a class: pass a model made of it"
    if isinstance(model, str | os.PathLike):
        if PurePath(os.fsdecode(os.fspath(model))).suffix.lower() in _PICTURES:
            return "; that is a picture: pass the model first, then the picture"
        return "; open a file first: visioncam.load_model(path)"
    if hasattr(model, "__array__") or hasattr(model, "getexif"):
        return "; pass the model first, then the picture"
    if isinstance(model, dict) and any(hasattr(value, "requires_grad") for value in model.values()):
        return "; those are weights: make the model and pass it after model.load_state_dict(weights)"
    if type(model).__name__ == "ExportedProgram":
        return "; an exported program has no layers: pass the torch.nn.Module that was exported"
    if isinstance(model, list | tuple | dict):
        return "; pass one model per call"
    if callable(model):
        return (
            "; the layers inside a function cannot be seen: pass the model that it calls, or, for methods "
            "that need only scores, visioncam.blackbox(function)"
        )
    return ""


def _described(rows: Sequence[EngineSpec]) -> str:
    missing = {spec.name: lacks(spec) for spec in rows}
    here = ", ".join(name for name, modules in missing.items() if not modules)
    others = ", ".join(name for name, modules in missing.items() if modules)
    install = " ".join(dict.fromkeys(module for modules in missing.values() for module in modules))
    absent = f"not installed: {others} (pip install {install})" if others else ""
    return "; ".join(filter(None, (here, absent)))


def engine_for_file(path: str | os.PathLike[str], rows: Sequence[EngineSpec]) -> EngineSpec:
    """Return the row of the engine that opens a model, of those that can be used here where there is one.

    A name such as `timm:resnet50` goes by its scheme, a file by its suffix; every other file, and "" for the
    embedded model, to the first that reads files, of those with gradients if there are any.

    Of several, as Keras' engines, it is the first that is ready to run models in this process.

    Raises:
        ModelError: no engine reads files.
    """
    ready = sorted(rows, key=lambda spec: bool(lacks(spec)))
    scheme = scheme_of(path, schemes_of(rows))
    if scheme:
        return next(spec for spec in ready if scheme in spec.schemes)
    readers = [spec for spec in ready if spec.suffixes]
    if not readers:
        raise ModelError(f"no engine reads model files, received {brief(os.fspath(path))}")
    suffix = PurePath(os.fsdecode(os.fspath(path))).suffix.lower()
    whole = [spec for spec in readers if "gradients" in spec.can]
    fitting = [spec for spec in readers if suffix in spec.suffixes] or whole or readers
    return next((spec for spec in fitting if spec.ready() and not lacks(spec)), fitting[0])


def schemes_of(rows: Sequence[EngineSpec]) -> list[str]:
    """Return the libraries whose networks can be named."""
    return list(dict.fromkeys(scheme for spec in rows for scheme in spec.schemes))
