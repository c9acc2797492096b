"""Damage at random, seeded: what files from strangers may look like, and what must come of them.

`tools/fuzz.py` runs the same for as long as one likes.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import numpy as np
from PIL import Image, _imaging

from helpers.pictures import encoded, smooth


def silence_decoders() -> bool:
    """Stop Pillow and libtiff from writing to the terminal, where they tear a progress bar apart.

    For programs that own the terminal (a batch run): it holds for the whole process.
    Pillow's warnings and log lines are dropped, and what libtiff writes past Python.

    Returns:
        Whether libtiff could be reached.
    """
    logging.getLogger("PIL").addHandler(logging.NullHandler())  # else Python prints errors nobody handles
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        library = ctypes.CDLL(_imaging.__file__)
        for setter in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            getattr(library, setter)(None)
    except (OSError, AttributeError):  # built in another way
        return False
    return True


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a file cut short, or with some bytes changed, mostly near its start."""
    if rng.random() < 0.3:
        return data[: rng.integers(0, len(data))]
    changed = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        place = int(min(rng.exponential(0.2), 0.999) * len(data))
        changed[place] = (
            rng.integers(0, 256) if rng.random() < 0.5 else changed[place] ^ (1 << rng.integers(0, 8))
        )
    return bytes(changed)


PICTURES: dict[str, Callable[[], bytes]] = {
    "png": lambda: encoded(smooth(), "PNG"),
    "png16": lambda: encoded(smooth()[..., 0].astype(np.uint16) * 257, "PNG"),
    "palette": lambda: encoded(Image.fromarray(smooth()).quantize(16), "PNG", transparency=3),
    "jpeg": lambda: encoded(smooth(), "JPEG"),
    "progressive": lambda: encoded(smooth(), "JPEG", progressive=True),
    "cmyk": lambda: encoded(Image.fromarray(smooth()).convert("CMYK"), "JPEG"),
    "webp": lambda: encoded(smooth(), "WEBP"),
    "tiff": lambda: encoded(smooth(), "TIFF"),
    "lzw": lambda: encoded(smooth(), "TIFF", compression="tiff_lzw"),
    "gif": lambda: encoded(smooth(), "GIF"),
    "bmp": lambda: encoded(smooth(), "BMP"),
}


@attrs.frozen
class Reader:
    """Something that reads strangers' bytes.

    Attributes:
        seeds: whole files, by name.
        read: takes a damaged one and a folder to write it in; returns whether it was taken.
        refusals: the only errors it may raise.
        slowest: seconds of this process that one file may take.
    """

    seeds: dict[str, bytes]
    read: Callable[[bytes, Path], object]
    refusals: tuple[type[Exception], ...]
    slowest: float = 5.0

    def attempt(self, kind: str, rng: np.random.Generator, folder: Path) -> bool:
        """Damage one file and read it; return whether it was taken."""
        data = mutated(self.seeds[kind], rng)
        (folder / "last").write_bytes(data)  # what a crash would leave behind
        began = time.process_time()  # the machine may be paused; a hang that waits, the run itself shows
        try:
            self.read(data, folder)
            taken = True
        except self.refusals:
            taken = False
        assert time.process_time() - began < self.slowest
        return taken


def pictures(_: Path) -> Reader:
    """Return the decoder of pictures."""
    from visioncam_core.errors import ImageError
    from visioncam_core.images.decode import load_picture

    def read(data: bytes, _: Path) -> None:
        assert load_picture(data).pixels.dtype == np.uint8

    return Reader({kind: make() for kind, make in PICTURES.items()}, read, (ImageError,))


def models(folder: Path) -> Reader:
    """Return what looks into model files before Keras does."""
    import keras

    from visioncam_core.errors import ModelError
    from visioncam_engines.keras.files import inspect_file
    from visioncam_engines.keras.files.load import check_file

    network = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    seeds = {}
    for kind in ("keras", "h5"):
        network.save(folder / f"whole.{kind}")
        seeds[kind] = (folder / f"whole.{kind}").read_bytes()

    def read(data: bytes, folder: Path) -> None:
        path = folder / "model"
        path.write_bytes(data)
        inspect_file(path, check_file(path), "model")

    return Reader(seeds, read, (ModelError,))  # a hang of HDF5, in a child, is ended after 120 seconds


def plugin_metadata(_: Path) -> Reader:
    """Return what lists installed plugins."""
    from visioncam_core.plugins.discovery import discover

    def read(data: bytes, folder: Path) -> None:
        home = folder / "site" / "stranger-1.0.dist-info"
        home.mkdir(parents=True, exist_ok=True)
        points, _, about = data.partition(b"\0\0")
        (home / "entry_points.txt").write_bytes(points)
        (home / "METADATA").write_bytes(about)
        with _first_on_path(home.parent):
            for one in discover():
                assert isinstance(one.name, str)

    text = b"[visioncam]\nmine = stranger.plugin\n[console_scripts]\nx = y:z\n"
    about = b"Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n\nText.\n"
    return Reader({"entry points": text + b"\0\0" + about}, read, ())


@contextmanager
def _first_on_path(folder: Path) -> Iterator[None]:
    sys.path.insert(0, "")  # the working directory, which does not count
    sys.path.insert(1, os.fspath(folder))
    try:
        yield
    finally:
        sys.path.remove("")
        sys.path.remove(os.fspath(folder))
