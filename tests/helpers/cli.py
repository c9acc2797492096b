"""Running the command line: in this process, or in one of its own as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner


@attrs.frozen
class Ended:
    """The outcome of a run."""

    code: int
    stdout: str
    stderr: str

    @property
    def data(self) -> Any:
        """Standard output as JSON; NaN and Infinity are no JSON."""
        return json.loads(self.stdout, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))

    @property
    def message(self) -> str:
        """The one line on standard error."""
        (line,) = self.stderr.splitlines()
        assert line.startswith("visioncam: error: ")
        return line.removeprefix("visioncam: error: ")


def run(*args: object) -> Ended:
    """Run the command line in this process."""
    from visioncam.cli.main import app

    done = CliRunner().invoke(app, [os.fspath(a) if isinstance(a, Path) else str(a) for a in args])
    return Ended(done.exit_code, done.stdout, done.stderr)


def environment(**changes: str) -> dict[str, str]:
    """Return an environment for a new Python that finds what this one does; TensorFlow is as loud as ever."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | changes
    env.pop("TF_CPP_MIN_LOG_LEVEL", None)
    return env


def run_alone(*args: object, code: str | None = None) -> Ended:
    """Run the command line in a process of its own, as a user does."""
    start = ["-m", "visioncam"] if code is None else ["-c", code]
    done = subprocess.run(
        [sys.executable, *start, *map(str, args)],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=300,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
