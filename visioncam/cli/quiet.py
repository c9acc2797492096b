"""Keeping other people's log lines off the user's terminal.

TensorFlow's C++ code and libtiff write to file descriptor 2 past Python, some
of it whatever the log level.  Here, in the command's own process and never in
the library, that descriptor is pointed at nothing, and Python's `sys.stderr`
keeps the terminal.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings

from visioncam.cli.terminal import Output
from visioncam_core.errors import PluginWarning

LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def quiet(output: Output) -> None:
    """Silence native libraries and loggers before TensorFlow is imported.

    Nothing is silenced under `--debug`, or where the user has set TensorFlow's own log level.
    """
    if output.debug or LEVEL in os.environ:
        return
    os.environ[LEVEL] = "3"
    for name in ("absl", "matplotlib", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    _move_stderr()


def _move_stderr() -> None:
    """Give `sys.stderr` a descriptor of its own and point descriptor 2 at nothing."""
    stream = sys.__stderr__
    try:
        if stream is None or sys.stderr is not stream or stream.fileno() != 2:
            return  # somebody captures it
        stream.flush()
        own = os.dup(2)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 2)
        os.close(nothing)
    except (OSError, ValueError):
        return
    sys.stderr = open(  # noqa: SIM115 - it is open as long as the process lives
        own, "w", buffering=1, encoding=stream.encoding, errors="replace"
    )


class LogWarnings(logging.Handler):
    """Passes the library's own log lines on as warnings of the command."""

    def __init__(self, output: Output) -> None:
        super().__init__(logging.WARNING)
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        self._output.warn(record.getMessage())


def warn_through(output: Output) -> None:
    """Show a broken plugin's warning as one line, and no other warnings, except under `--debug`.

    Call it inside `warnings.catch_warnings()`.
    """

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        plain = issubclass(category, PluginWarning)
        output.warn(str(message) if plain else f"{category.__name__}: {message}")

    if not (output.debug or sys.warnoptions):
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", PluginWarning)
    warnings.showwarning = show
