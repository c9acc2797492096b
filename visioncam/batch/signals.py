"""SIGINT and SIGTERM end a run after the pictures in hand; a second one ends it at once.

Python hands the main thread a signal between two of its own steps, which may be minutes apart while a
model computes.  So a thread of its own counts the signals, too.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from types import FrameType, TracebackType
from typing import Any

import attrs

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


@attrs.define(eq=False)
class StopSignals:
    """Catches both signals while it is entered; outside the main thread it catches nothing."""

    signal: int | None = None
    _before: dict[int, Any] = attrs.field(factory=dict)
    _ends: tuple[socket.socket, socket.socket] | None = None
    _wakeup: int = -1

    @property
    def code(self) -> int:
        return 128 + (self.signal or 0)

    def received(self) -> bool:
        return self.signal is not None

    def check(self, done: int, total: int) -> None:
        """As `progress`: end a slow method between two of its passes."""
        if self.signal is not None:
            raise KeyboardInterrupt

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            for number in CODES:
                self._before[number] = signal.signal(number, self._handle)
            self._ends = socket.socketpair()
            self._ends[1].setblocking(False)
            self._wakeup = signal.set_wakeup_fd(self._ends[1].fileno(), warn_on_full_buffer=False)
            threading.Thread(target=_count, args=(self._ends[0],), daemon=True, name="visioncam-stop").start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._ends is not None:
            signal.set_wakeup_fd(self._wakeup)
            self._ends[1].close()  # which ends the thread

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            os._exit(128 + number)  # every file is whole or not there, whenever this happens
        self.signal = number


def _count(end: socket.socket) -> None:
    """End the process with the second signal, also while the main thread is deep in a library."""
    count = 0
    with end:
        while byte := end.recv(1):
            if byte[0] in CODES:
                count += 1
                if count == 2:
                    os._exit(128 + byte[0])
