"""What went wrong, sorted: a bad picture, no memory, a fault of the whole run."""

from __future__ import annotations

import traceback
from typing import Any

from visioncam.batch.entry import Entry
from visioncam.cli.exit import is_full
from visioncam.cli.terminal import clean
from visioncam_core.errors import ImageError, VisionCamError
from visioncam_core.results.image_files import without_folders

DEEPEST = 8  # last lines of a traceback that are kept


class GivenUpError(ImageError):
    """A picture on which the process died again and again."""


class ItemTimeoutError(ImageError):
    """A picture that took longer than it may."""


def out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out, so that a smaller batch may work."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError) or type(cause).__name__ == "ResourceExhaustedError":
            return not is_full(error)
        cause = cause.__cause__
    return False


def of_the_run(error: BaseException) -> bool:
    """Return whether an error is about what was asked, such as an unknown layer, and not about a picture."""
    return isinstance(error, VisionCamError) and not isinstance(error, ImageError)


def error_line(entry: Entry, error: BaseException) -> dict[str, Any]:
    """Return a picture's line of `errors.jsonl`: class, message, file."""
    line: dict[str, Any] = {
        "key": entry.key,
        "kind": type(error).__name__,
        "message": clean(without_folders(str(error))),
    }
    if not isinstance(error, VisionCamError):
        told = traceback.format_exception(error)[-DEEPEST:]
        line["traceback"] = [without_folders(clean(text.rstrip())) for text in told]
    return line
