"""`visioncam methods` and `visioncam renderers`: what there is, without loading TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence

import click

from visioncam import api
from visioncam.cli.asking import output_flags
from visioncam.cli.flags import Spec, written_default
from visioncam.cli.records import spec_record
from visioncam.cli.terminal import Output
from visioncam_core.options import OptionInfo, describe_options


@click.command(short_help="List the methods and their options.")
@output_flags
@click.pass_obj
def methods(output: Output) -> None:
    """List the methods, built in and of plugins, with their options."""
    _listing(output, "methods", api.methods())


@click.command(short_help="List the renderers and their options.")
@output_flags
@click.pass_obj
def renderers(output: Output) -> None:
    """List the renderers, built in and of plugins, with their options."""
    _listing(output, "renderers", api.renderers())


def _listing(output: Output, kind: str, specs: Sequence[Spec]) -> None:
    output.document[kind] = [spec_record(spec) for spec in specs]
    for spec in specs:
        brought = "" if spec.distribution in ("", "visioncam") else f", of {spec.distribution}"
        output.line((spec.name, "bold"), f"  {spec.title}{brought}")
        for text in (spec.summary, spec.reference):
            if text:
                output.line(f"    {text}")
        options = [(written_option(info), info.help) for info in describe_options(spec.cls)]
        width = max((len(written) for written, _ in options), default=0)
        for written, meaning in options:
            output.line((f"    {written:<{width}}", "cyan"), f"  {meaning}")


def written_option(info: OptionInfo) -> str:
    """Return an option with its default, such as `sigma=0.15`."""
    return f"{info.name}={written_default(info.default)}"
