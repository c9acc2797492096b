"""`visioncam new-plugin`: a folder with a complete, tested, installable plugin."""

from __future__ import annotations

from pathlib import Path

import click

from visioncam.cli.help import OUTPUT
from visioncam.cli.terminal import Output
from visioncam.new_plugin import KINDS, write_plugin


@click.command("new-plugin", short_help="Create a plugin of your own.")
@click.argument("name")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice(list(KINDS)), default="method", show_default=True,
              help="What the plugin adds.")  # fmt: skip
@OUTPUT
@click.pass_obj
def new_plugin(output: Output, name: str, folder: Path | None, kind: str) -> None:
    """Write a plugin called NAME into DIR (a new folder of that name by default).

    NAME is the name of the distribution, such as my-cam.  The plugin is complete: it works right away, and
    its tests pass.  Change it step by step.
    """
    made = write_plugin(name, folder, kind)
    output.document.update(
        name=made.name, kind=made.kind, folder=str(made.folder), files=[str(path) for path in made.files]
    )
    for path in made.files:
        output.line(f"wrote {made.folder / path}")
    output.line()
    for line in made.next_steps():
        output.line(line)
