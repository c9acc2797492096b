"""The model that a command works on: the user's file, or the embedded one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import click

from visioncam.cli.flags import META
from visioncam.cli.terminal import Output
from visioncam_core.engine.model_card import card_of
from visioncam_core.pipeline import models
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request
from visioncam_core.progress import people_watch


def open_model(
    output: Output, path: str | None, custom_objects: Sequence[str] = (), unsafe: bool = False
) -> Any:
    """Return the model in a file, or the embedded one; `--sha256` and `--trust-savedmodel` count.

    `custom_objects` are Python modules whose classes the file may name; `unsafe` runs code that it carries.
    """
    sha256, trust = model_flag("sha256"), bool(model_flag("trust_savedmodel"))
    weights = model_flag("weights")
    if models.is_embedded(path) and sha256 is not None:
        raise click.UsageError("--sha256 is the checksum of a model file; name the file with --model")
    if path is not None:  # before the seconds that importing TensorFlow takes
        models.check_file(path, trust_savedmodel=trust)
    if unsafe:
        output.warn(f"--allow-unsafe-model: code in {path or 'the model'} may run with your permissions")
    if trust and path is not None and os.path.isdir(path):  # a folder that is a model is a SavedModel
        output.warn("--trust-savedmodel: a SavedModel is a program, and runs with your permissions")
    with _spinner():
        return models.open_model(
            path, custom_objects=custom_objects, unsafe=unsafe, sha256=sha256, trust_savedmodel=trust,
            weights=weights,
        )  # fmt: skip


def model_of(context: click.Context, path: str | None) -> Any:
    """Return the model that a command's flags name."""
    return open_model(
        context.obj, path, model_flag("custom_objects") or (), bool(model_flag("allow_unsafe_model"))
    )


def explainer_of(context: click.Context, request: Request, path: str | None) -> Explainer:
    return Explainer.of(model_of(context, path), request)


def model_flag(name: str) -> Any:
    """Return the value of a flag of model files; None outside a command."""
    context = click.get_current_context(silent=True)
    return context.meta.get(META + name) if context else None


def model_named(positional: str | None, flag: str | None) -> str | None:
    """Return the model file that was named, as an argument or with `--model`, not both ways."""
    if positional is not None and flag is not None:
        raise click.UsageError(f"the model was named twice, {positional!r} and --model {flag!r}")
    return positional if flag is None else flag


def title_of(model: Any, path: str | None) -> str:
    """Return the model's name for display."""
    card = card_of(model)
    title = card.title if card is not None else ""
    return title or path or str(getattr(model, "name", "SavedModel"))


def _spinner() -> Any:
    if not people_watch():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status("loading the model")
