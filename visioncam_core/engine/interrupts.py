"""Ctrl-C waits while an engine builds a graph, which an interrupt would leave half-made."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Within the block an interrupt waits for its end; a second one does not.

    An exception that Python raises inside a framework's callback can come out as another error, or be lost.
    """
    before: Any = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    came: list[tuple[Any, ...]] = []

    def note(*told: Any) -> None:
        if came:
            before(*told)
        came.append(told)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if len(came) == 1:
            before(*came[0])
