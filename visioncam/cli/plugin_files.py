"""`--plugin-file FILE`: run a Python file and use what it brings.

Flags are made from the options of methods and renderers, so the files are loaded before the command line is
parsed.  Only files that are named are loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from visioncam.cli import help as helping

FLAG = "--plugin-file"

option = helping.option(
    helping.RUN,
    FLAG,
    multiple=True,
    expose_value=False,
    metavar="FILE",
    help="Run this Python file and use the methods, renderers and selectors in it. Only if you trust it.",
)


def named(words: Sequence[str]) -> list[str]:
    """Return the files that the words of a command line name, each once."""
    words = words[: words.index("--")] if "--" in words else words
    found = [word.removeprefix(f"{FLAG}=") for word in words if word.startswith(f"{FLAG}=")]
    found += [after for word, after in pairwise(words) if word == FLAG]
    return list(dict.fromkeys(found))


def command(words: Sequence[str]) -> str | None:
    """Return the subcommand that the words of a command line name."""
    pairs = pairwise(("", *words))
    return next((word for before, word in pairs if before != FLAG and not word.startswith("-")), None)


def load(words: Sequence[str]) -> None:
    """Load the files that the words of a command line name.

    Raises:
        PluginError: a file that does not exist, or that is broken.
    """
    for path in named(words):
        from visioncam_core.plugins.default import load_plugin

        load_plugin(path)
