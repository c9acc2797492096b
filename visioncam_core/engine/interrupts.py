"""Ctrl-C waits while an engine builds a graph, which an interrupt would leave half-made."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def delay_interrupts() -> Iterator[None]:
    """Within the block an interrupt waits for its end; a second one does not.

    An exception that Python raises inside a callback of a framework can come out as another, or be lost.
    """
    before: Any = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    received: list[tuple[Any, ...]] = []

    def note(*arguments: Any) -> None:
        if received:
            before(*arguments)
        received.append(arguments)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if len(received) == 1:
            before(*received[0])
