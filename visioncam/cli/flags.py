"""Flags that the commands share.  They are made without importing what the commands need to run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from visioncam.cli.help import ASK, PICTURE, RESULT, RUN, F, option, options
from visioncam_core.images.geometry import NAMED
from visioncam_core.images.preprocessing import SETTINGS
from visioncam_core.options.fields import OptionInfo, describe_options, parse_option
from visioncam_core.pipeline.settings import Settings

KEYWORDS = {info.name: info for info in describe_options(Settings)}
META = "visioncam.model_file."  # of the flags of model files in the context


def described_flag(group: str, info: OptionInfo, **changes: Any) -> Callable[[F], F]:
    """Return the flag of a described option; `changes` replace what follows from the option."""
    made: dict[str, Any] = {"help": f"{info.help[0].upper()}{info.help[1:]}.", "default": info.default}
    if info.default is not None:
        made["show_default"] = True
    if info.choices:
        made["type"] = click.Choice([str(choice) for choice in info.choices])
    elif info.type in (int, int | None):
        made |= {"type": int, "metavar": info.unit or "N"}
    return option(group, f"--{info.name.replace('_', '-')}", **{**made, **changes})


def keyword_flag(group: str, name: str, **changes: Any) -> Callable[[F], F]:
    """Return the flag of a keyword of `visioncam.explain`."""
    return described_flag(group, KEYWORDS[name], **changes)


def target_flag(help: str) -> Callable[[F], F]:
    """Return `--target`, which names one class."""
    return option(
        ASK, "--target", "--class", "target", metavar="C", multiple=True, callback=_one_target, help=help
    )


def _one_target(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> str | None:
    if len(values) > 1:
        several = any(one.name == "targets" for one in context.command.params)
        where = "" if several else "`visioncam compare` with "
        raise click.UsageError(
            f"--target (--class) names one class and was given {len(values)} times; for several side by side "
            f"use {where}--targets {','.join(values)}"
        )
    return values[0] if values else None


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    context.meta[f"{META}{parameter.name}"] = value


def _pair(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    name = str(parameter.name)
    if value is None or not value.strip().isdecimal() or not hasattr(context.command, "kinds"):
        return None if value is None else parse_option(KEYWORDS[name], value)
    context.meta[f"{META}word {name}"] = value  # the option of a method, see `options_of`
    return None


def _weights(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Remember a file of weights; a plain word is the option `weights` of a method, see `options_of`."""
    is_file = value is None or os.path.exists(value) or bool(os.path.splitext(value)[1])
    context.meta[META + ("weights" if is_file else "word weights")] = value


MODEL = option(
    ASK, "--model", metavar="MODEL",
    help="File (.keras, .h5, .pt2, .onnx, .tflite), library model (timm:, torchvision:, keras:, hf:NAME), "
    "http://host:8501/v1/models/NAME, or package.module:function; the embedded ImageNet model by default.",
)  # fmt: skip
TRUST = options(
    option(RUN, "--trust-savedmodel", is_flag=True, expose_value=False, callback=_remember,
           help="Load the folder of a SavedModel, which is a program. Only if you trust its author."),
    option(RUN, "--custom-objects", multiple=True, metavar="MODULE", expose_value=False, callback=_remember,
           help="Python module with custom classes that the model needs."),
    option(RUN, "--allow-unsafe-model", is_flag=True, expose_value=False, callback=_remember,
           help="Load the file unchecked and run code it carries (Lambda). Only if you trust its author."),
)  # fmt: skip
MODEL_FILE = options(
    option(RUN, "--weights", metavar="FILE", expose_value=False, callback=_weights,
           help="Weights (.safetensors, .pth, .h5) for a model given by name; or ScoreCAM's option."),
    option(RUN, "--sha256", metavar="HEX", expose_value=False, callback=_remember,
           help="Checksum of the model file, which is not loaded if it differs."),
    TRUST,
)  # fmt: skip
PICTURES = options(
    keyword_flag(PICTURE, "preprocess", type=click.Choice(SETTINGS)),
    keyword_flag(PICTURE, "geometry", type=click.Choice(list(NAMED))),
    keyword_flag(
        PICTURE,
        "window",
        metavar="LOW,HIGH",
        callback=_pair,
        help="Values that become black and white; what lies outside is clipped. One number is the side of "
        "occlusion's windows.",
    ),
    keyword_flag(PICTURE, "frame"),
    keyword_flag(PICTURE, "max_pixels"),
)
TARGET = target_flag("Class to explain, index or name; the top one by default.")
TARGETS = options(
    TARGET,
    option(ASK, "--targets", metavar="A,B", multiple=True,
           help="Several classes side by side, or top2 to top5 for the model's best."),
)  # fmt: skip
METHOD = option(
    ASK, "--method", default="gradcam", show_default=True, metavar="M", help="See `visioncam methods`."
)


def methods_flags(default: str | bool = True) -> Callable[[F], F]:
    """Return `--methods` and `--method`; `default` is what the help says."""
    return options(
        option(ASK, "--methods", default="all", show_default=default, metavar="A,B",
               help="Names of `visioncam methods`, or cam, gradient, region, attention for all of a family; "
                    "all means the paper's nine and those of plugins, every means every one."),
        option(ASK, "--method", metavar="M", help="One method; the same as --methods with one name."),
    )  # fmt: skip


METHODS = methods_flags()
LAYER = keyword_flag(ASK, "layer", multiple=True, metavar="L", default=(), show_default=False)
LAYERS = option(
    ASK, "--layers", metavar="A,B", multiple=True, help="Several layers side by side; they are not fused."
)
CLASS_NAMES = keyword_flag(ASK, "class_names", metavar="FILE")
BOXES = option(
    ASK, "--boxes", metavar="CSV",
    help="Where the objects are, one box per line: name,left,top,right,bottom in pixels; folder/name if "
         "names repeat.",
)  # fmt: skip
REQUEST = options(
    CLASS_NAMES,
    LAYER,
    keyword_flag(ASK, "fuse"),
    keyword_flag(ASK, "placement"),
    keyword_flag(ASK, "score"),
    keyword_flag(ASK, "output", metavar="NAME"),
    keyword_flag(ASK, "evidence"),
    PICTURES,
    keyword_flag(RUN, "batch_size"),
    keyword_flag(RUN, "max_memory"),
    keyword_flag(RUN, "seed"),
)
MEASURING = options(
    PICTURES,
    keyword_flag(RUN, "batch_size", help="Pictures per forward pass."),
    keyword_flag(RUN, "seed", help="Seed of the random numbers."),
)
RECURSIVE = option(RUN, "--recursive", is_flag=True, help="Search subfolders, too.")


def named_option(whose: str, kind: str = "option") -> Callable[[F], F]:
    """Return `--option`, `--render-option` or `--save-option`, which take `name=value`."""
    parameter = "extra" if kind == "option" else f"{kind.removesuffix('-option')}_extra"
    return option(RUN, f"--{kind}", parameter, multiple=True, metavar="NAME=VALUE", help=whose)


OPTION = named_option("Option of the method, by name.")
OPTIONS = named_option("Option of the methods that have it.")


def out_option(name: str, metavar: str, help: str, **how: Any) -> Callable[[F], F]:
    """Return `-o`; `name` is of its parameter."""
    path = click.Path(path_type=Path, readable=False)
    return option(RESULT, "-o", "--out", name, type=path, metavar=metavar, help=help, **how)
