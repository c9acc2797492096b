"""What reaches the user: data on standard output, words about the run on standard error, both clean.

Names of files, classes, layers and plugins are other people's text; whatever
could steer a terminal is removed before it is printed.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from visioncam_core.text import clean

if TYPE_CHECKING:
    from rich.console import Console


Part = str | tuple[str, str]
"""A piece of a line: text, or text and its style."""


@attrs.define(eq=False)
class Output:
    """One run's output."""

    json: bool = False  # print `document`, and nothing else, to standard output at the end
    debug: bool = False  # show tracebacks and what TensorFlow says
    document: dict[str, Any] = attrs.field(factory=dict)
    words: tuple[str, ...] = ()  # the command line
    events: bool = False  # `document` is one line, the last of the lines that `event` prints
    _console: Console | None = None

    @classmethod
    def of(cls, args: Sequence[str]) -> Output:
        """Return the output these arguments ask for, also where they turn out to be wrong."""
        flags = args[: args.index("--")] if "--" in args else args
        return cls("--json" in flags, "--debug" in flags, words=tuple(args))

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Under `--json`, keep standard output for `document`: what a plugin prints goes to stderr."""
        if not self.json or sys.stderr is None:
            yield
            return
        _ = self.console  # it keeps the real one
        with contextlib.redirect_stdout(sys.stderr):
            yield

    def line(self, *parts: Part) -> None:
        """Print a line for people; nothing under `--json`."""
        if self.json:
            return
        pieces = [(part, "") if isinstance(part, str) else part for part in parts]
        if not self.console.is_terminal:  # a listing has hundreds of lines
            self.console.file.write("".join(clean(words) for words, _ in pieces) + "\n")
            return
        from rich.text import Text

        text = Text.assemble(*((clean(words), style) for words, style in pieces))
        self.console.print(text, soft_wrap=True)

    def table(
        self, header: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[int] = ()
    ) -> None:
        """Print an aligned table for people: wrapped on a terminal, one line a row elsewhere.

        The columns of `numbers` are set to the right.
        """
        if self.json:
            return
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for column, title in enumerate(header):
            table.add_column(title, overflow="fold", justify="right" if column in numbers else "left")
        for row in rows:
            table.add_row(*(Text(clean(cell)) for cell in row))
        with self.console.capture() as capture:
            self.console.print(table, width=None if self.console.is_terminal else 10_000)
        text = "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())
        self.console.file.write(text)

    def event(self, record: Mapping[str, Any]) -> None:
        """Print one line of JSON under `--json`, as it happens."""
        if self.json:
            self.console.file.write(json.dumps(record, allow_nan=False) + "\n")
            self.console.file.flush()

    def save(self, path: Path, write: Callable[[Path], object]) -> None:
        """Write the command's file and say so."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
        self.document["files"] = [str(path)]
        self.line(("wrote ", "bold"), str(path))

    def note(self, text: str) -> None:
        self._say(f"visioncam: {text}")

    def warn(self, text: str) -> None:
        self._say(f"visioncam: warning: {text}")

    def error(self, text: str) -> None:
        self._say(f"visioncam: error: {text}")

    def close(self) -> None:
        """Print the document where `--json` asks for one, and flush."""
        if self.json:
            document = {"event": "error", **self.document} if self.events else self.document
            json.dump(document, self.console.file, indent=None if self.events else 2, allow_nan=False)
            self.console.file.write("\n")
        if sys.stdout is not None:
            sys.stdout.flush()

    @property
    def console(self) -> Console:
        """Standard output; colours only on a terminal, and never against `NO_COLOR`."""
        if self._console is None:
            from rich.console import Console

            class Plain(Console):
                def on_broken_pipe(self) -> None:  # rich would end the process with code 1
                    raise BrokenPipeError

            file = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the whole run
            wide = None if file.isatty() else 10_000  # off a terminal nothing is wrapped
            self._console = Plain(file=file, width=wide, markup=False, highlight=False, emoji=False)
        return self._console

    @staticmethod
    def _say(text: str) -> None:
        if sys.stderr is not None:
            sys.stderr.write(clean(text) + "\n")
            sys.stderr.flush()
