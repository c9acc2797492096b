"""How much one visitor may ask of this computer, and work that ends when its time is over."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from typing import Any, TypeVar

import attrs

from visioncam_core.errors import VisionCamError
from visioncam_core.images.decode import MAX_PIXELS

T = TypeVar("T")
MOST_LEFT_BEHIND = 3  # threads that did not stop in time and still run


class TooSlowError(VisionCamError, TimeoutError):
    """An answer that took longer than it may."""


@attrs.frozen
class Limits:
    """What is allowed."""

    upload: int = 20 * 2**20  # bytes of one uploaded file
    pixels: int = MAX_PIXELS  # of a picture
    seconds: float = 120.0  # for one answer
    waiting: int = 8  # requests that may wait in the queue
    side: int = 1200  # pixels of the longer side of a picture on the page


class Deadline:
    """The time one answer has; `check` is called wherever work can stop."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        if _ending.is_set():
            raise TooSlowError(ENDS)
        if time.monotonic() > self._end:
            raise self.error()

    def error(self) -> TooSlowError:
        return TooSlowError(
            f"stopped after {self.seconds:g} seconds, the limit of this app; choose a faster method or a "
            "smaller photo, or start the app with a larger --time-limit"
        )


ENDS = "the app is being closed"
_ending = threading.Event()
_open: set[Future[Any]] = set()  # what somebody waits for
_left_behind: list[threading.Thread] = []


def begin() -> None:
    """Take work again, after an earlier app of this process ended."""
    _ending.clear()


def give_up() -> None:
    """Let everybody who waits for work go, so that the app can end at once."""
    _ending.set()
    for future in list(_open):
        future.cancel()


def run_limited(work: Callable[[Deadline], T], seconds: float) -> T:
    """Return what `work` returns, or raise `TooSlowError` when its time is over.

    A thread cannot be ended from outside: work that never checks its deadline is left behind and the next
    request gets a new thread; with several left behind, nothing new is begun until one ends.
    """
    _left_behind[:] = [thread for thread in _left_behind if thread.is_alive()]
    if len(_left_behind) >= MOST_LEFT_BEHIND:
        raise TooSlowError("still busy with earlier requests that ran too long; try again later")
    deadline, future = Deadline(seconds), Future[T]()

    def run() -> None:
        with suppress(InvalidStateError):  # nobody waits any more
            try:
                future.set_result(work(deadline))
            except BaseException as error:  # handed to the caller below
                future.set_exception(error)

    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: context.run(run), name="visioncam-answer", daemon=True)
    _open.add(future)
    try:
        deadline.check()  # the app may be ending
        thread.start()
        return future.result(seconds + 0.5)  # where it checks its deadline, it has ended by now
    except (CancelledError, TimeoutError):
        if future.done() and not future.cancelled():
            raise  # the work's own
        _left_behind.append(thread)
        deadline.check()
        raise deadline.error() from None
    finally:
        _open.discard(future)
