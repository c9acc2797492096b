"""`visioncam inspect`: what a model file holds, without running anything in it."""

from __future__ import annotations

import click

from visioncam.cli.exit import BAD_INPUT, DONE
from visioncam.cli.help import OUTPUT, Command
from visioncam.cli.terminal import Output

EXAMPLES = ("visioncam inspect my.keras", "visioncam inspect my.pt2 --json")


@click.command("inspect", cls=Command, examples=EXAMPLES)
@click.argument("model")
@OUTPUT
@click.pass_obj
def inspect_model(output: Output, /, model: str) -> int:
    """Print what the model file MODEL contains, and any reason not to load it.

    Nothing in it is built or run, and no framework is loaded. The exit code is 2 if the other commands
    would refuse the file.
    """
    from visioncam_core.plugins.default import registry

    contents = registry().engine_for_file(model).inspect(model)
    output.document.update(model=model, **contents.record())
    first, *others = contents.lines()
    output.line(f"{model}: {first}")
    for line in others:
        output.line(line)
    output.table(*contents.table())
    for problem in contents.problems:
        output.warn(problem)
    if not contents.problems:
        output.line("found no reason not to load it")
    return BAD_INPUT if contents.problems else DONE
