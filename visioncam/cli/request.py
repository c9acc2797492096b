"""From a command's flags to a request of the library."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

from visioncam.cli.flags import KEYWORDS
from visioncam_core.errors import ImageError, OptionError
from visioncam_core.images.decode import load_picture
from visioncam_core.pipeline.apply import Method
from visioncam_core.pipeline.request import Request, several_methods
from visioncam_core.pipeline.settings import Settings
from visioncam_core.plugins.default import registry
from visioncam_core.plugins.specs import MethodSpec
from visioncam_core.targets.class_names import load_class_names
from visioncam_core.text import index_or_name


def keywords_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of `visioncam.explain` among a command's parameters, files of names read."""
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
    """Return the request that a command's flags make, with an option mapping for each method."""
    named = [
        Method.of(*registry().make_method(spec.name, mine))
        for spec, mine in zip(methods, method_options, strict=True)
    ]
    keywords = {**keywords_of(context.params), "progress": progress}
    return Request.of(named, keywords, index_or_name(context.params.get("target")))


def methods_of(context: click.Context, default: Any = "all") -> list[MethodSpec]:
    """Return the methods of `--methods`, names and families, or `--method`, each once."""
    names = several_methods(context.params["method"], _names_of(context, "method"), default)
    return list({spec.name: spec for spec in map(registry().method, names)}.values())


def layers_of(context: click.Context) -> list[int | str | None] | None:
    """Return the layers of `--layers`; None where there is only one, or one that is fused."""
    texts = _names_of(context, "layer")
    return None if texts is None else [index_or_name(text) for text in texts]


def targets_of(context: click.Context) -> Any:
    """Return the classes of `--targets`: a list, or a stack such as "top2"; `--target` is a list of one."""
    texts, one = _names_of(context, "target"), context.params["target"]
    if texts is None:
        if one is not None and re.fullmatch(r"top\d", one):
            raise click.UsageError(
                f"--target (--class) names one class; for the model's best use --targets {one}"
            )
        return [index_or_name(one)]
    if len(texts) == 1 and re.fullmatch(r"top\d+", texts[0]):
        return texts[0]
    return [index_or_name(text) for text in texts]


def _names_of(context: click.Context, name: str) -> list[str] | None:
    """Return the texts that a plural flag such as `--layers A,B` lists; None where it was not given."""
    values = context.params[f"{name}s"]
    if context.get_parameter_source(f"{name}s") is ParameterSource.DEFAULT:
        return None
    if context.params[name]:
        raise click.UsageError(f"--{name} and --{name}s were both given; put every {name} into --{name}s A,B")
    joined = values if isinstance(values, str) else ",".join(values)
    texts = names_in(joined)
    if not texts:
        raise OptionError(f"--{name}s names no {name}, received {joined!r}; see `visioncam {name}s`")
    return texts


def names_in(text: str) -> list[str]:
    """Return the names in `A,B`, each once."""
    return list(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))


def check_readable(path: str, settings: Settings) -> None:
    """Raise `ImageError` unless a picture can be opened.

    A mistyped name is reported at once, before the seconds that TensorFlow takes.
    """
    load_picture(path, max_pixels=settings.max_pixels, frame=settings.frame)


def unreadable(paths: Sequence[str], settings: Settings) -> dict[str, ImageError]:
    """Return why pictures cannot be opened, up to the first that can."""
    found: dict[str, ImageError] = {}
    for path in paths:
        try:
            check_readable(path, settings)
        except ImageError as error:
            found[path] = error
        else:
            break
    return found
