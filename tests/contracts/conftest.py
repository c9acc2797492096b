"""What the contract tests share: the command line run in this process, and frozen texts.

These tests know only what users know: public names, commands and files.  No module path of the inside.
"""

from __future__ import annotations

import gc
import os
import runpy
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from click.testing import CliRunner, Result

REWRITE = os.environ.get("REWRITE_CONTRACTS") == "1"


class _Program:
    """`python -m visioncam`, in the form that click's test runner takes."""

    name = "visioncam"

    def main(self, args: Sequence[str] = (), **_: Any) -> None:
        """Run the program and let its exit through."""
        with (
            patch.object(sys, "argv", ["visioncam", *args]),
            patch.object(gc, "freeze"),  # the program does it on its way out, and this process lives on
            warnings.catch_warnings(),
        ):
            runpy.run_module("visioncam", run_name="__main__", alter_sys=False)


@pytest.fixture(scope="session")
def visioncam_command() -> Callable[..., Result]:
    """Return a function that runs a command line in this process: exit code, stdout, stderr."""

    def run(*words: object) -> Result:
        return CliRunner().invoke(_Program(), [str(word) for word in words])  # type: ignore[arg-type]

    return run


@pytest.fixture
def same_as_frozen() -> Callable[[Path, str], None]:
    """Return a function that compares a text with a frozen file, or writes it under REWRITE_CONTRACTS=1."""

    def check(path: Path, text: str) -> None:
        if REWRITE:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path.name} is not frozen yet; run with REWRITE_CONTRACTS=1"
        assert text == path.read_text(encoding="utf-8")

    return check


@pytest.fixture(scope="session")
def saved(checkout: Path) -> Path:
    """Return the folder of files that an earlier VisionCam wrote."""
    return checkout / "tests" / "data" / "saved"
