"""A document followed to the letter: its files are written, its commands and Python are run, in its order."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
from support_docs import FENCE
from support_installed import put_in, python

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
            self.printed.append((body, self.run("-c", body)))

    def type(self, line: str) -> None:
        """Do what a command line does."""
        if not line:
            return
        if line in self.installs:
            self.paths += put_in(self.folder / self.installs[line], self.folder / "site")
        elif line.startswith(tuple(self.skips)):
            self.skipped.append(line)
        else:
            command, *words = shlex.split(line)
            start = {"visioncam": ["-m", "visioncam"], "python": []}[command]
            self.printed.append((line, self.run(*start, *words)))

    def run(self, *words: str) -> str:
        """Run Python; it must end well."""
        done: subprocess.CompletedProcess[str] = python(*words, paths=self.paths, cwd=self.folder)
        return done.stdout

    def output(self, line: str) -> str:
        """Return what a command line printed, the last time it was typed."""
        return [printed for typed, printed in self.printed if typed == line][-1]
