"""The model a command works on: the user's file, or the embedded one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import click

from visioncam.cli.quiet import quiet
from visioncam.cli.shared_flags import META, MODEL_FILE
from visioncam.cli.terminal import Output
from visioncam_core.pipeline import models
from visioncam_core.progress import people_watch


def open_model(
    output: Output, path: str | None, custom_objects: Sequence[str] = (), unsafe: bool = False
) -> Any:
    """Return the Keras model.

    Args:
        output: for a warning; a spinner is shown on a terminal.
        path: a `.keras` or `.h5` file, or a trusted SavedModel's folder; None for the embedded model.
        custom_objects: Python modules whose classes the file may name.
        unsafe: run code that the file carries.

    Raises:
        BackendError: no TensorFlow, or Keras on another backend.
        ModelError: a file that cannot be used, or the embedded model's weights are missing.
        UsageError: a checksum, and no file that it is of.
    """
    quiet(output)
    asked = _asked()
    if path is None and asked.get("sha256") is not None:
        raise click.UsageError("--sha256 is the checksum of a model file; name the file with --model")
    trusted = asked.get("trust_savedmodel") and path is not None and models.is_saved_model(path)
    if path is not None and not trusted:
        models.check_file(path)  # before the seconds that importing TensorFlow takes
    if unsafe:
        output.warn(f"--allow-unsafe-model: code in {path or 'the model'} may run with your rights")
    if trusted:
        output.warn("--trust-savedmodel: a SavedModel is a program, and runs with your rights")
    with _spinner():
        return models.open_model(path, custom_objects=custom_objects, unsafe=unsafe, **asked)


def _asked() -> dict[str, Any]:
    """Return what the flags that every command shares say of model files."""
    context = click.get_current_context(silent=True)
    return {key: context.meta.get(META + key) for key in MODEL_FILE} if context else {}


def model_named(positional: str | None, flag: str | None) -> str | None:
    """Return the model file that was named, as an argument or with `--model`.

    Raises:
        UsageError: both ways.
    """
    if positional is not None and flag is not None:
        raise click.UsageError(f"the model was named twice, {positional!r} and --model {flag!r}")
    return positional if flag is None else flag


def title_of(model: Any, path: str | None) -> str:
    """Return the model's name for people."""
    from visioncam_core.engine.model_card import card_of

    card = card_of(model)
    return (
        card.title if card is not None and card.title else path or str(getattr(model, "name", "SavedModel"))
    )


def _spinner() -> Any:
    if not people_watch():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status("loading the model")
