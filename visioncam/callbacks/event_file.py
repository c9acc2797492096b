"""TensorBoard's event file, written without TensorFlow: records of the protocol buffer `tensorflow.Event`.

They are what `tf.summary.image` and `tf.summary.scalar` write.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from functools import cache
from itertools import count
from pathlib import Path

FLOAT, STRING = 1, 7  # DataType
SCALAR, BLOBS = 1, 3  # DataClass
_NUMBERS = count()


class EventFile:
    """A file in a log folder that grows; each call adds a record."""

    def __init__(self, folder: Path) -> None:
        """Make the folder and a file whose name no other process takes."""
        os.makedirs(folder, exist_ok=True)
        name = f"{time.time():.0f}.{socket.gethostname()}.{os.getpid()}.{next(_NUMBERS)}.v2"
        self._file = open(folder / f"events.out.tfevents.{name}", "ab")  # noqa: SIM115 - closed by `close`
        self._add(_bytes(3, b"brain.Event:2"))

    def scalar(self, tag: str, step: int, value: float, description: str) -> None:
        """Add a number."""
        tensor = _number(1, FLOAT) + _bytes(2, b"") + _bytes(4, struct.pack("<f", value))
        self._summary(tag, step, tensor, "scalars", SCALAR, description)

    def image(self, tag: str, step: int, png: bytes, shape: tuple[int, ...], description: str) -> None:
        """Add a picture of (height, width, ...) pixels."""
        size = [str(n).encode() for n in shape[1::-1]]
        tensor = _number(1, STRING) + _bytes(2, _bytes(2, _number(1, 3)))
        tensor += b"".join(_bytes(8, text) for text in (*size, png))
        self._summary(tag, step, tensor, "images", BLOBS, description)

    def flush(self) -> None:
        """Let readers see what was added."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _summary(self, tag: str, step: int, tensor: bytes, plugin: str, kind: int, description: str) -> None:
        about = _bytes(1, _bytes(1, plugin.encode())) + _bytes(3, description.encode()) + _number(4, kind)
        value = _bytes(1, tag.encode()) + _bytes(8, tensor) + _bytes(9, about)
        self._add(_number(2, step) + _bytes(5, _bytes(1, value)))

    def _add(self, event: bytes) -> None:
        event = b"\x09" + struct.pack("<d", time.time()) + event  # field 1, wall_time
        length = struct.pack("<Q", len(event))
        self._file.write(length + _checksum(length) + event + _checksum(event))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Return a number, seven bits a byte, the lowest first."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _checksum(data: bytes) -> bytes:
    """Return CRC-32C, turned and moved as the format wants it."""
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


@cache
def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table
