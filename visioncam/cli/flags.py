"""Flags made from the options of methods and renderers, plugins' included.

An option that several methods have is one flag.  What a flag means is decided
by the method or renderer that was chosen; one that none of the chosen has is an
error.  An option whose flag the command needs itself is reached as `--option
name=value`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import attrs
import click

from visioncam.cli.help import Command, write_groups
from visioncam_core.options.as_text import textual
from visioncam_core.options.fields import OptionInfo, describe_options
from visioncam_core.text import shown

PREFIX = "option__"  # of the parameters that flags become
MOST = 5  # owners of a flag that is told once for all


class Spec(Protocol):
    """What has options: a method, a renderer, a kind of file."""

    @property
    def name(self) -> str:
        """How the user calls it."""

    @property
    def cls(self) -> type:
        """Its options are this class's."""


@attrs.frozen
class Kind:
    """One kind of thing that has options.

    Attributes:
        name: "method", "renderer", "sheet" or "file".
        title: heading in the help.
        specs: lists them; called when the command line is read, not before.
    """

    name: str
    title: str
    specs: Callable[[], Sequence[Spec]]


@attrs.frozen
class Flag:
    """One flag and all it may mean.

    Attributes:
        option: the option's name.
        meanings: who has it (kind, name), and what it is there.
    """

    option: str
    meanings: tuple[tuple[str, str, OptionInfo], ...]

    @property
    def switch(self) -> bool:
        """Whether it is on or off wherever it means something."""
        return all(info.type is bool for _, _, info in self.meanings)

    @property
    def words(self) -> list[str]:
        """How it is written."""
        word = self.option.replace("_", "-").strip("-")
        return [f"--{word}", f"--no-{word}"] if self.switch else [f"--{word}"]

    def parameter(self) -> click.Option:
        """Return it for click."""
        name = f"{PREFIX}{self.option}"
        return click.Option(["/".join(self.words), name], default=None)


def flags_of(kinds: Sequence[Kind], taken: set[str]) -> list[Flag]:
    """Return the flags of every option of these kinds that can be written as text.

    Args:
        kinds: whose options.
        taken: words the command uses itself; these get no second meaning.
    """
    found: dict[str, list[tuple[str, str, OptionInfo]]] = {}
    for kind in kinds:
        for spec in kind.specs():
            for info in describe_options(spec.cls):
                if textual(info.type):
                    found.setdefault(info.name, []).append((kind.name, spec.name, info))
    flags = []
    for name, meanings in found.items():
        flag = Flag(name, tuple(meanings))
        if taken.isdisjoint(flag.words):
            taken.update(flag.words)
            flags.append(flag)
    return flags


class Flagged(Command):
    """A command with generated flags.  They are made when it is run or asked for help."""

    kinds: Sequence[Kind] = ()

    def generated(self) -> list[Flag]:
        """Return the generated flags."""
        taken = {word for param in self.params for word in (*param.opts, *param.secondary_opts)}
        return flags_of(self.kinds, taken | {"--help", "-h"})

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return click's own parameters and the generated ones."""
        return [*super().get_params(ctx), *(flag.parameter() for flag in self.generated())]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help: the command's own options, then what each method, renderer and file has."""
        flags = self.generated()
        generated = {flag.parameter().name for flag in flags}
        own = [param for param in self.get_params(ctx) if param.name not in generated]
        write_groups(ctx, formatter, own)
        for kind in self.kinds:
            rows = [(name, " ".join(words)) for name, words in owned(flags, kind.name).items()]
            if rows:
                with formatter.section(kind.title):
                    formatter.write_dl(rows)


def owned(flags: Sequence[Flag], kind: str) -> dict[str, list[str]]:
    """Return who has which flags, among one kind; what most have is told once."""
    found: dict[str, list[str]] = {}
    common: list[str] = []
    for flag in flags:
        owners = [owner for of, owner, _ in flag.meanings if of == kind]
        if len(owners) >= MOST:
            common.append(flag.words[0])
        else:
            for owner in owners:
                found.setdefault(owner, []).append(flag.words[0])
    return {"most of them": common, **found} if common else found


def pairs(texts: Sequence[str], flag: str) -> dict[str, str]:
    """Return `name=value` texts as a mapping.

    Raises:
        UsageError: a text without `=`, or a name given twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise click.UsageError(f"{flag} takes name=value, received {shown(text)}")
        if name in found:
            raise click.UsageError(f"{flag} {name}=… was given twice")
        found[name] = value
    return found
