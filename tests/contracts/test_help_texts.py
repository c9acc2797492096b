"""The help of the program and of every command stays word for word.

Where a change is meant, rewrite the files and read the difference:

    REWRITE_CONTRACTS=1 python -m pytest tests/contracts/test_help_texts.py -n 0
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HELP = Path(__file__).parent / "help"
COMMANDS = (
    "explain", "batch", "verify", "compare", "evaluate", "audit", "diff", "report", "doctor", "app",
    "layers", "inspect", "methods", "renderers", "metrics", "plugins",
    "export-model", "new-plugin",
)  # fmt: skip


def test_the_program_lists_exactly_these_commands(visioncam_command: Callable[..., Any]) -> None:
    listed = visioncam_command("--help").stdout.split("Explain:", 1)[1]
    assert tuple(re.findall(r"^  ([a-z][a-z-]*)  +\S", listed, re.MULTILINE)) == COMMANDS


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_stays(
    command: str, visioncam_command: Callable[..., Any], same_as_frozen: Callable[[Path, str], None]
) -> None:
    done = visioncam_command(*filter(None, [command]), "--help")
    assert (done.exit_code, done.stderr) == (0, "")
    same_as_frozen(HELP / f"{command or 'visioncam'}.txt", done.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_short_flag_gives_the_same_help(command: str, visioncam_command: Callable[..., Any]) -> None:
    assert visioncam_command(command, "-h").stdout == visioncam_command(command, "--help").stdout


def test_no_words_give_the_help_of_the_program(visioncam_command: Callable[..., Any]) -> None:
    done = visioncam_command()
    assert done.exit_code == 0
    assert done.stdout == visioncam_command("--help").stdout


def test_no_frozen_help_is_left_over() -> None:
    assert {path.stem for path in HELP.glob("*.txt")} == {"visioncam", *COMMANDS}
