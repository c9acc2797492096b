"""`visioncam plugins`: what became of each."""

from __future__ import annotations

import warnings

import attrs
import click

from visioncam import api
from visioncam.cli.asking import output_flags
from visioncam.cli.terminal import Output
from visioncam_core.errors import PluginWarning


@click.command(short_help="List the plugins, and why one failed.")
@click.option("--traceback", "whole", is_flag=True, help="Show where failed plugins failed.")
@output_flags
@click.pass_obj
def plugins(output: Output, whole: bool) -> None:
    """List every plugin found, built in or installed, and what became of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # told below, better
        found = api.plugins()
    output.document["plugins"] = [attrs.asdict(one) for one in found]
    rows = [
        (
            one.name,
            f"{one.distribution} {one.version}".strip(),
            one.status,
            ", ".join(hook.removeprefix("visioncam_") for hook in one.hooks),
            f"{one.stage}: {one.error}" if one.error else "",
        )
        for one in found
    ]
    output.table(("plugin", "distribution", "status", "hooks", "problem"), rows)
    for one in found:
        if whole and one.traceback:
            output.line()
            output.line((f"{one.name} of {one.distribution}", "bold"))
            for line in one.traceback.splitlines():
                output.line(f"  {line}")
