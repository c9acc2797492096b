"""`visioncam methods`, `renderers` and `metrics`: what there is, without loading TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from visioncam.cli.help import Command
from visioncam.cli.json_records import spec_record
from visioncam.cli.shared_flags import output_flags
from visioncam.cli.terminal import Output
from visioncam_core.options.as_text import values_of, written_default
from visioncam_core.options.fields import OptionInfo, describe_options
from visioncam_core.plugins.default import methods as all_methods
from visioncam_core.plugins.default import metrics as all_metrics
from visioncam_core.plugins.default import registry
from visioncam_core.plugins.default import renderers as all_renderers
from visioncam_core.plugins.specs import MethodSpec, MetricSpec, RendererSpec

Row = MethodSpec | RendererSpec | MetricSpec


@click.command(cls=Command, examples=("visioncam methods", "visioncam methods scorecam ablationcam"))
@click.argument("names", metavar="[NAME...]", nargs=-1)
@output_flags
@click.pass_obj
def methods(output: Output, names: tuple[str, ...]) -> None:
    """List the methods, built in and of plugins, with their options, or those named.

    An option n=25 is written --n 25 on the command line, and n=25 in Python.
    """
    _listing(output, "methods", _named(names, all_methods(), registry().method))


@click.command(cls=Command, examples=("visioncam renderers", "visioncam renderers overlay"))
@click.argument("names", metavar="[NAME...]", nargs=-1)
@output_flags
@click.pass_obj
def renderers(output: Output, names: tuple[str, ...]) -> None:
    """List the renderers, built in and of plugins, with their options, or those named.

    An option alpha=0.7 is written --alpha 0.7 on the command line, and alpha=0.7 in Python.
    """
    _listing(output, "renderers", _named(names, all_renderers(), registry().renderer))


@click.command(cls=Command, examples=("visioncam metrics", "visioncam metrics deletion road"))
@click.argument("names", metavar="[NAME...]", nargs=-1)
@output_flags
@click.pass_obj
def metrics(output: Output, names: tuple[str, ...]) -> None:
    """List the measures of explanations, built in and of plugins, with their options, or those named.

    `visioncam evaluate` applies them.  docs/metrics.md has their exact definitions.
    """
    _listing(output, "metrics", _named(names, all_metrics(), registry().metric))


def _named(names: Sequence[str], every: Sequence[Row], find: Callable[[str], Row]) -> list[Row]:
    return list({spec.name: spec for spec in map(find, names)}.values()) if names else list(every)


def _listing(output: Output, kind: str, specs: Sequence[Row]) -> None:
    output.document[kind] = [spec_record(spec) for spec in specs]
    for spec in specs:
        brought = "" if spec.distribution in ("", "visioncam") else f", of {spec.distribution}"
        output.line((spec.name, "bold"), f"  {spec.title}{brought}")
        better = f"{spec.better} is better" if hasattr(spec, "better") and spec.better != "neither" else ""
        for text in (spec.summary, better, spec.reference):
            if text:
                output.line(f"    {text}")
        options = [(written_option(info), _meaning(info)) for info in describe_options(spec.cls)]
        width = max((len(written) for written, _ in options), default=0)
        for written, meaning in options:
            output.line((f"    {written:<{width}}", "cyan"), f"  {meaning}")


def _meaning(info: OptionInfo) -> str:
    """Return what an option does, its unit, and how its values are written where they are no plain number."""
    unit = f", in {info.unit}" if info.unit else ""
    values = values_of(info)
    odd = f" ({values.replace('|', ' or ')})" if {"|", ","} & set(values) and info.type is not bool else ""
    return f"{info.help}{unit}{odd}"


def written_option(info: OptionInfo) -> str:
    """Return an option with its default, such as `sigma=0.15`."""
    return f"{info.name}={written_default(info.default)}"
