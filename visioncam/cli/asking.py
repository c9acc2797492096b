"""Flags that the commands share, and what they come to."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click

from visioncam.cli import plugin_files
from visioncam_core.class_names import load_class_names
from visioncam_core.errors import TargetError
from visioncam_core.geometry import NAMED
from visioncam_core.preprocess import SETTINGS
from visioncam_core.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def _all(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


output_flags = _all(
    click.option(
        "--json", is_flag=True, expose_value=False, help="Print data for programs instead of words."
    ),
    click.option(
        "--debug", is_flag=True, expose_value=False, help="Show tracebacks and what TensorFlow says."
    ),
    plugin_files.option,
)

model_flags = _all(
    click.option("--custom-objects", multiple=True, metavar="MODULE",
                 help="Python module with classes of your own that the model needs."),
    click.option("--allow-unsafe-model", is_flag=True,
                 help="Run code that the model file carries (Lambda layers). Only if you trust its maker."),
)  # fmt: skip

question_flags = _all(
    click.option("--class", "target", metavar="C",
                 help="Class to explain, index or name; by default the top one."),
    click.option("--layer", default="auto", show_default=True, metavar="L",
                 help="Layer to look at: a name, path or index of `visioncam layers`, re:PATTERN, auto."),
    click.option("--score", type=click.Choice(["logit", "probability"]), default="logit", show_default=True,
                 help="Score that is explained."),
    click.option("--output", metavar="NAME",
                 help="Output of the model, name or index; the first by default."),
    click.option("--evidence", type=click.Choice(["for", "against", "signed"]), default="for",
                 show_default=True, help="What speaks for the class, against it, or both."),
    click.option("--preprocess", type=click.Choice(SETTINGS), default="auto", show_default=True,
                 help="How the picture's 0 to 255 become model input."),
    click.option("--geometry", type=click.Choice(list(NAMED)), default=None,
                 help="How the picture is fitted to the model; the model's own way by default, or resize."),
    click.option("--class-names", metavar="FILE", help="JSON or text file with the model's class names."),
    click.option("--batch-size", type=int, metavar="N", help="Pictures in one pass; 32 by default."),
    click.option("--seed", type=int, default=0, show_default=True, help="Seed of whatever a method draws."),
)  # fmt: skip


@attrs.frozen(eq=False)
class Question:
    """What is asked of the model.

    Attributes:
        target: class index or name, or None for the top class.
        settings: everything else, checked.
    """

    target: int | str | None
    settings: Settings

    @classmethod
    def of(cls, progress: Any = None, **given: Any) -> Question:
        """Return the question from the values of `question_flags`.

        Raises:
            OptionError: a number out of its range, or a file of class names that cannot be used.
            TargetError: a class index with thousands of digits.
        """
        settings = Settings(
            layer=index_or_name(given["layer"]),
            score=given["score"],
            output=index_or_name(given["output"]),
            evidence=given["evidence"],
            preprocess=given["preprocess"],
            geometry=given["geometry"],
            class_names=load_class_names(given["class_names"]),
            batch_size=given["batch_size"],
            seed=given["seed"],
            progress=progress,
        )
        return cls(index_or_name(given["target"]), settings)


def index_or_name(text: str | None) -> int | str | None:
    """Return a whole number as such, any other text as it is."""
    if text is None or not re.fullmatch(r"[+-]?[0-9]+", text):
        return text
    if len(text) > 1000:
        raise TargetError(
            f"the index {text[:20]}… has {len(text)} digits; no model has so many classes or layers"
        )
    return int(text)


def folder_option(function: F) -> F:
    """Add `-o DIR`."""
    return click.option(
        "-o",
        "--out",
        "folder",
        type=click.Path(path_type=Path, readable=False),
        default=Path(),
        metavar="DIR",
        help="Folder for the pictures; the current one by default.",
    )(function)
