"""Models named by text in the place of a file: `timm:resnet50?weights=none`, `package.module:function`."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs

from visioncam_core.errors import ModelError, ModelNotFoundError, VisionCamError
from visioncam_core.text import brief, error_text, nearest

NO_WEIGHTS = "none"
_FUNCTION = re.compile(r"(?:[^\W\d]\w*\.)*[^\W\d]\w*:[^\W\d]\w*")
_NAME = re.compile(r"([a-z]{2,}):([^?]+)(?:\?(.*))?", re.DOTALL)  # one letter and a colon is a drive


@attrs.frozen
class ModelName:
    """A network of a library, by name.

    Attributes:
        scheme: the library, such as "timm".
        name: the network there.
        weights: "" for those that the library takes by itself, "none" for none, or a name the library knows.
    """

    scheme: str
    name: str
    weights: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}:{self.name}{f'?weights={self.weights}' if self.weights else ''}"

    @classmethod
    def of(cls, text: str) -> ModelName:
        """Return what a text names.

        Raises:
            ModelError: it has another form.
        """
        found = _NAME.fullmatch(text)
        if found is None:
            raise ModelError(
                f"{brief(text)} is not the name of a model; write library:network, such as timm:resnet50"
            )
        weights = ""
        for part in filter(None, (found[3] or "").split("&")):
            key, _, value = part.partition("=")
            if key != "weights" or not value:
                raise ModelError(
                    f"{brief(text)}: {brief(part, 40)} is not understood after the name; write "
                    f"{found[1]}:{found[2]}?weights=none for a network without trained weights"
                )
            weights = NO_WEIGHTS if value.lower() == NO_WEIGHTS else value
        return cls(found[1], found[2], weights)

    def unknown(self, known: Iterable[str]) -> ModelNotFoundError:
        """Return the error that the library has no such network, with those whose names are near."""
        near = [f"{self.scheme}:{one}" for one in nearest(self.name, sorted(known))[:3]]
        hint = f"did you mean {' or '.join(near)}?" if near else "see the library's own list"
        return ModelNotFoundError(f"{self.scheme} has no network {brief(self.name, 60)}; {hint}")

    def build(self, make: Callable[[], Any], weights: str) -> Any:
        """Return what `make` builds; whatever it raises becomes an error that says which weights it wanted.

        Args:
            make: builds the network, looking for weights in the library's cache, else on the network.
            weights: which weights they are and where they come from, for the message.

        Raises:
            ModelError: it cannot be built, or its weights cannot be had.
        """
        try:
            return make()
        except VisionCamError:
            raise
        except Exception as error:  # a library and what it downloads with have errors of their own
            why = error_text(error)
            if self.weights == NO_WEIGHTS:
                raise ModelError(f"{self}: {self.scheme} cannot build it ({why})") from error
            raise ModelError(
                f"{self}: its weights, {weights}, cannot be loaded ({why}); they are looked up in the "
                "library's "
                f"cache and then downloaded: connect once, or write {self.scheme}:{self.name}?weights=none "
                "for a network without trained weights, with --weights FILE for your own weights"
            ) from error


def scheme_of(text: str | os.PathLike[str], schemes: Iterable[str]) -> str:
    """Return which scheme a text names a model with, "" where it is a path."""
    found = _NAME.fullmatch(text) if isinstance(text, str) else None
    return found[1] if found is not None and found[1] in schemes else ""


def is_function(text: str | os.PathLike[str]) -> bool:
    """Return whether a text is `package.module:function`, and no file."""
    return isinstance(text, str) and bool(_FUNCTION.fullmatch(text)) and not os.path.exists(text)


def made_by(text: str, schemes: Sequence[str]) -> Any:
    """Return the model that `package.module:function` makes; the user named it, so its code runs.

    Args:
        text: the module and its function, called without arguments; or an object that is the model itself.
        schemes: the libraries that may have been meant.

    Raises:
        ModelError: it cannot be imported or called.
    """
    module, _, name = text.partition(":")
    meant = nearest(module, list(schemes))
    hint = f"; did you mean {meant[0]}:{name}?" if meant else ""
    names = ", ".join(f"{scheme}:NAME" for scheme in schemes if scheme[:4] != "http")
    where = f"a model is a file, {names} or package.module:function"
    try:
        found = getattr(imported(module), name, None)
    except Exception as error:  # somebody's module may raise anything
        raise ModelNotFoundError(
            f"{text}: the module {module!r} cannot be imported ({error_text(error)})"
            f"{hint or '; check its name, and that it is installed or in the current folder'}; {where}"
        ) from error
    if found is None:
        near = nearest(name, [one for one in vars(sys.modules[module]) if not one.startswith("_")])
        raise ModelNotFoundError(
            f"{text}: the module {module!r} has no {name!r}{f'; did you mean {near[0]!r}?' if near else ''}"
        )
    if not (inspect.isroutine(found) or isinstance(found, type | functools.partial)):
        return found
    try:
        inspect.signature(found).bind()
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"{text}: takes arguments ({error}); name a function that takes none and returns the model; one "
            "of pictures is wrapped in Python, box = visioncam.blackbox(function), and named module:box"
        ) from error
    try:
        model = found()
    except Exception as error:
        raise ModelError(f"{text}: raised {error_text(error)}; fix it, or name another function") from error
    if model is None:
        raise ModelError(f"{text}: returned None; it must return the model")
    return model


def imported(module: str) -> Any:
    """Import a module that the user named; one in the current folder is found, too."""
    here = os.getcwd()
    added = here not in sys.path
    if added:
        sys.path.append(here)
    try:
        return importlib.import_module(module)
    finally:
        if added:
            sys.path.remove(here)
