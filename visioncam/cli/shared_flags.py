"""Flags that the commands share, and the request that they make."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from visioncam.cli.help import ASK, PICTURE, RESULT, RUN, F, option, options, plugin_file_option
from visioncam_core.errors import ImageError, OptionError
from visioncam_core.images.decode import load_picture
from visioncam_core.images.geometry import NAMED
from visioncam_core.images.preprocessing import SETTINGS
from visioncam_core.options.fields import OptionInfo, describe_options
from visioncam_core.pipeline.apply import Named
from visioncam_core.pipeline.request import Request
from visioncam_core.pipeline.settings import Settings
from visioncam_core.plugins.default import methods as all_methods
from visioncam_core.plugins.default import registry
from visioncam_core.plugins.specs import MethodSpec
from visioncam_core.targets.class_names import load_class_names
from visioncam_core.text import index_or_name

KEYWORDS = {info.name: info for info in describe_options(Settings)}


def described_flag(group: str, info: OptionInfo, **changes: Any) -> Callable[[F], F]:
    """Return the flag of a described option.

    Args:
        group: of the help.
        info: name, type, default and description.
        **changes: what `click.option` takes, in place of what follows from the option.
    """
    made: dict[str, Any] = {"help": f"{info.help[0].upper()}{info.help[1:]}.", "default": info.default}
    if info.default is not None:
        made["show_default"] = True
    if info.choices:
        made["type"] = click.Choice([str(choice) for choice in info.choices])
    elif info.type in (int, int | None):
        made |= {"type": int, "metavar": info.unit or "N"}
    return option(group, f"--{info.name.replace('_', '-')}", **{**made, **changes})


def keyword_flag(group: str, name: str, **changes: Any) -> Callable[[F], F]:
    """Return the flag of a keyword of `visioncam.explain`, see `described_flag`."""
    return described_flag(group, KEYWORDS[name], **changes)


output_flags = options(
    option(RESULT, "--json", is_flag=True, expose_value=False,
           help="Print data for programs instead of words."),
    option(RUN, "--debug", is_flag=True, expose_value=False,
           help="Show tracebacks and what TensorFlow says."),
    plugin_file_option,
)  # fmt: skip

model_option = option(
    ASK, "--model", metavar="FILE",
    help="Keras model, .keras or .h5; the embedded ImageNet model by default.",
)  # fmt: skip


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    context.meta[f"{META}{parameter.name}"] = value


META = "visioncam.model_file."
model_flags = options(
    option(RUN, "--sha256", metavar="HEX", expose_value=False, callback=_remember,
           help="The checksum that the model file must have, or it is not loaded."),
    option(RUN, "--trust-savedmodel", is_flag=True, expose_value=False, callback=_remember,
           help="Take the folder of a SavedModel, a program. Only if you trust its maker."),
    option(RUN, "--custom-objects", multiple=True, metavar="MODULE", expose_value=False, callback=_remember,
           help="Python module with classes of your own that the model needs."),
    option(RUN, "--allow-unsafe-model", is_flag=True, expose_value=False, callback=_remember,
           help="Load the file unchecked and run code it carries (Lambda). Only if you trust its maker."),
)  # fmt: skip

picture_flags = options(
    keyword_flag(PICTURE, "preprocess", type=click.Choice(SETTINGS)),
    keyword_flag(PICTURE, "geometry", type=click.Choice(list(NAMED))),
    keyword_flag(PICTURE, "frame"),
    keyword_flag(PICTURE, "max_pixels"),
)


def _single(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> str | None:
    if len(values) > 1:
        several = any(one.name == "targets" for one in context.command.params)
        where = "" if several else "`visioncam compare` with "
        raise click.UsageError(
            f"--target (--class) names one class and was given {len(values)} times; for several side by side "
            f"use {where}--targets {','.join(values)}"
        )
    return values[0] if values else None


def target_flag(help: str) -> Callable[[F], F]:
    """Return `--target`, which names one class."""
    return option(
        ASK, "--target", "--class", "target", metavar="C", multiple=True, callback=_single, help=help
    )


target_option = target_flag("Class to explain, index or name; the top one by default.")
targets_option = options(
    target_option,
    option(ASK, "--targets", metavar="A,B", multiple=True,
           help="Several classes side by side, or top2 to top5 for the model's best."),
)  # fmt: skip
method_option = option(
    ASK, "--method", default="gradcam", show_default=True, metavar="M", help="See `visioncam methods`."
)
methods_option = options(
    option(ASK, "--methods", default="all", show_default=True, metavar="A,B",
           help="Names of `visioncam methods`."),
    option(ASK, "--method", metavar="M", help="One method; the same as --methods with one name."),
)  # fmt: skip
layers_option = option(
    ASK, "--layers", metavar="A,B", multiple=True, help="Several layers side by side; they are not fused."
)

names_option = keyword_flag(ASK, "class_names", metavar="FILE")
layer_option = keyword_flag(ASK, "layer", multiple=True, metavar="L", default=(), show_default=False)
request_flags = options(
    names_option,
    layer_option,
    keyword_flag(ASK, "fuse"),
    keyword_flag(ASK, "score"),
    keyword_flag(ASK, "output", metavar="NAME"),
    keyword_flag(ASK, "evidence"),
    picture_flags,
    keyword_flag(RUN, "batch_size"),
    keyword_flag(RUN, "max_memory"),
    keyword_flag(RUN, "seed"),
)
boxes_option = option(
    ASK, "--boxes", metavar="CSV",
    help="Where the objects are: name,left,top,right,bottom a line, in pixels; folder/name if need be.",
)  # fmt: skip
option_flag = option(
    RUN, "--option", "extra", multiple=True, metavar="NAME=VALUE", help="Option of the method, by name."
)
options_flag = option(
    RUN, "--option", "extra", multiple=True, metavar="NAME=VALUE", help="Option of the methods that have it."
)
out_option = option(
    RESULT, "-o", "--out", "out", type=click.Path(path_type=Path, readable=False), default=Path(),
    metavar="PATH", help="Folder for the files, the current one by default; or a file, for one map.",
)  # fmt: skip


def keywords_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of `visioncam.explain` among a command's parameters, files of names read.

    Raises:
        OptionError: a file of class names that cannot be used.
        TargetError: an index with thousands of digits.
    """
    found = {name: values[name] for name in KEYWORDS if name in values}
    if "layer" in found:
        queries = [index_or_name(text) for text in found.pop("layer")]
        if queries:
            found["layer"] = queries[0] if len(queries) == 1 else queries
    if "output" in found:
        found["output"] = index_or_name(found["output"])
    if "class_names" in found:
        found["class_names"] = load_class_names(found["class_names"])
    return found


def request_of(
    context: click.Context,
    methods: Sequence[MethodSpec] = (),
    method_options: Sequence[Mapping[str, Any]] = (),
    progress: Any = None,
) -> Request:
    """Return the request that a command's flags make.

    Args:
        context: of the command that runs.
        methods: the chosen methods.
        method_options: their options, see `visioncam.cli.flags.options_of`.
        progress: called with (done, total).

    Raises:
        VisionCamError: a value that cannot be used.
    """
    named = [
        Named.of(*registry().make_method(spec.name, mine))
        for spec, mine in zip(methods, method_options, strict=True)
    ]
    keywords = {**keywords_of(context.params), "progress": progress}
    return Request.of(named, keywords, index_or_name(context.params.get("target")))


def several(context: click.Context, name: str) -> list[str] | None:
    """Return the texts that a plural flag such as `--layers A,B` lists; None where it was not given.

    Raises:
        UsageError: the singular was given, too, or nothing is listed.
    """
    values = context.params[f"{name}s"]
    if context.get_parameter_source(f"{name}s") is ParameterSource.DEFAULT:
        return None
    if context.params[name]:
        raise click.UsageError(f"--{name} and --{name}s were both given; put every {name} into --{name}s A,B")
    joined = values if isinstance(values, str) else ",".join(values)
    texts = list(dict.fromkeys(text.strip() for text in joined.split(",") if text.strip()))
    if not texts:
        raise OptionError(f"--{name}s names no {name}, received {joined!r}; see `visioncam {name}s`")
    return texts


def methods_of(context: click.Context) -> list[MethodSpec]:
    """Return the methods of `--methods` or `--method`, each once; every one by default."""
    one = context.params["method"]
    names = several(context, "method") or ([one] if one else ["all"])
    if names == ["all"]:
        return list(all_methods())
    return list({spec.name: spec for spec in map(registry().method, names)}.values())


def layers_of(context: click.Context) -> list[int | str | None] | None:
    """Return the layers of `--layers`; None where there is only one, or one that is fused."""
    texts = several(context, "layer")
    return None if texts is None else [index_or_name(text) for text in texts]


def targets_of(context: click.Context) -> Any:
    """Return the classes of `--targets`: a list, or a stack such as "top2"; `--target` is a list of one."""
    texts, one = several(context, "target"), context.params["target"]
    if texts is None:
        if one is not None and re.fullmatch(r"top\d", one):
            raise click.UsageError(
                f"--target (--class) names one class; for the model's best use --targets {one}"
            )
        return [index_or_name(one)]
    return (
        texts[0] if len(texts) == 1 and re.fullmatch(r"top\d+", texts[0]) else list(map(index_or_name, texts))
    )


def unreadable(paths: Sequence[str], settings: Settings) -> dict[str, ImageError]:
    """Return why pictures cannot be opened, up to the first that can.

    A mistyped name is reported at once, before the seconds that TensorFlow takes.

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
