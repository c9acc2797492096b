"""`visioncam methods`, `renderers` and `metrics`: what there is, without loading TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from visioncam.cli.help import OUTPUT, Command, options
from visioncam.cli.json_records import spec_record
from visioncam.cli.terminal import Output
from visioncam_core.options.as_text import values_of, written_default
from visioncam_core.options.fields import OptionInfo, describe_options
from visioncam_core.plugins import default
from visioncam_core.plugins.specs import MethodSpec, MetricSpec, RendererSpec

Row = MethodSpec | RendererSpec | MetricSpec
ARGUMENTS = options(click.argument("names", metavar="[NAME...]", nargs=-1), OUTPUT)


@click.command(cls=Command, examples=("visioncam methods", "visioncam methods scorecam ablationcam"))
@ARGUMENTS
@click.pass_obj
def methods(output: Output, names: tuple[str, ...]) -> None:
    """List the methods, built in and from plugins, with their options; or only those named.

    An option n=25 is written --n 25 on the command line, and n=25 in Python.
    """
    _list(output, "methods", names, default.methods(), default.registry().method)


@click.command(cls=Command, examples=("visioncam renderers", "visioncam renderers overlay"))
@ARGUMENTS
@click.pass_obj
def renderers(output: Output, names: tuple[str, ...]) -> None:
    """List the renderers, built in and from plugins, with their options; or only those named.

    An option alpha=0.7 is written --alpha 0.7 on the command line, and alpha=0.7 in Python.
    """
    _list(output, "renderers", names, default.renderers(), default.registry().renderer)


@click.command(cls=Command, examples=("visioncam metrics", "visioncam metrics deletion road"))
@ARGUMENTS
@click.pass_obj
def metrics(output: Output, names: tuple[str, ...]) -> None:
    """List the metrics, built in and from plugins, with their options; or only those named.

    `visioncam evaluate` applies them.  docs/metrics.md has their exact definitions.
    """
    _list(output, "metrics", names, default.metrics(), default.registry().metric)


def _list(
    output: Output, kind: str, names: Sequence[str], every: Sequence[Row], find: Callable[[str], Row]
) -> None:
    specs = list({spec.name: spec for spec in map(find, names)}.values()) if names else every
    output.document[kind] = [spec_record(spec) for spec in specs]
    for spec in specs:
        brought = "" if spec.distribution in ("", "visioncam") else f", of {spec.distribution}"
        output.line((spec.name, "bold"), f"  {spec.title}{brought}")
        better = f"{spec.better} is better" if hasattr(spec, "better") and spec.better != "neither" else ""
        for text in (spec.summary, better, spec.reference):
            if text:
                output.line(f"    {text}")
        options = {
            f"{info.name}={written_default(info.default)}": _meaning(info)
            for info in describe_options(spec.cls)
        }
        width = max(map(len, options), default=0)
        for written, meaning in options.items():
            output.line((f"    {written:<{width}}", "cyan"), f"  {meaning}")


def _meaning(info: OptionInfo) -> str:
    """Return what an option does, its unit, and how its values are written where they are no plain number."""
    unit = f", in {info.unit}" if info.unit else ""
    values = values_of(info)
    odd = f" ({values.replace('|', ' or ')})" if {"|", ","} & set(values) and info.type is not bool else ""
    return f"{info.help}{unit}{odd}"
