"""`visioncam inspect`: what a model file holds, without running anything in it."""

from __future__ import annotations

import click

from visioncam.cli.help import Command
from visioncam.cli.shared_flags import output_flags
from visioncam.cli.terminal import Output

EXAMPLES = ("visioncam inspect my.keras", "visioncam inspect my.h5 --json")
REFUSED = 2  # as with every input that cannot be used


@click.command("inspect", cls=Command, examples=EXAMPLES)
@click.argument("model")
@output_flags
@click.pass_obj
def inspect_model(output: Output, /, model: str) -> int:
    """Say what the model file MODEL holds, and what speaks against loading it.

    Nothing in it is built or run, and Keras is not loaded. The exit status is 2 where the other commands
    would refuse the file.
    """
    from visioncam_core.plugins.default import registry

    held = registry().engine_for_file(model).inspect(model)
    output.document.update(
        model=model,
        kind=held.kind,
        size=held.size,
        sha256=held.sha256,
        keras=held.config.keras,
        layers=held.layers,
        weights_declared=held.declared,
        numbers_stored=held.stored,
        problems=list(held.problems),
    )
    output.line(f"{model}: a Keras model, .{held.kind}, {held.size:,} bytes")
    output.line(f"saved by Keras {held.config.keras or 'of unknown version'}; {held.stored:,} numbers stored")
    output.line(f"sha256 {held.sha256}")
    output.table(("layer", "how many"), ((name, str(count)) for name, count in held.layers.items()))
    for problem in held.problems:
        output.warn(problem)
    if not held.problems:
        output.line("nothing in it speaks against loading it")
    return REFUSED if held.problems else 0
