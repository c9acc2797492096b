"""The HDF5 file of a model: its links, sizes and description, read in a process of its own.

The HDF5 library can loop for ever on a damaged file, and no Python code can stop it.  So the whole file is
read once by a child process with a limit on time and memory, and only then in this one.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import Any

import attrs

DEEPEST = 64  # groups within groups
MEMORY = 4 << 30  # bytes of address space for the child
BASE_SECONDS, BYTES_A_SECOND = 120, 20_000_000  # how long it may take


@attrs.define
class Stored:
    """What an HDF5 file stores."""

    numbers: int = 0  # how many numbers its arrays declare
    problems: list[str] = attrs.field(factory=list)  # what is wrong with it, in words
    description: str | None = None  # its `model_config`, JSON; None where it has none
    keras: str = ""  # version of Keras that wrote it, or empty


def check_hdf5(file: str | os.PathLike[str]) -> Stored:
    """Return what an HDF5 file holds, as a child process reads it; a damaged one is an `OSError`."""
    seconds = BASE_SECONDS + os.path.getsize(file) // BYTES_A_SECOND
    command = [sys.executable, "-m", __name__, os.fspath(file)]
    path = os.pathsep.join(part for part in sys.path if part)
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=seconds, env=os.environ | {"PYTHONPATH": path}, check=False
        )
    except subprocess.TimeoutExpired:
        return Stored(problems=[f"the HDF5 library did not finish reading it within {seconds} seconds"])
    if done.returncode == 0:
        return Stored(**json.loads(done.stdout))
    if done.returncode < 0:
        return Stored(problems=[f"the HDF5 library crashes on it (signal {-done.returncode})"])
    raise OSError(done.stderr.decode(errors="replace").strip().rsplit("\n", 1)[-1])


def read_hdf5(file: str | os.PathLike[str]) -> Stored:
    """Return what an HDF5 file holds, reading it here.

    Refused are links to other files and names, arrays kept outside the file or assembled from others,
    and arrays that declare more than the file stores.

    Raises:
        OSError, RuntimeError, ValueError: no HDF5 file, or one that is cut short or damaged.
    """
    import h5py

    found = Stored()
    with h5py.File(file, "r") as root:
        text, version = root.attrs.get("model_config"), root.attrs.get("keras_version", "")
        found.description = text.decode() if isinstance(text, bytes) else text
        found.keras = version.decode() if isinstance(version, bytes) else str(version)
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
                dict(one.attrs)  # read, as Keras will
                address = h5py.h5o.get_info(one.id).addr
                if address in seen:
                    continue
                seen.add(address)
                if isinstance(one, h5py.Group):
                    left.append((one, depth + 1))
                elif isinstance(one, h5py.Dataset):
                    wrong = _array_problems(one, place)
                    found.problems += wrong
                    found.numbers += int(one.size or 0)
                    if not wrong and one.chunks:
                        for chunk in one.iter_chunks():
                            one[chunk]
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


def main() -> None:
    """Read the file that is named, within limits, and print what it holds as JSON."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # no such limits on this system
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    print(json.dumps(attrs.asdict(read_hdf5(sys.argv[1]))))


if __name__ == "__main__":
    main()
