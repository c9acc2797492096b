"""Flags made from the options of methods and renderers, plugins' included.

An option that several methods have is one flag.  The chosen method or renderer decides what a flag means; a
flag that none of the chosen has is an error.  An option whose flag the command needs itself is reached as
`--option name=value`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import attrs
import click

from visioncam.cli.flags import META
from visioncam.cli.help import Command, write_groups
from visioncam_core.errors import OptionTypeError
from visioncam_core.options.as_text import textual
from visioncam_core.options.fields import OptionInfo, describe_options, parse_option
from visioncam_core.plugins.default import methods, renderers
from visioncam_core.plugins.specs import RendererSpec
from visioncam_core.text import brief, did_you_mean, listing

SHEET = "sheet"  # the one renderer that draws a comparison
PREFIX = "option__"  # of the parameters that flags become
MOST = 5  # owners from which on a flag is listed once for all
BY_NAME = {
    "method": ("--option", "extra"),
    "renderer": ("--render-option", "render_extra"),
    "file": ("--save-option", "save_extra"),
}
"""Kind -> the flag that takes `name=value`, and its parameter."""


class Spec(Protocol):
    """What has options: a method, a renderer, a kind of file."""

    @property
    def name(self) -> str: ...

    @property
    def cls(self) -> type: ...


@attrs.frozen
class Kind:
    """One kind of thing that has options: "method", "renderer", "sheet" or "file"."""

    name: str
    title: str  # in the help
    specs: Callable[[], Sequence[Spec]]  # called when the command line is read


def drawing() -> list[RendererSpec]:
    """Return the renderers of single explanations."""
    return [spec for spec in renderers() if spec.name != SHEET]


METHOD = Kind("method", "Options of methods; `visioncam methods` says what they mean", methods)
RENDERER = Kind("renderer", "Options of renderers; `visioncam renderers` says what they mean", drawing)


@attrs.frozen
class Flag:
    """One flag and all it may mean."""

    option: str
    meanings: tuple[tuple[str, str, OptionInfo], ...]  # kind and name of who has it, and what it is there

    @property
    def words(self) -> list[str]:
        """How it is written; a switch where it is on or off wherever it means something."""
        word = self.option.replace("_", "-").strip("-")
        switch = all(info.type is bool for _, _, info in self.meanings)
        return [f"--{word}", f"--no-{word}"] if switch else [f"--{word}"]

    @property
    def parameter(self) -> str:
        """Name of click's parameter."""
        return f"{PREFIX}{self.option}"


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
    """A command with generated flags for the options of `kinds`, made when it is run or prints its help."""

    def __init__(self, *args: Any, kinds: Sequence[Kind], **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.kinds = kinds

    def generated(self) -> list[Flag]:
        taken = {word for param in self.params for word in (*param.opts, *param.secondary_opts)}
        return flags_of(self.kinds, taken | {"--help", "-h"})

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return click's own parameters and the generated ones."""
        made = [
            click.Option(["/".join(flag.words), flag.parameter], default=None) for flag in self.generated()
        ]
        return [*super().get_params(ctx), *made]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help: the command's own options, then what each method, renderer and file has."""
        flags = self.generated()
        write_groups(ctx, formatter, super().get_params(ctx))
        for kind in self.kinds:
            rows = [(name, " ".join(words)) for name, words in owners_of(flags, kind.name).items()]
            if rows:
                with formatter.section(kind.title):
                    formatter.write_dl(rows)


def owners_of(flags: Sequence[Flag], kind: str) -> dict[str, list[str]]:
    """Return who has which flags, among one kind; what several have is listed once."""
    found: dict[str, list[str]] = {}
    common: list[str] = []
    for flag in flags:
        owners = [owner for of, owner, _ in flag.meanings if of == kind]
        if len(owners) >= MOST:
            common.append(flag.words[0])
        else:
            for owner in owners:
                found.setdefault(owner, []).append(flag.words[0])
    return {"several": common, **found} if common else found


def options_of(
    context: click.Context, chosen: Mapping[str, Sequence[Spec]]
) -> dict[str, list[dict[str, object]]]:
    """Return the options of each chosen method, renderer or file, from flags and `name=value` texts.

    Args:
        context: of the command that runs.
        chosen: kind -> those in use.

    Raises:
        UsageError: a flag that means nothing to what was chosen, or one option given in both ways.
        OptionError: a text that cannot be read as the option's type, or is none of its choices.
        OptionTypeError: an option that none of them has.
    """
    command, values = context.command, context.params
    assert isinstance(command, Flagged)
    flags = [flag for flag in command.generated() if values.get(flag.parameter) is not None]
    for flag in flags:
        _refuse_idle(flag, chosen)
    found = {}
    for kind, specs in chosen.items():
        mine = [flag for flag in flags if kind in [of for of, _, _ in flag.meanings]]
        given = {flag.option: values[flag.parameter] for flag in mine}
        for name in ("weights", "window") if kind == "method" else ():
            if (word := context.meta.get(f"{META}word {name}")) is not None:
                given[name] = _method_word(name, word, specs)
        by_name, parameter = BY_NAME.get(kind, ("", ""))
        extra = _pairs(values.get(parameter, ()), by_name)
        if twice := [name for name in extra if name in given]:
            raise click.UsageError(f"option {twice[0]!r} was given as a flag and as {by_name}")
        found[kind] = [_parse(spec, {**given, **extra}) for spec in specs]
        _refuse_unknown(kind, specs, extra)
    return found


def _method_word(name: str, word: str, specs: Sequence[Spec]) -> str:
    """Return what `--weights WORD` or `--window N` means to methods: it is no file, and no pair."""
    if not any(info.name == name for spec in specs for info in describe_options(spec.cls)):
        wants = {"weights": "weights file", "window": "pair LOW,HIGH"}[name]
        raise click.UsageError(
            f"--{name} {word!r} is not a {wants}, and is not an option of method "
            f"{listing([spec.name for spec in specs])}"
        )
    return word


def _pairs(texts: Sequence[str], flag: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise click.UsageError(f"{flag} takes name=value, received {brief(text)}")
        if name in found:
            raise click.UsageError(f"{flag} {name}=… was given twice")
        found[name] = value
    return found


def _parse(spec: Spec, given: Mapping[str, Any]) -> dict[str, object]:
    return {
        info.name: parse_option(info, value) if isinstance(value, str) else value
        for info in describe_options(spec.cls)
        if (value := given.get(info.name)) is not None
    }


def _refuse_idle(flag: Flag, chosen: Mapping[str, Sequence[Spec]]) -> None:
    """Refuse a flag that means nothing to what was chosen; the error names who has the option."""
    names = {kind: [spec.name for spec in specs] for kind, specs in chosen.items()}
    if any(owner in names.get(kind, ()) for kind, owner, _ in flag.meanings):
        return
    kinds = dict.fromkeys(kind for kind, _, _ in flag.meanings)
    now = ", ".join(f"{kind} {listing(names.get(kind, ()))}" for kind in kinds)
    owners = ", ".join(f"{kind} {owner!r}" for kind, owner, _ in flag.meanings)
    raise click.UsageError(f"{flag.words[0]} does not apply to {now}; it is an option of {owners}")


def _refuse_unknown(kind: str, specs: Sequence[Spec], extra: Mapping[str, str]) -> None:
    names = sorted({info.name for spec in specs for info in describe_options(spec.cls)})
    unknown = [name for name in extra if name not in names]
    if unknown:
        hint = did_you_mean(unknown[0], names) or ";"
        has = f"options: {', '.join(names)}" if names else "it takes none"
        who = listing([spec.name for spec in specs])
        raise OptionTypeError(f"{kind} {who} has no option {unknown[0]!r}{hint} {has}")
