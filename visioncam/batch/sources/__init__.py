"""From what the user named to the pictures of a run: folder, glob, list, archive, series, iterable."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from visioncam.batch.entry import SUFFIXES, Entry, Source, file_mark
from visioncam.batch.sources.iterables import read_iterable
from visioncam.batch.sources.lists import read_list
from visioncam.batch.sources.tar import read_archive
from visioncam_core.errors import ImageError, ImageNotFoundError, ImageTypeError
from visioncam_core.images.decode import count_frames
from visioncam_core.images.files import named_array
from visioncam_core.images.values import Frame
from visioncam_core.text import brief

LISTS = (".txt", ".csv")


def source_of(source: Any, *, recursive: bool = False, out: Path | None = None) -> Source:
    """Return the pictures of a run.

    Args:
        source: a folder, a glob pattern, a text or CSV list, a tar archive, a file of several pictures; or
            an iterable of images, of (name, image) pairs or of paths; or a `tf.data.Dataset`.
        recursive: look into folders of the folder, too.
        out: the run's own folder, which is never read.

    Raises:
        ImageError: nothing has this name, there is no picture in it, or it is something else.
    """
    if not isinstance(source, str | os.PathLike):
        if isinstance(source, bytes | bytearray) or not isinstance(source, Iterable):
            raise ImageTypeError(
                f"a run takes a folder, a pattern, a list, a tar archive, an iterable or a dataset; received "
                f"{brief(source, 40)} of type {type(source).__name__}"
            )
        return read_iterable(source)
    path = os.fspath(source)
    hint = ""
    if os.path.isdir(path):
        found = _folder(path, recursive, out)
        hint = "" if recursive else "; --recursive (recursive=True) searches its subfolders, too"
    elif os.path.isfile(named_array(path)[0]):
        found = _file(path)
    elif glob.has_magic(path):
        found = _pattern(path, out)
    else:
        raise ImageNotFoundError(
            f"{brief(path)} does not exist; name a folder, a pattern in quotes ('photos/*.jpg'), a .txt or "
            ".csv list, or a .tar archive"
        )
    if found.total == 0:
        notes = f" ({'; '.join(found.notes)})" if found.notes else ""
        raise ImageError(f"there is no picture in {brief(path)}{notes}{hint}; known: {', '.join(SUFFIXES)}")
    return found


def _file(path: str) -> Source:
    if path.lower().endswith(LISTS):
        return read_list(path)
    if path.lower().endswith((*SUFFIXES, ".npz")) or named_array(path)[1]:
        count = count_frames(path)
        if count == 1:
            raise ImageError(f"{brief(path)} is a single picture; use `visioncam explain {path}`")
        stem, suffix = os.path.splitext(os.path.basename(path))
        mark = file_mark(named_array(path)[0])
        return Source(
            [Entry(f"{stem}_{k:04d}{suffix}", Frame(path, k), f"{mark}-{k}") for k in range(count)], count
        )
    return read_archive(path)


def _folder(root: str, recursive: bool, out: Path | None) -> Source:
    links, others, entries = 0, 0, []
    for item in _walk(root, recursive, None if out is None else os.path.realpath(out)):
        if item.is_symlink():
            links += 1
        elif not item.name.lower().endswith(SUFFIXES):
            others += 1
        else:
            key = os.path.relpath(item.path, root).replace(os.sep, "/")
            entries.append(Entry(key, item.path, file_mark(item.path)))
    notes = [f"{others} files whose names are not those of pictures"] if others else []
    notes += [f"{links} links, which are not followed"] if links else []
    return Source(entries, len(entries), tuple(f"left out {note}" for note in notes))


def _walk(folder: str, recursive: bool, out: str | None) -> Iterator[os.DirEntry[str]]:
    """Yield a folder's files and links in the order of their names; nothing hidden, nothing of `out`."""
    with os.scandir(folder) as found:
        items = sorted(found, key=lambda item: item.name)
    for item in items:
        if item.name.startswith("."):
            continue
        if item.is_dir(follow_symlinks=False):
            if recursive and os.path.realpath(item.path) != out:
                yield from _walk(item.path, recursive, out)
        else:
            yield item


def _pattern(pattern: str, out: Path | None) -> Source:
    """Return what a pattern matches below its fixed part; links of folders are not followed."""
    root = os.path.dirname(pattern[: min(pattern.find(sign) for sign in "*?[" if sign in pattern)])
    rest = os.path.relpath(pattern, root) if root else pattern
    own = None if out is None else os.path.realpath(out) + os.sep
    entries = []
    for path in sorted(Path(root).glob(rest)):
        key = path.relative_to(root).as_posix()
        hidden = any(part.startswith(".") for part in key.split("/"))
        if path.is_file() and not hidden and not (own and os.path.realpath(path).startswith(own)):
            entries.append(Entry(key, str(path), file_mark(str(path))))
    return Source(entries, len(entries))
