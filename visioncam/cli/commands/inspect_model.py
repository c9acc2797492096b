"""`visioncam inspect`: what a model file holds, without running anything in it."""

from __future__ import annotations

import click

from visioncam.cli.exit import BAD_INPUT, DONE
from visioncam.cli.help import OUTPUT, Command
from visioncam.cli.terminal import Output

EXAMPLES = ("visioncam inspect my.keras", "visioncam inspect my.h5 --json")


@click.command("inspect", cls=Command, examples=EXAMPLES)
@click.argument("model")
@OUTPUT
@click.pass_obj
def inspect_model(output: Output, /, model: str) -> int:
    """Say what the model file MODEL holds, and what speaks against loading it.

    Nothing in it is built or run, and Keras is not loaded. The exit status is 2 where the other commands
    would refuse the file.
    """
    from visioncam_core.plugins.default import registry

    contents = registry().engine_for_file(model).inspect(model)
    output.document.update(
        model=model,
        kind=contents.kind,
        size=contents.size,
        sha256=contents.sha256,
        keras=contents.config.keras,
        layers=contents.layers,
        weights_declared=contents.declared,
        numbers_stored=contents.stored,
        problems=list(contents.problems),
    )
    output.line(f"{model}: a Keras model, .{contents.kind}, {contents.size:,} bytes")
    output.line(
        f"saved by Keras {contents.config.keras or 'of unknown version'}; {contents.stored:,} numbers stored"
    )
    output.line(f"sha256 {contents.sha256}")
    output.table(("layer", "how many"), ((name, str(count)) for name, count in contents.layers.items()))
    for problem in contents.problems:
        output.warn(problem)
    if not contents.problems:
        output.line("nothing in it speaks against loading it")
    return BAD_INPUT if contents.problems else DONE
