"""Pictures of a folder and where the objects are on them, from a CSV file."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

from visioncam.batch.sources import source_of
from visioncam_core.errors import ImageError
from visioncam_core.images.decode import load_picture
from visioncam_core.text import brief, listing


def pictures_of(
    source: str, recursive: bool, max_pixels: int, frame: int
) -> tuple[list[Any], list[str], dict[str, str]]:
    """Return the pictures that can be read, their names, and why others cannot."""
    good, names, bad = [], [], {}
    for entry in source_of(source, recursive=recursive).entries:
        try:
            load_picture(entry.source, max_pixels=max_pixels, frame=frame)
            good.append(entry.source)
            names.append(entry.key)
        except ImageError as error:
            bad[entry.key] = " ".join(str(error).split())
    if not good:
        raise ImageError(f"no picture of {brief(source)} can be read: {next(iter(bad.values()))}")
    return good, names, bad


def boxes_of(path: str, pictures: list[str]) -> tuple[list[Any], tuple[str, ...]]:
    """Return the boxes of each picture from a CSV file, None without any; and a note on boxes left over.

    Args:
        path: lines of name, left, top, right, bottom; the name is a file's, or a path below the folder.
        pictures: their paths below the folder.
    """
    found: dict[str, list[tuple[float, ...]]] = {}
    number, row = 0, [""]
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:  # Excel begins a file with a mark
            for number, row in enumerate(csv.reader(file), start=1):
                if not row or (number == 1 and [one.strip().lower() for one in row[1:2]] == ["left"]):
                    continue
                name, *corners = row
                found.setdefault(name.strip(), []).append(tuple(map(float, corners)))
                if len(corners) != 4:
                    raise ValueError
    except (OSError, ValueError, UnicodeDecodeError, csv.Error) as error:
        line = f"line {number}, {brief(','.join(row), 60)}, is not name,left,top,right,bottom in pixels"
        why = getattr(error, "strerror", None) or line
        raise ImageError(f"the boxes in {brief(path)} cannot be read: {why}") from error
    files, paths = [Path(picture).name for picture in pictures], set(pictures)
    named = Counter(files)
    if twice := next((name for name in found if name not in paths and named[name] > 1), None):
        raise ImageError(
            f"{brief(twice)} in {brief(path)} is the name of {named[twice]} pictures; write the path "
            f"below the folder, such as {brief(pictures[files.index(twice)])}"
        )
    boxes = [  # a file's name stands for it where it is not another's whole path
        found.get(picture) or (None if file in paths else found.get(file))
        for picture, file in zip(pictures, files, strict=True)
    ]
    if not any(boxes):
        raise ImageError(
            f"no picture has a box in {brief(path)}: it names {brief(next(iter(found), ''))}, and "
            f"a picture is {brief(files[0])}; write the file name, or the path below the folder"
        )
    left = [name for name in found if name not in paths and name not in files]
    said = (
        f"{len(left)} name{'s' * (len(left) > 1)} in {Path(path).name} belong{'s' * (len(left) == 1)} to no "
    )
    return boxes, (f"{said}picture here, and the boxes are not used: {listing(left, 3)}",) if left else ()
