"""Commands, their options, and help in groups: what to ask, how the picture is read, what is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from visioncam.cli.quiet import quiet

F = TypeVar("F", bound=Callable[..., Any])

ASK = "What to explain"
PICTURE = "Reading the picture"
RESULT = "Output"
RUN = "Running"
GROUPS = (ASK, PICTURE, RESULT, RUN)


class Option(click.Option):
    """An option that belongs to a group of the help."""

    def __init__(self, *args: Any, group: str = RUN, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.group = group


def option(group: str, *words: str, **keywords: Any) -> Callable[[F], F]:
    return click.option(*words, cls=Option, group=group, **keywords)


def options(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Return several decorators as one, the first on top."""

    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


PLUGIN_FILE = "--plugin-file"
plugin_file_option = option(
    RUN, PLUGIN_FILE, multiple=True, expose_value=False, metavar="FILE",
    help="Run this Python file and use the methods, renderers and selectors in it. Only if you trust it.",
)  # fmt: skip


OUTPUT = options(
    option(RESULT, "--json", is_flag=True, expose_value=False,
           help="Print JSON instead of text."),
    option(RUN, "--debug", is_flag=True, expose_value=False,
           help="Show tracebacks and TensorFlow's log."),
    plugin_file_option,
)  # fmt: skip


class Command(click.Command):
    """A command whose options are shown in their groups, below examples that work."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.examples = tuple(examples)

    def invoke(self, ctx: click.Context) -> Any:
        quiet(ctx.obj)
        return super().invoke(ctx)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_help_text(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_groups(ctx, formatter, self.get_params(ctx))


def write_groups(
    ctx: click.Context, formatter: click.HelpFormatter, params: Sequence[click.Parameter]
) -> None:
    """Write options, each group under its title; nothing of a group that has none."""
    options = [one for one in params if isinstance(one, click.Option)]
    for title in GROUPS:
        mine = [one for one in options if getattr(one, "group", RUN) == title]
        rows = [row for one in mine if (row := one.get_help_record(ctx)) is not None]
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)
