"""How a run ends: the exit code, one line on standard error, and the same as data."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

import attrs
import click

from visioncam.cli.phrasing import in_flags
from visioncam.cli.terminal import Output
from visioncam_core.errors import PluginError, VisionCamError, is_full

DONE = 0
FAULT = 1
BAD_INPUT = 2
SOME_FAILED = 3
STOPPED = 4
INTERRUPTED = 130
CLOSED = 141
"""Whoever read our output went away, as `head` does; what Unix tools return then."""


@attrs.frozen
class Failure:
    """An error as the user meets it."""

    kind: str  # name of its class
    message: str  # one line: what was wrong with the value received, and what to do
    code: int

    def record(self) -> dict[str, object]:
        return {"kind": self.kind, "message": self.message, "exit_code": self.code}


def failure_of(error: BaseException) -> Failure:
    kind = type(error).__name__
    if isinstance(error, click.exceptions.Abort | KeyboardInterrupt):
        return Failure("Interrupted", "interrupted; what was written is intact", INTERRUPTED)
    if isinstance(error, click.ClickException):
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "visioncam"
        text = error.format_message().rstrip(".")
        more = f"See `{command} --help`" if text.endswith("?") else f"see `{command} --help`"
        return Failure(kind, f"{text}{' ' if text.endswith('?') else '; '}{more}", BAD_INPUT)
    if is_full(error):
        return Failure(kind, f"no space left on the device: {_one_line(error)}", STOPPED)
    if isinstance(error, VisionCamError):
        plugin = isinstance(error, PluginError) and not isinstance(error, FileNotFoundError)
        return Failure(kind, in_flags(_one_line(error)), FAULT if plugin else BAD_INPUT)
    if isinstance(error, MemoryError) or kind == "ResourceExhaustedError":
        return Failure(kind, "out of memory; use a smaller picture or --batch-size 1", FAULT)
    if isinstance(error, OSError):
        return Failure(kind, f"the operating system refused: {_one_line(error)}", FAULT)
    text = f"{kind}: {_one_line(error)}".rstrip(": ")
    return Failure(kind, f"internal error, a bug in VisionCam ({text}); --debug shows where", FAULT)


def guard(work: Callable[[], int | None], output: Output) -> int:
    """Run a command and return the exit code; whatever it raises becomes one line, or data under `--json`."""
    try:
        try:
            code = work() or DONE
        except BrokenPipeError:
            raise
        except click.exceptions.Exit as end:  # --help and --version
            if not end.exit_code:
                output.json = False
            code = end.exit_code
        except (Exception, KeyboardInterrupt) as error:
            code = tell(error, output)
        output.close()
    except BrokenPipeError:
        _let_go_of_stdout()
        return CLOSED
    except OSError as error:
        _let_go_of_stdout()
        output.json = False
        return tell(error, output)
    return code


def tell(error: BaseException, output: Output) -> int:
    """Report an error that ends the run, and return its exit code."""
    failure = failure_of(error)
    if output.debug:
        traceback.print_exception(error)
    output.document["error"] = failure.record()
    output.error(failure.message)
    return failure.code


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _let_go_of_stdout() -> None:
    """Point standard output at nothing, or Python would complain once more when it flushes at exit."""
    with suppress(OSError, ValueError, AttributeError):  # where it is not a real file: nothing to let go of
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
