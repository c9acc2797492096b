"""A document followed to the letter: its files are written, its commands and Python are run, in its order."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import pytest

from helpers.cli import run as run_command
from helpers.docs import FENCE
from helpers.installed import plugins_in, put_in, python
from visioncam_core.plugins.default import BUILTINS, use_registry
from visioncam_core.plugins.registry import Registry

FILE = re.compile(r"# ([\w./-]+\.\w+)\n")


@attrs.define
class Reader:
    """Somebody who does what a document says, and reads nothing else.

    Attributes:
        folder: where they work.
        installs: command line that installs -> the project it installs; done without pip.
        skips: beginnings of command lines that need a network, or would change this machine.
        paths: what is installed.
        printed: what each command line printed, in order.
        skipped: the command lines that were skipped.
    """

    folder: Path
    installs: Mapping[str, str] = attrs.field(factory=dict)
    skips: Sequence[str] = ()
    paths: list[str] = attrs.field(factory=list)
    printed: list[tuple[str, str]] = attrs.field(factory=list)
    skipped: list[str] = attrs.field(factory=list)

    def follow(self, text: str) -> None:
        """Follow a document's blocks in their order."""
        for language, body in FENCE.findall(text):
            if language == "sh":
                for line in body.splitlines():
                    self.type(line.partition("  #")[0].strip())
            elif language in ("python", "toml"):
                self.write_or_run(body, language)

    def write_or_run(self, body: str, language: str) -> None:
        """Write a block that begins with a file's name; run other Python."""
        named = FILE.match(body)
        if named is not None:
            path = self.folder / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body, "utf-8")
        elif language == "python":
            printed = io.StringIO()
            with self._here(), contextlib.redirect_stdout(printed):
                exec(compile(body, "block", "exec", dont_inherit=True), {"__name__": "block"})
            self.printed.append((body, printed.getvalue()))

    def type(self, line: str) -> None:
        """Do what a command line does; it must end well."""
        if not line:
            return
        if line in self.installs:
            self.paths += put_in(self.folder / self.installs[line], self.folder / "site")
        elif line.startswith(tuple(self.skips)):
            self.skipped.append(line)
        else:
            command, *words = shlex.split(line)
            assert command in ("visioncam", "python"), line
            self.printed.append((line, self.command(*words) if command == "visioncam" else self.run(*words)))

    def command(self, *words: str) -> str:
        """Run VisionCam in this process, where TensorFlow is loaded once, as if it had just started."""
        with self._here():
            done = run_command(*words)
        assert done.code == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, *words: str) -> str:
        """Run a new Python; it must end well."""
        return python(*words, paths=self.paths, cwd=self.folder).stdout

    def output(self, line: str) -> str:
        """Return what a command line printed, the last time it was typed."""
        return [printed for typed, printed in self.printed if typed == line][-1]

    @contextlib.contextmanager
    def _here(self) -> Iterator[None]:
        """Work in the folder with what is installed there, and forget all of it afterwards."""
        path = list(sys.path)
        sys.path[:0] = self.paths
        importlib.invalidate_caches()
        try:
            with (
                contextlib.chdir(self.folder),
                pytest.MonkeyPatch.context() as patch,
                use_registry(Registry(BUILTINS)),
            ):
                patch.setenv("VISIONCAM_PLUGINS", plugins_in(self.paths))
                yield
        finally:
            sys.path[:] = path
            for name, module in list(sys.modules.items()):
                if str(getattr(module, "__file__", None) or "").startswith(str(self.folder)):
                    del sys.modules[name]
