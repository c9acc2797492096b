"""From flags and `--option name=value` to a method or renderer with its options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import click

from visioncam.cli.flags import PREFIX, Flag, Spec, pairs
from visioncam_core.errors import OptionTypeError
from visioncam_core.options.fields import describe_options, parse_option
from visioncam_core.text import did_you_mean, listing


@attrs.frozen(eq=False)
class Written:
    """What the user wrote for one kind of thing.

    Attributes:
        kind: "method", "renderer", "sheet" or "file".
        flags: the command's generated flags.
        values: option name -> what stood behind its flag: text, or a bool for a switch.
        extra: option name -> text, from `--option`, `--render-option` or `--save-option`.
        extra_flag: which of these.
    """

    kind: str
    flags: Sequence[Flag]
    values: Mapping[str, str | bool]
    extra: Mapping[str, str]
    extra_flag: str

    def options_for(self, specs: Sequence[Spec]) -> list[dict[str, object]]:
        """Return each one's options, parsed; an option goes to all that have it.

        Raises:
            OptionError: a text that cannot be read as the option's type, or is none of its choices.
            OptionTypeError: an option that none of them has.
            UsageError: one option given in both ways.
        """
        twice = [name for name in self.extra if name in self.values and self._means(name)]
        if twice:
            raise click.UsageError(f"option {twice[0]!r} was given as a flag and as {self.extra_flag}")
        found = []
        used: set[str] = set()
        for spec in specs:
            mine: dict[str, object] = {}
            for info in describe_options(spec.cls):
                for given in (self.values, self.extra):
                    if info.name in given:
                        value = given[info.name]
                        mine[info.name] = parse_option(info, value) if isinstance(value, str) else value
                        used.add(info.name)
            found.append(mine)
        self._refuse(specs, [name for name in self.extra if name not in used])
        return found

    def _means(self, name: str) -> bool:
        return any(
            kind == self.kind for flag in self.flags if flag.option == name for kind, _, _ in flag.meanings
        )

    def _refuse(self, specs: Sequence[Spec], unknown: Sequence[str]) -> None:
        if not unknown:
            return
        who = listing([spec.name for spec in specs])
        names = sorted({info.name for spec in specs for info in describe_options(spec.cls)})
        hint = did_you_mean(unknown[0], names) or ";"
        has = f"options: {', '.join(names)}" if names else "it takes none"
        raise OptionTypeError(f"{self.kind} {who} has no option {unknown[0]!r}{hint} {has}")


def written(flags: Sequence[Flag], kind: str, values: Mapping[str, Any], extra: Sequence[str]) -> Written:
    """Return what was written for one kind.

    Args:
        flags: the command's generated flags.
        kind: "method", "renderer", "sheet" or "file".
        values: the command's parameters, of which the generated ones are taken.
        extra: `name=value` texts.
    """
    given = {
        name.removeprefix(PREFIX): value
        for name, value in values.items()
        if name.startswith(PREFIX) and value is not None
    }
    extra_flag = {"method": "--option", "file": "--save-option"}.get(kind, "--render-option")
    return Written(kind, flags, given, pairs(extra, extra_flag), extra_flag)


def refuse_idle(
    flags: Sequence[Flag], values: Mapping[str, Any], chosen: Mapping[str, Sequence[Spec]]
) -> None:
    """Refuse a flag that means nothing to what was chosen.

    Args:
        flags: the command's generated flags.
        values: the command's parameters.
        chosen: kind -> the methods or renderers in use.

    Raises:
        UsageError: naming the flag, and who has the option.
    """
    for flag in flags:
        if values.get(f"{PREFIX}{flag.option}") is None:
            continue
        if any(owner in [spec.name for spec in chosen.get(kind, ())] for kind, owner, _ in flag.meanings):
            continue
        kinds = dict.fromkeys(kind for kind, _, _ in flag.meanings)
        now = ", ".join(f"{kind} {listing([spec.name for spec in chosen.get(kind, ())])}" for kind in kinds)
        owners = ", ".join(f"{kind} {owner!r}" for kind, owner, _ in flag.meanings)
        raise click.UsageError(f"{flag.words[0]} means nothing to {now}; it belongs to {owners}")
