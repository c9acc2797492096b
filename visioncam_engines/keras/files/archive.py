"""The zip archive of a `.keras` file, read member by member, without Keras."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import zipfile
from typing import Any

from visioncam_engines.archives import listed, problems_of
from visioncam_engines.keras.files.config import LARGEST, reading
from visioncam_engines.keras.files.hdf5 import Stored, check_hdf5

_KNOWN = re.compile(
    r"config\.json|visioncam\.json|metadata\.json|model\.weights(_\d+)?\.(h5|json)|assets/.*", re.DOTALL
)


def members_of(path: str | os.PathLike[str], name: str) -> list[zipfile.ZipInfo]:
    """Return the archive's list of members, which zipfile reads as a whole."""
    with reading("keras", name):
        return listed(path, name)


def member_problems(members: list[zipfile.ZipInfo]) -> list[str]:
    """Return what is wrong with an archive's members, in words; empty when nothing is."""
    return problems_of(members, _KNOWN, "Keras")


def description_of(path: str | os.PathLike[str]) -> tuple[Any, str]:
    """Return the parsed `config.json`, and the version of Keras that wrote it."""
    with zipfile.ZipFile(path) as archive:
        tree = json.loads(_member(archive, "config.json"))
        about = json.loads(_member(archive, "metadata.json")) if "metadata.json" in archive.namelist() else {}
    return tree, str(about.get("keras_version", ""))


def stored_in(path: str | os.PathLike[str]) -> Stored:
    """Return what the HDF5 files in the archive hold together."""
    total = Stored()
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if not member.endswith(".h5"):
                continue
            with tempfile.NamedTemporaryFile(suffix=".h5") as copy, archive.open(member) as packed:
                shutil.copyfileobj(packed, copy, 1 << 20)
                copy.flush()
                one = check_hdf5(copy.name)
            total.numbers += one.numbers
            total.problems += one.problems
    return total


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST:
        raise ValueError(f"{name} is larger than {LARGEST} bytes")
    return archive.read(name)
