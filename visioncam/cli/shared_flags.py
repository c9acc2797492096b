"""Flags that the commands share, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import click

from visioncam.cli import plugin_files
from visioncam.cli.help import ASK, PICTURE, RESULT, RUN, option, options
from visioncam_core.errors import ImageError
from visioncam_core.images.decode import MAX_PIXELS, load_picture
from visioncam_core.images.geometry import NAMED
from visioncam_core.images.preprocessing import SETTINGS
from visioncam_core.pipeline.settings import Settings
from visioncam_core.targets.class_names import load_class_names
from visioncam_core.text import index_or_name

output_flags = options(
    option(RESULT, "--json", is_flag=True, expose_value=False,
           help="Print data for programs instead of words."),
    option(RUN, "--debug", is_flag=True, expose_value=False,
           help="Show tracebacks and what TensorFlow says."),
    plugin_files.option,
)  # fmt: skip

model_option = option(
    ASK, "--model", metavar="FILE",
    help="Keras model, .keras or .h5; the embedded ImageNet model by default.",
)  # fmt: skip


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    context.meta[f"{META}{parameter.name}"] = value


META, MODEL_FILE = "visioncam.model_file.", ("sha256", "trust_savedmodel")
model_flags = options(
    option(RUN, "--sha256", metavar="HEX", expose_value=False, callback=_remember,
           help="The checksum that the model file must have, or it is not loaded."),
    option(RUN, "--trust-savedmodel", is_flag=True, expose_value=False, callback=_remember,
           help="Take the folder of a SavedModel, a program. Only if you trust its maker."),
    option(RUN, "--custom-objects", multiple=True, metavar="MODULE",
           help="Python module with classes of your own that the model needs."),
    option(RUN, "--allow-unsafe-model", is_flag=True,
           help="Load the file unchecked and run code it carries (Lambda). Only if you trust its maker."),
)  # fmt: skip

picture_flags = options(
    option(PICTURE, "--preprocess", type=click.Choice(SETTINGS), default="auto", show_default=True,
           help="How its 0 to 255 become model input."),
    option(PICTURE, "--geometry", type=click.Choice(list(NAMED)), default=None,
           help="How it is fitted to the model; the model's own way by default, or resize."),
    option(PICTURE, "--frame", type=int, default=0, show_default=True, metavar="N",
           help="Which picture of an animation, or of a file with pages, from 0."),
    option(PICTURE, "--max-pixels", type=int, default=MAX_PIXELS, show_default=True, metavar="N",
           help="A larger picture is refused before it is decoded."),
)  # fmt: skip

class_option = option(
    ASK, "--class", "target", metavar="C", help="Class to explain, index or name; the top one by default."
)
classes_option = option(
    ASK, "--class", "targets", multiple=True, metavar="C",
    help="Class to explain, index or name, or top2 to top5 for the model's best; several, each with its own "
         "--class; the top one by default.",
)  # fmt: skip
stack_option = option(
    ASK, "--class", "target", metavar="C",
    help="Class to explain, index or name, or top5 for a stack of the best five; the top one by default.",
)  # fmt: skip

question_flags = options(
    option(ASK, "--class-names", metavar="FILE", help="JSON or text file with the model's class names."),
    option(ASK, "--layer", "layers", multiple=True, metavar="L",
           help="Name, path or index of `visioncam layers`, or re:PATTERN; chosen by default. Several, each "
                "with its own --layer, are fused."),
    option(ASK, "--fuse", type=click.Choice(["mean", "max"]), default="mean", show_default=True,
           help="How the maps of several layers become one."),
    option(ASK, "--score", type=click.Choice(["logit", "probability"]), default="logit", show_default=True,
           help="Score that is explained."),
    option(ASK, "--output", metavar="NAME",
           help="Output of the model, name or index; the first by default."),
    option(ASK, "--evidence", type=click.Choice(["for", "against", "signed"]), default="for",
           show_default=True, help="What speaks for the class, against it, or both."),
    picture_flags,
    option(RUN, "--batch-size", type=int, metavar="N",
           help="Pictures in one pass; 32 by default, 8 in `visioncam batch`."),
    option(RUN, "--max-memory", type=int, metavar="MB",
           help="What one batch of changed pictures may need, 300 by default, where --batch-size is not "
                "given."),
    option(RUN, "--seed", type=int, default=0, show_default=True, metavar="N",
           help="Seed of whatever a method draws."),
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
            layer=_layers(given["layers"]),
            fuse=given["fuse"],
            score=given["score"],
            output=index_or_name(given["output"]),
            evidence=given["evidence"],
            preprocess=given["preprocess"],
            geometry=given["geometry"],
            frame=given["frame"],
            max_pixels=given["max_pixels"],
            class_names=load_class_names(given["class_names"]),
            batch_size=given["batch_size"],
            max_memory=given["max_memory"],
            seed=given["seed"],
            progress=progress,
        )
        return cls(index_or_name(given["target"]), settings)


def classes_of(texts: Sequence[str]) -> Any:
    """Return a stack such as "top2" as it is, several classes as a list, and [None] for the top class."""
    classes = [index_or_name(text) for text in texts]
    return classes[0] if len(classes) == 1 else classes or [None]


def _layers(texts: Sequence[str]) -> Any:
    """Return a layer query, a list of several, or "auto" where nothing was asked for."""
    queries = [index_or_name(text) for text in texts]
    return queries[0] if len(queries) == 1 else queries or "auto"


out_option = option(
    RESULT, "-o", "--out", "out", type=click.Path(path_type=Path, readable=False), default=Path(),
    metavar="PATH", help="Folder for the files, the current one by default; or a file, for one map.",
)  # fmt: skip


def unreadable(paths: Sequence[str], settings: Settings) -> dict[str, ImageError]:
    """Return why pictures cannot be shown, up to the first that can.

    A mistyped name is so told at once, not after the seconds that TensorFlow takes.

    Args:
        paths: the pictures, as the user gave them.
        settings: which frame of them, and how large they may be.
    """
    found: dict[str, ImageError] = {}
    for path in paths:
        try:
            load_picture(path, max_pixels=settings.max_pixels, frame=settings.frame)
        except ImageError as error:
            found[path] = error
        else:
            break
    return found
