"""What the command lets through to the user's terminal."""

from __future__ import annotations

import logging
import sys
import warnings

from visioncam.cli.terminal import Output
from visioncam_core.errors import PluginWarning
from visioncam_core.progress import quiet as silence


def quiet(output: Output) -> None:
    """Silence native libraries before TensorFlow is imported; not under `--debug`, nor for who captures."""
    if not output.debug and sys.stderr is sys.__stderr__:
        silence()


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
