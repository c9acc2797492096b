"""The command itself: its subcommands, and how it starts and ends."""

from __future__ import annotations

import gc
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any

import click

from visioncam import __version__
from visioncam.cli.exit import guard
from visioncam.cli.help import PLUGIN_FILE, plugin_file_option
from visioncam.cli.quiet import LogWarnings, warn_through
from visioncam.cli.terminal import Output
from visioncam_core.text import did_you_mean

LOGGER = "visioncam"
HELP = """See why an image model decides as it does.

\b
visioncam explain cat.jpg                     the embedded ImageNet model
visioncam explain cat.jpg --model my.keras    a model of your own
visioncam compare cat.jpg -o compare.png      every method on one page
visioncam doctor my.keras cat.jpg             can the answer be trusted?
"""
COMMANDS = {
    "Explain": {
        "explain": ("explain:explain", "Explain pictures with one method."),
        "batch": ("batch:batch", "A folder, list or archive; resumes after an interruption."),
        "verify": ("verify:verify", "Recompute some maps of a batch and compare them."),
        "compare": ("compare:compare", "All methods on one contact sheet."),
        "evaluate": ("evaluate:evaluate", "Which map can be trusted: metrics and controls."),
        "audit": ("audit:audit", "Does it look at the objects, or at shortcuts?"),
        "diff": ("diff:diff", "Two models: where answers or evidence changed."),
        "report": ("report:report", "Pictures, maps and numbers in one HTML file."),
        "doctor": ("doctor:doctor", "Check a model on a picture and report problems."),
        "app": ("app:app_command", "Explain in a browser, on this computer."),
    },
    "Look around": {
        "layers": ("layers:layers", "A model's layers, and which one is explained."),
        "inspect": ("inspect_model:inspect_model", "What a model file contains; nothing in it is run."),
        "methods": ("listings:methods", "The methods and their options."),
        "renderers": ("listings:renderers", "The renderers and their options."),
        "metrics": ("listings:metrics", "The metrics and their options."),
        "plugins": ("plugins:plugins", "The plugins, and why one failed."),
    },
    "Extend": {
        "export-model": ("export_model:export_model", "A model and its map in one TFLite or ONNX file."),
        "new-plugin": ("new_plugin:new_plugin", "Create a plugin of your own."),
    },
}
"""Title -> command -> where it is and what it does.  A command is imported when it is run, not to list it."""
_MODULES = {name: home for group in COMMANDS.values() for name, (home, _) in group.items()}


def plugin_files(words: Sequence[str]) -> list[str]:
    """Return the files that `--plugin-file` names on a command line, each once."""
    words = words[: words.index("--")] if "--" in words else words
    found = [word.removeprefix(f"{PLUGIN_FILE}=") for word in words if word.startswith(f"{PLUGIN_FILE}=")]
    found += [after for word, after in pairwise(words) if word == PLUGIN_FILE]
    return list(dict.fromkeys(found))


def subcommand(words: Sequence[str]) -> str | None:
    pairs = pairwise(("", *words))
    return next((word for before, word in pairs if before != PLUGIN_FILE and not word.startswith("-")), None)


class App(click.Group):
    """A group whose every end is an exit code and at most one line, see `visioncam.cli.exit`."""

    def main(  # type: ignore[override]  # click's other keywords change nothing here
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        """Run the command line and exit."""
        words = list(sys.argv[1:] if args is None else args)
        output = Output.of(words)
        output.events = subcommand(words) == "batch"  # a line for each, however it ends
        handler = LogWarnings(output)

        def work() -> int | None:
            with output.alone():
                if subcommand(words) == "app":
                    os.environ.setdefault("VISIONCAM_PLUGINS", "")  # third-party code only where it is named
                for path in plugin_files(words):  # before flags are parsed: they follow from its options
                    from visioncam_core.plugins.default import load_plugin

                    load_plugin(path)
                with self.make_context("visioncam", words or ["--help"], obj=output) as context:
                    code: int | None = self.invoke(context)
                    return code

        logging.getLogger(LOGGER).addHandler(handler)
        try:
            with warnings.catch_warnings():
                warn_through(output)
                code = guard(work, output)
        finally:
            logging.getLogger(LOGGER).removeHandler(handler)
        sys.exit(code)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return None
        module, _, name = _MODULES[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"visioncam.cli.commands.{module}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a subcommand, or say which one was meant."""
        name = args[0]
        if name not in _MODULES and not name.startswith("-"):
            if os.path.exists(name):
                hint = f"; did you mean `visioncam explain {name}`?"
            else:
                hint = did_you_mean(name, _MODULES)
            ctx.fail(f"there is no command {name!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, _MODULES))
        for title, group in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), what) for name, (_, what) in group.items()])


@click.group(
    cls=App, help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@plugin_file_option
@click.version_option(__version__, prog_name="visioncam", message="%(prog)s %(version)s")
def app() -> None:
    """See why an image model decides as it does."""


def main() -> None:
    """Run `visioncam`; the console script."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter shows "?"
    try:
        app.main()
    finally:
        gc.freeze()  # at its end Python would search all of TensorFlow for garbage, for seconds
