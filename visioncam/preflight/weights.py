"""The HDF5 file of a model: its links and sizes, before any array is read."""

from __future__ import annotations

import os
from typing import Any

import attrs

DEEPEST = 64  # groups within groups


@attrs.define
class Stored:
    """What an HDF5 file stores.

    Attributes:
        numbers: how many numbers its arrays declare.
        problems: what is wrong with it, in words.
    """

    numbers: int = 0
    problems: list[str] = attrs.field(factory=list)


def check_hdf5(file: str | os.PathLike[str]) -> Stored:
    """Return what the arrays of an HDF5 file declare, and whether they lie in it.

    Refused are links to other files and names, arrays kept outside the file or assembled from others,
    and arrays that declare more than the file stores.

    Raises:
        OSError: no HDF5 file, or one that is cut short.
    """
    import h5py

    found = Stored()
    with h5py.File(file, "r") as root:
        seen: set[Any] = set()
        left: list[tuple[Any, int]] = [(root, 0)]
        while left:
            group, depth = left.pop()
            if depth > DEEPEST:
                found.problems.append(f"groups nested more than {DEEPEST} deep")
                break
            for name in group:
                link = group.get(name, getlink=True)
                place = f"{group.name.rstrip('/')}/{name}"[:80]
                if not isinstance(link, h5py.HardLink):
                    kind = "another file" if isinstance(link, h5py.ExternalLink) else "another name"
                    found.problems.append(f"{place!r} is a link to {kind}")
                    continue
                one = group[name]
                address = h5py.h5o.get_info(one.id).addr
                if address in seen:
                    continue
                seen.add(address)
                if isinstance(one, h5py.Group):
                    left.append((one, depth + 1))
                elif isinstance(one, h5py.Dataset):
                    found.problems.extend(_array_problems(one, place))
                    found.numbers += int(one.size or 0)
    return found


def _array_problems(array: Any, place: str) -> list[str]:
    if array.external:
        return [f"the array {place!r} lies in another file"]
    if array.is_virtual:
        return [f"the array {place!r} is assembled from others"]
    declared = int(array.size or 0) * array.dtype.itemsize
    stored = array.id.get_storage_size()
    packed = 20 if array.compression else 1
    if declared > max(packed * stored, 1 << 16):
        return [f"the array {place!r} declares {declared:,} bytes and stores {stored:,}"]
    return []
